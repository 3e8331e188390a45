// Finds uses of the globals `URL` and `URLSearchParams` that esbuild's `define` does not replace: properties of the
// global object that are not read as `globalThis.URL`, as in `const { URL } = globalThis`.
//
// Does not follow values between files.
import fs from "node:fs";
import ts from "typescript";

import { declared } from "./unavailable.js";

const NAMES = new Set(["URL", "URLSearchParams"]);
const OBJECTS = new Set(["globalThis", "global"]);
// Most files need not be parsed.
const NAMED = /\bURL(SearchParams)?\b/;
const GLOBAL = /\bglobal(This)?\b/;

// Returns true if one of `files` has the name of such a global, and uses the global object as a value.
export const readsUrls = (files) =>
  files.some((file) => {
    const text = fs.readFileSync(file, "utf8");
    if (!NAMED.test(text) || !GLOBAL.test(text)) return false;
    const source = ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true);
    const own = declared(source);
    let [hasName, hasObject] = [false, false];
    const visit = (node) => {
      if (ts.isTypeNode(node)) return;
      hasName ||= (ts.isIdentifier(node) || ts.isStringLiteralLike(node)) && NAMES.has(node.text);
      hasObject ||= ts.isIdentifier(node) && OBJECTS.has(node.text) && !own.has(node.text) && isValue(node);
      ts.forEachChild(node, visit);
    };
    visit(source);
    return hasName && hasObject;
  });

// Returns true if an identifier is neither a property's name, nor an object whose property is read by its name.
function isValue(node) {
  const { parent } = node;
  if (ts.isPropertyAccessExpression(parent) || ts.isTypeOfExpression(parent)) return false;
  if (ts.isElementAccessExpression(parent) && parent.expression === node) {
    return !ts.isStringLiteralLike(parent.argumentExpression);
  }
  return parent.name !== node;
}
