// Finds globals of Node.js that a component lacks: in the contract's own files, and in packages where their absence
// would go unnoticed.
import fs from "node:fs";
import ts from "typescript";

import { messageAt } from "./messages.js";
import { isTried } from "./missing.js";

const GLOBALS = {
  AbortController: "a transaction is not interrupted",
  EventTarget: 'use the module "events"',
  fetch: "there is no network",
  Intl: "a component has no data of locales",
  setInterval: "a transaction has no timers",
  setTimeout: "a transaction has no timers",
  WebSocket: "there is no network",
  Worker: "there are no threads",
  XMLHttpRequest: "there is no network",
};

// Returns an esbuild message for each use in `files`.
export function unavailable(files) {
  return files.flatMap((file) => {
    const source = read(file, fs.readFileSync(file, "utf8"));
    return foreign(source).map((use) => message(source, use));
  });
}

// Returns messages for `files` of packages: one for the first use of each global in `try`. Such a package may misread
// the failure.
export function caughtByPackages(files) {
  return files.flatMap((file) => {
    const text = fs.readFileSync(file, "utf8");
    // Most files need not be parsed.
    if (!NAMED.test(text)) return [];
    const source = read(file, text);
    const found = foreign(source).filter((use) => isTried(use) && !isKnown(use));
    return Object.keys(GLOBALS).flatMap((name) => {
      const first = found.find((use) => use.text === name);
      return first ? [messageAt(source, first, caught(name), name.length)] : [];
    });
  });
}

const NAMED = new RegExp(`\\b(${Object.keys(GLOBALS).join("|")})\\b`);

// Returns true if a use is guarded by a test whether the global exists.
function isKnown(use) {
  const asks = (condition) => new RegExp(`\\btypeof\\s+${use.text}\\b`).test(condition.getText());
  for (let inner = use; inner.parent; inner = inner.parent) {
    const { parent } = inner;
    if (ts.isIfStatement(parent) && parent.thenStatement === inner && asks(parent.expression)) return true;
    if (ts.isConditionalExpression(parent) && parent.condition !== inner && asks(parent.condition)) return true;
    if (ts.isBinaryExpression(parent) && parent.right === inner && asks(parent.left)) return true;
  }
  return false;
}

const caught = (name) =>
  `${name} is not available in a chaincode component, and the package catches the error: its behavior differs ` +
  "from that on Node.js";

const read = (file, text) => ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true);

// Returns the uses of globals that a file does not declare.
function foreign(source) {
  const own = declared(source);
  return uses(source).filter(({ text }) => !own.has(text));
}

// Returns calls and constructions of a global by its bare name, and uses of `Intl`.
function uses(source) {
  const found = [];
  const visit = (node) => {
    if (ts.isCallExpression(node) || ts.isNewExpression(node)) {
      const { expression } = node;
      if (ts.isIdentifier(expression) && Object.hasOwn(GLOBALS, expression.text)) found.push(expression);
      const object = ts.isPropertyAccessExpression(expression) ? expression.expression : undefined;
      if (object && ts.isIdentifier(object) && object.text === "Intl") found.push(object);
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
  return found;
}

// Returns all names that the file declares anywhere.
export function declared(source) {
  const names = new Set();
  const visit = (node) => {
    if (node.name && ts.isIdentifier(node.name) && !ts.isPropertyAccessExpression(node)) {
      names.add(node.name.text);
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
  return names;
}

const message = (source, use) =>
  messageAt(source, use, `${use.text} is not available in a chaincode component: ${GLOBALS[use.text]}`, use.text.length);
