// Finds uses of functions of `crypto` that a component lacks, in the contract's own files. If such a call is in `try`, the
// contract would silently behave differently from Fabric's own runtime.
import ts from "typescript";

import { declarationOf, isAllowed, read } from "./kept_state.js";
import { messageAt } from "./messages.js";

// The members of runtime/node/crypto.cjs, except `subtle`, which has no functions.
export const MEMBERS = {
  crypto: new Set([
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
  ]),
};

// Returns esbuild messages: for each file of `files` and each such function, one for the first use.
export function missingMembers(files, reader = read) {
  return files.flatMap((file) => {
    const { source, checker } = reader(file);
    const found = new Map();
    const visit = (node) => {
      if (ts.isTypeNode(node)) return;
      const { module, name } = memberOf(checker, node) || {};
      const whole = `${module}.${name}`;
      if (module && !MEMBERS[module].has(name) && !found.has(whole)) found.set(whole, message(source, node, module, name));
      ts.forEachChild(node, visit);
    };
    visit(source);
    return [...found.values()].filter((message) => !isAllowed(message));
  });
}

// Returns the module and the name of the member that a node denotes; undefined for other nodes.
function memberOf(checker, node) {
  // A computed name is only known at run time; `default` is the module itself.
  const member = (module, { text }) => module && text && text !== "default" && { module, name: text };
  if (ts.isPropertyAccessExpression(node)) return member(moduleOf(checker, node.expression), node.name);
  if (!ts.isIdentifier(node)) return undefined;
  const declaration = declarationOf(checker, node);
  if (declaration === undefined || declaration === node.parent) return undefined;
  const name = declaration.propertyName ?? declaration.name;
  if (ts.isImportSpecifier(declaration)) return member(named(declaration.parent.parent.parent.moduleSpecifier), name);
  if (!ts.isBindingElement(declaration) || declaration.dotDotDotToken) return undefined;
  return member(moduleOf(checker, declaration.parent.parent.initializer), name);
}

// Returns the module that an expression denotes. `seen` has the variables already followed.
function moduleOf(checker, node, seen = new Set()) {
  if (node === undefined) return undefined;
  if (ts.isCallExpression(node)) return node.expression.getText() === "require" ? named(node.arguments[0]) : undefined;
  const declaration = ts.isIdentifier(node) ? declarationOf(checker, node) : undefined;
  if (declaration === undefined || seen.has(declaration)) return undefined;
  if (ts.isImportClause(declaration)) return named(declaration.parent.moduleSpecifier);
  if (ts.isNamespaceImport(declaration)) return named(declaration.parent.parent.moduleSpecifier);
  if (ts.isImportEqualsDeclaration(declaration)) return named(declaration.moduleReference.expression);
  if (!ts.isVariableDeclaration(declaration)) return undefined;
  return moduleOf(checker, declaration.initializer, seen.add(declaration));
}

// Returns the name of the module that a text names, if it is one of `MEMBERS`.
function named(node) {
  if (node === undefined || !ts.isStringLiteralLike(node)) return undefined;
  const name = node.text.replace(/^node:/, "");
  return Object.hasOwn(MEMBERS, name) ? name : undefined;
}

const message = (source, node, module, name) =>
  messageAt(
    source,
    node,
    `${module}.${name} is not available in a chaincode component, and its call fails: use a package for it`,
    node.getText().length,
  );
