// Finds calls of `crypto` functions that a component lacks, in the contract's own files. If such a call is in `try`,
// the contract would silently behave differently from Fabric's own runtime.
import ts from "typescript";

import { declarationOf, isAllowed, read } from "./kept_state.js";
import { messageAt } from "./messages.js";

// The members of runtime/node/crypto.cjs, except `subtle`, which has no functions.
export const MEMBERS = new Set([
  "KeyObject",
  "X509Certificate",
  "createHash",
  "createHmac",
  "createSecretKey",
  "getHashes",
  "getRandomValues",
  "hash",
  "randomBytes",
  "randomFillSync",
  "randomInt",
  "randomUUID",
  "timingSafeEqual",
  "webcrypto",
]);

// Returns esbuild messages: for each file of `files` and each such function, one for the first use.
export function missingOfCrypto(files) {
  return files.flatMap((file) => {
    const { source, checker } = read(file);
    const found = new Map();
    const visit = (node) => {
      if (ts.isTypeNode(node)) return;
      const name = memberOf(checker, node);
      if (name !== undefined && !MEMBERS.has(name) && !found.has(name)) found.set(name, message(source, node, name));
      ts.forEachChild(node, visit);
    };
    visit(source);
    return [...found.values()].filter((message) => !isAllowed(message));
  });
}

// Returns the name of the `crypto` member that a node denotes; undefined for other nodes.
function memberOf(checker, node) {
  if (ts.isPropertyAccessExpression(node)) return isCrypto(checker, node.expression) ? node.name.text : undefined;
  if (!ts.isIdentifier(node)) return undefined;
  const declaration = declarationOf(checker, node);
  if (declaration === undefined || declaration === node.parent) return undefined;
  if (ts.isImportSpecifier(declaration)) {
    return isName(declaration.parent.parent.parent.moduleSpecifier) ? nameOf(declaration) : undefined;
  }
  if (!ts.isBindingElement(declaration) || declaration.dotDotDotToken) return undefined;
  return isCrypto(checker, declaration.parent.parent.initializer) ? nameOf(declaration) : undefined;
}

const nameOf = ({ propertyName, name }) => (propertyName ?? name).text;

// Returns true if an expression denotes the module. `seen` has the variables already followed.
function isCrypto(checker, node, seen = new Set()) {
  if (node === undefined) return false;
  if (ts.isCallExpression(node)) return node.expression.getText() === "require" && isName(node.arguments[0]);
  const declaration = ts.isIdentifier(node) ? declarationOf(checker, node) : undefined;
  if (declaration === undefined || seen.has(declaration)) return false;
  if (ts.isImportClause(declaration)) return isName(declaration.parent.moduleSpecifier);
  if (ts.isNamespaceImport(declaration)) return isName(declaration.parent.parent.moduleSpecifier);
  if (ts.isImportEqualsDeclaration(declaration)) return isName(declaration.moduleReference.expression);
  return ts.isVariableDeclaration(declaration) && isCrypto(checker, declaration.initializer, seen.add(declaration));
}

const isName = (node) => node !== undefined && ts.isStringLiteralLike(node) && /^(node:)?crypto$/.test(node.text);

const message = (source, node, name) =>
  messageAt(
    source,
    node,
    `crypto.${name} is not available in a chaincode component, and its call fails: use a package for it`,
    node.getText().length,
  );
