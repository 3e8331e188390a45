// Finds calls that may load any file of a folder with packages: `require("./" + name)`. esbuild would bundle all of
// these files, which takes minutes, and would fail for files that are not modules.
import fs from "node:fs";
import path from "node:path";
import ts from "typescript";

import { messageAt } from "./messages.js";

const PACKAGES = "node_modules";
// Filters files by their text, so that most need not be parsed.
const MAY_HAVE = /\b(require|import)\s*\(\s*(?:`\.\.?\/[^`]*\$\{|(["'`])\.\.?\/[^"'`\n]*\2\s*\+)/;

// The esbuild plugin that refuses such calls in files of the contract.
export const patterns = {
  name: "patterns",
  setup(build) {
    build.onLoad({ filter: /\.[cm]?[jt]sx?$/ }, ({ path: file }) => {
      if (file.split(path.sep).includes(PACKAGES)) return undefined;
      const text = fs.readFileSync(file, "utf8");
      const errors = MAY_HAVE.test(text) ? refusals(file, text) : [];
      return errors.length > 0 ? { errors } : undefined;
    });
  },
};

function refusals(file, text) {
  const source = ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true);
  const found = [];
  const visit = (node) => {
    const begin = ts.isCallExpression(node) && isLoading(node) ? beginning(node.arguments[0]) : undefined;
    if (begin !== undefined && mayBePackage(file, begin)) found.push(message(source, node.arguments[0]));
    ts.forEachChild(node, visit);
  };
  visit(source);
  return found;
}

const isLoading = ({ expression, arguments: { length } }) =>
  length > 0 && (expression.kind === ts.SyntaxKind.ImportKeyword || (ts.isIdentifier(expression) && expression.text === "require"));

// Returns the constant beginning of a computed name.
function beginning(name) {
  if (ts.isTemplateExpression(name)) return name.head.text;
  if (!ts.isBinaryExpression(name) || name.operatorToken.kind !== ts.SyntaxKind.PlusToken) return undefined;
  return ts.isStringLiteralLike(name.left) ? name.left.text : beginning(name.left);
}

// Returns true if such a name may denote a file in `node_modules`.
function mayBePackage(file, begin) {
  const [, folder, part] = /^(\.\.?\/(?:.*\/)?)([^/]*)$/.exec(begin) ?? [];
  if (folder === undefined || !PACKAGES.startsWith(part)) return false;
  return fs.existsSync(path.join(path.dirname(file), folder, PACKAGES));
}

function message(source, name) {
  const written = name.getText().split("\n", 1)[0];
  const text =
    `the module that this loads is only known at run time, and ${written} may be any file of a folder with node_modules: ` +
    'name each module, or have them in a folder of their own, as in require("./lib/" + name)';
  return messageAt(source, name, text, written.length);
}
