// Finds globals of Node.js in the contract's own files that a component does not have.
import fs from "node:fs";
import ts from "typescript";

import { messageAt } from "./messages.js";

const GLOBALS = {
  AbortController: "a transaction is not interrupted",
  EventTarget: 'use the module "events"',
  fetch: "there is no network",
  Intl: "a component has no data of locales",
  setInterval: "a transaction has no timers",
  setTimeout: "a transaction has no timers",
  URL: "use a package for it",
  URLSearchParams: "use a package for it",
  WebSocket: "there is no network",
  Worker: "there are no threads",
  XMLHttpRequest: "there is no network",
};

// Messages of esbuild for each use in `files`.
export function unavailable(files) {
  return files.flatMap((file) => {
    const text = fs.readFileSync(file, "utf8");
    const source = ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true);
    const own = declared(source);
    return uses(source).filter(({ text }) => !own.has(text)).map((use) => message(source, use));
  });
}

// Calls and constructions of a global by its bare name, and of what `Intl` has.
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

// Names that the file itself declares, anywhere.
function declared(source) {
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
