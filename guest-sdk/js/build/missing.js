// Handles modules of Node.js that a component lacks.
//
// In the contract's own files they are refused. Packages may import them: a module that is imported in `try` is not
// found at run time. Functions of other missing modules throw an error with their name when they are called.
import fs from "node:fs";
import { createRequire, isBuiltin } from "node:module";
import path from "node:path";
import ts from "typescript";

const require = createRequire(import.meta.url);
const PACKAGES = /(^|[\\/])node_modules[\\/]/;
// esbuild's `detail` of messages about modules of packages.
const [NEEDED, OPTIONAL] = ["a module that a package asks for", "a module that a package asks for in `try`"];
const [NOT_FOUND, NAMING] = ["module-not-found", "module-naming"];
// Ends the names of modules that are loaded by `import()`, whose errors have another code.
const IMPORTED = "?import";
// The runtime's text for such a module, or for a function of it.
const SAID = /(?:^|\s)(?:node:)?([^\s.:]+)(?:\.\w+)? is not available in a chaincode component/;
const SAID_OF_PACKAGE = /Cannot find module '([^']+)'/;
const nameIn = (text) => (SAID.exec(text) ?? SAID_OF_PACKAGE.exec(text))?.[1];
// Members that exist nevertheless: packages read them when they are loaded, and they do not depend on the machine.
const KNOWN = { os: { EOL: "\n" } };

// Resolves a missing module for esbuild. `importer` is a file, `root` the contract's folder; `text` says why a
// component lacks the module.
export function missing(name, text, importer, root) {
  if (!inPackage(importer, root)) return { errors: [{ text }] };
  const [namespace, detail] = isOptional(name, importer) ? [NOT_FOUND, OPTIONAL] : [NAMING, NEEDED];
  return { path: name.replace(/^node:/, ""), namespace, pluginData: text, warnings: [{ text, detail }] };
}

// Returns true if a file belongs to an installed package.
export const inPackage = (file, root) => PACKAGES.test(path.relative(root, file));

// Resolves a module for esbuild that a package asks for and that is not installed. `notes` are esbuild's.
export function notInstalled(name, isImport, notes) {
  const text = `Cannot find module '${name}'`;
  const suffix = isImport ? IMPORTED : "";
  return { path: name, suffix, namespace: NOT_FOUND, pluginData: text, warnings: [{ text, detail: NEEDED, notes }] };
}

// Makes these modules with esbuild, by functions of the runtime's file `naming`.
export function makeMissing(build, naming) {
  const make = (namespace, contents) =>
    build.onLoad({ filter: /^/, namespace }, (args) => ({ contents: contents(args), resolveDir: path.dirname(naming) }));
  const from = `require(${JSON.stringify(naming)})`;
  make(NOT_FOUND, ({ pluginData: text, suffix }) => {
    const args = [text, ...(suffix === IMPORTED ? ["ERR_MODULE_NOT_FOUND"] : [])];
    return `throw ${from}.notFound(${args.map((arg) => JSON.stringify(arg))});`;
  });
  make(NAMING, ({ path: name }) => {
    const args = [name, KNOWN[name] ?? {}, functionsOf(name)].map((arg) => JSON.stringify(arg));
    return `module.exports = ${from}.naming(${args});`;
  });
}

// Returns true if a message is about a module that a package may not need.
export const isOfPackage = ({ detail }) => detail === NEEDED || detail === OPTIONAL;

// Selects the messages about the missing module that caused the load error `text`. A package may replace a missing
// module by `null`, and still read a function of it.
export function blamed(messages, text) {
  const name = nameIn(text);
  if (name !== undefined) return messages.filter((message) => nameIn(message.text) === name);
  const [, member] = /cannot read property '([^']+)' of (?:null|undefined)/.exec(text) ?? [];
  return messages.filter((message) => message.detail === OPTIONAL && hasMember(nameIn(message.text), member));
}

// The functions of `fs` in Node.js 20, whose names packages copy. Components must not depend on the builder's Node.js.
const OF_FS = (
  "appendFile appendFileSync access accessSync chown chownSync chmod chmodSync close closeSync copyFile " +
  "copyFileSync cp cpSync createReadStream createWriteStream exists existsSync fchown fchownSync fchmod " +
  "fchmodSync fdatasync fdatasyncSync fstat fstatSync fsync fsyncSync ftruncate ftruncateSync futimes " +
  "futimesSync lchown lchownSync link linkSync lstat lstatSync lutimes lutimesSync mkdir mkdirSync mkdtemp " +
  "mkdtempSync open openSync openAsBlob readdir readdirSync read readSync readv readvSync readFile " +
  "readFileSync readlink readlinkSync realpath realpathSync rename renameSync rm rmSync rmdir rmdirSync " +
  "stat statfs statSync statfsSync symlink symlinkSync truncate truncateSync unwatchFile unlink unlinkSync " +
  "utimes utimesSync watch watchFile writeFile writeFileSync write writeSync writev writevSync Dirent Stats " +
  "ReadStream WriteStream FileReadStream FileWriteStream _toUnixTimestamp Dir opendir opendirSync"
).split(" ");

const functionsOf = (name) => (name === "fs" ? OF_FS : []);

const hasMember = (name, member) =>
  member !== undefined && isBuiltin(`node:${name}`) && member in require(`node:${name}`);

// Returns true if a file imports a module in `try`.
function isOptional(name, file) {
  const source = ts.createSourceFile(file, fs.readFileSync(file, "utf8"), ts.ScriptTarget.Latest, true);
  const isAsked = (node) => ts.isCallExpression(node) && asksFor(name, node) && isTried(node);
  const visit = (node) => isAsked(node) || ts.forEachChild(node, visit);
  return visit(source) === true;
}

const asksFor = (name, { expression, arguments: [first] }) =>
  (expression.kind === ts.SyntaxKind.ImportKeyword || expression.getText() === "require") &&
  first !== undefined && ts.isStringLiteralLike(first) && first.text === name;

// Returns true if a `catch` handles what a node throws.
export function isTried(node) {
  for (let inner = node; inner.parent; inner = inner.parent) {
    const { parent } = inner;
    if (ts.isTryStatement(parent) && parent.tryBlock === inner && parent.catchClause) return true;
  }
  return false;
}
