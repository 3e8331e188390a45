// Cuts a bundle into files that the engine compiles one after the other.
//
// QuickJS compiles a file as a whole, and what it needs for that stays in the component as holes of the
// heap: a bundle in one file has as much of it again as the contract and Fabric's modules take. And
// objects that a transaction writes to lie closer together, so fewer pages are copied for it.
import ts from "typescript";

const HELPERS = "helpers.js";
const CONTRACT = "contract.js";
// Modules that know nothing of the runtime and the contract: most packages. Few of their objects are used in
// a transaction, so they are compiled before all that is.
const PACKAGES = "packages.js";
export const START = "start.js";

// Returns the texts of the files by name, of which `START` is the one to start. Each module that esbuild has
// made a function of is a file of its own. Every statement stays in its line of the bundle, so stacks do not
// change.
export function units(bundle) {
  const statements = parse(bundle);
  const helpers = statements.slice(0, statements.findIndex(({ names }) => !names[0]?.startsWith("__")));
  const modules = statements.filter(({ isModule }) => isModule);
  const rest = statements.slice(helpers.length).filter(({ isModule }) => !isModule);
  const files = new Map([[HELPERS, helpers], ...modules.map((module, at) => [`module${at}.js`, [module]]), [CONTRACT, rest]]);
  const homes = homesOf(files);
  const uses = new Map([...files].map(([name, statements]) => [name, imports(name, statements, homes)]));
  const texts = new Map([...files].map(([name, statements]) => [name, text(name, statements, uses.get(name), homes)]));
  const packages = [...files.keys()].filter((name) => !reaches(name, CONTRACT, uses));
  texts.set(PACKAGES, packages.map((name) => `import "./${name}";\n`).join(""));
  return texts.set(START, `import "./${PACKAGES}";\nexport const { contract } = await import("./${CONTRACT}");\n`);
}

// The statements of a bundle: text, number of the line, names that they declare, and whether one is a module.
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

// The file of each name that others may import. Of what stays together, a module knows only what esbuild has
// made for it: a function that loads one, and the object of what that exports.
function homesOf(files) {
  const homes = new Map();
  for (const [file, statements] of files) {
    for (const name of statements.flatMap(({ names }) => names)) {
      if (file !== CONTRACT || /^init_|_exports\d*$/.test(name)) homes.set(name, file);
    }
  }
  return homes;
}

// The names that a file imports, by the file that has them.
function imports(file, statements, homes) {
  const words = new Set(statements.flatMap(({ text }) => text.match(/[\w$]+/g) ?? []));
  const found = new Map();
  for (const [name, home] of homes) {
    if (home !== file && words.has(name)) found.set(home, [...(found.get(home) ?? []), name]);
  }
  return found;
}

function reaches(file, goal, uses, seen = new Set()) {
  if (file === goal) return true;
  if (seen.has(file)) return false;
  seen.add(file);
  return [...uses.get(file).keys()].some((used) => reaches(used, goal, uses, seen));
}

function text(file, statements, uses, homes) {
  const imports = [...uses].map(([home, names]) => `import { ${names.join(", ")} } from "./${home}"; `);
  const exported = [...homes].filter(([, home]) => home === file).map(([name]) => name);
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
