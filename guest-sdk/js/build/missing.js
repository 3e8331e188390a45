// Modules of Node.js that a component does not have.
//
// In the contract's own files they are refused. A package may ask for them and do without: one that is asked for in
// `try` is not found when this runs, and the functions of all others name themselves where they are called.
import fs from "node:fs";
import { createRequire, isBuiltin } from "node:module";
import path from "node:path";
import ts from "typescript";

const require = createRequire(import.meta.url);
const PACKAGES = /(^|[\\/])node_modules[\\/]/;
// What the messages about modules of packages have as esbuild's `detail`.
const [NEEDED, OPTIONAL] = ["a module that a package asks for", "a module that a package asks for in `try`"];
const [NOT_FOUND, NAMING] = ["module-not-found", "module-naming"];
// What the runtime says of such a module, or of a function of one.
const SAID = /(?:^|\s)(?:node:)?([^\s.:]+)(?:\.\w+)? is not available in a chaincode component/;
const nameIn = (text) => SAID.exec(text)?.[1];
// What such a module has all the same: packages read it when they are loaded, and it needs nothing of the machine.
const KNOWN = { os: { EOL: "\n" } };

// What esbuild takes for a module that the file `importer` of the contract in `root` asks for; `text` says why a
// component does not have it.
export function missing(name, text, importer, root) {
  if (!PACKAGES.test(path.relative(root, importer))) return { errors: [{ text }] };
  const [namespace, detail] = isOptional(name, importer) ? [NOT_FOUND, OPTIONAL] : [NAMING, NEEDED];
  return { path: name.replace(/^node:/, ""), namespace, pluginData: text, warnings: [{ text, detail }] };
}

// Has esbuild make these modules, by functions of the runtime's file `naming`.
export function makeMissing(build, naming) {
  const make = (namespace, contents) =>
    build.onLoad({ filter: /^/, namespace }, (args) => ({ contents: contents(args), resolveDir: path.dirname(naming) }));
  const from = `require(${JSON.stringify(naming)})`;
  make(NOT_FOUND, ({ pluginData: text }) => `throw ${from}.notFound(${JSON.stringify(text)});`);
  make(NAMING, ({ path: name }) => {
    const args = [name, KNOWN[name] ?? {}].map((arg) => JSON.stringify(arg));
    return `module.exports = ${from}.naming(${args});`;
  });
}

// Whether a message is about a module that a package may do without.
export const isOfPackage = ({ detail }) => detail === NEEDED || detail === OPTIONAL;

// Of such messages those about the module that a contract has not loaded for, which says `text`. A package that
// does without a module may have `null` in its place, and read a function of it all the same.
export function blamed(messages, text) {
  const name = nameIn(text);
  if (name !== undefined) return messages.filter((message) => nameIn(message.text) === name);
  const [, member] = /cannot read property '([^']+)' of (?:null|undefined)/.exec(text) ?? [];
  return messages.filter((message) => message.detail === OPTIONAL && hasMember(nameIn(message.text), member));
}

const hasMember = (name, member) =>
  member !== undefined && isBuiltin(`node:${name}`) && member in require(`node:${name}`);

// Whether a file asks for a module in `try`.
function isOptional(name, file) {
  const source = ts.createSourceFile(file, fs.readFileSync(file, "utf8"), ts.ScriptTarget.Latest, true);
  const isAsked = (node) => ts.isCallExpression(node) && asksFor(name, node) && isTried(node);
  const visit = (node) => isAsked(node) || ts.forEachChild(node, visit);
  return visit(source) === true;
}

const asksFor = (name, { expression, arguments: [first] }) =>
  (expression.kind === ts.SyntaxKind.ImportKeyword || expression.getText() === "require") &&
  first !== undefined && ts.isStringLiteralLike(first) && first.text === name;

// Whether a `catch` takes what a node throws.
export function isTried(node) {
  for (let inner = node; inner.parent; inner = inner.parent) {
    const { parent } = inner;
    if (ts.isTryStatement(parent) && parent.tryBlock === inner && parent.catchClause) return true;
  }
  return false;
}
