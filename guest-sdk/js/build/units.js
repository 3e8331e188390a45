// Splits a bundle into files that the engine compiles one by one.
//
// QuickJS compiles a file as a whole, and the memory for that remains in the component as holes of the heap. For a
// bundle in one file, the holes are as large as the contract and Fabric's modules. Split, objects that a transaction
// writes are also closer together, so fewer pages are copied.
import ts from "typescript";

const HELPERS = "helpers.js";
const CONTRACT = "contract.js";
// Modules that import neither the runtime nor the contract: most packages. Transactions use few of their objects, so
// they are compiled before all others.
const PACKAGES = "packages.js";
export const START = "start.js";
// The name of the bundle's export.
const RESULT = "contract";

// Returns the texts of the files by name; `START` is the file to start. Each module that esbuild wrapped in a function
// is a file. Statements keep their line of the bundle, so stacks do not change.
export function units(bundle) {
  const statements = parse(bundle);
  const helpers = statements.slice(0, statements.findIndex(({ names }) => !names[0]?.startsWith("__")));
  const modules = statements.filter(({ isModule }) => isModule);
  const rest = statements.slice(helpers.length).filter(({ isModule }) => !isModule);
  const files = new Map([[HELPERS, helpers], ...modules.map((module, at) => [`module${at}.js`, [module]]), [CONTRACT, rest]]);
  const homes = homesOf(files);
  const uses = new Map([...files].map(([name, statements]) => [name, imports(name, statements, homes)]));
  const wanted = new Set([...uses.values()].flatMap((used) => [...used.values()].flat()));
  const texts = new Map(
    [...files].map(([name, statements]) => [name, text(name, statements, uses.get(name), homes, wanted)]),
  );
  const packages = [...files.keys()].filter((name) => !reaches(name, CONTRACT, uses));
  texts.set(PACKAGES, packages.map((name) => `import "./${name}";\n`).join(""));
  return texts.set(START, `import "./${PACKAGES}";\nexport const { ${RESULT} } = await import("./${CONTRACT}");\n`);
}

// Returns the statements of a bundle: text, line number, declared names, and whether it is a module.
function parse(bundle) {
  const source = ts.createSourceFile(CONTRACT, bundle, ts.ScriptTarget.Latest, false, ts.ScriptKind.JS);
  return source.statements.map((statement) => {
    const start = statement.getStart(source);
    const { line } = source.getLineAndCharacterOfPosition(start);
    return { text: bundle.slice(start, statement.end), line, names: declared(statement), isModule: isModule(statement) };
  });
}

function isModule(statement) {
  if (!ts.isVariableStatement(statement)) return false;
  const { initializer } = statement.declarationList.declarations[0];
  return initializer !== undefined && ts.isCallExpression(initializer) && initializer.expression.text === "__commonJS";
}

function declared(statement) {
  if (ts.isVariableStatement(statement)) {
    return statement.declarationList.declarations.flatMap(({ name }) => (ts.isIdentifier(name) ? [name.text] : []));
  }
  return statement.name && ts.isIdentifier(statement.name) ? [statement.name.text] : [];
}

// Returns the file of each name that others may import.
function homesOf(files) {
  const homes = new Map();
  for (const [file, statements] of files) {
    for (const name of statements.flatMap(({ names }) => names)) {
      if (name !== RESULT) homes.set(name, file);
    }
  }
  return homes;
}

// Returns the names that a file imports, by the file that declares them. Within the main file, a CommonJS module uses
// only esbuild's functions that load a module, the objects of exports, and functions that load a file of a folder by
// name. A module with imports but no exports is a CommonJS module for esbuild, and uses the names that it imports.
function imports(file, statements, homes) {
  const words = new Set(statements.flatMap(({ text }) => text.match(/[\w$]+/g) ?? []));
  const hasImports = statements.some(({ text }) => /^ *init_\w*\(\);$/m.test(text));
  const found = new Map();
  for (const [name, home] of homes) {
    const isKnown = home !== CONTRACT || hasImports || /^init_|^glob(Require|Import)|_exports\d*$/.test(name);
    if (home !== file && isKnown && words.has(name)) found.set(home, [...(found.get(home) ?? []), name]);
  }
  return found;
}

function reaches(file, goal, uses, seen = new Set()) {
  if (file === goal) return true;
  if (seen.has(file)) return false;
  seen.add(file);
  return [...uses.get(file).keys()].some((used) => reaches(used, goal, uses, seen));
}

function text(file, statements, uses, homes, wanted) {
  const imports = [...uses].map(([home, names]) => `import { ${names.join(", ")} } from "./${home}"; `);
  const exported = [...homes].filter(([name, home]) => home === file && wanted.has(name)).map(([name]) => name);
  return `${imports.join("")}${inTheirLines(statements)}\nexport { ${exported.join(", ")} };\n`;
}

function inTheirLines(statements) {
  let text = "";
  let at = 0;
  for (const { text: own, line } of statements) {
    text += line > at ? "\n".repeat(line - at) : " ";
    text += own;
    at = line + own.split("\n").length - 1;
  }
  return text;
}
