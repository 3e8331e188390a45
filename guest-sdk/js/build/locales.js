// Finds texts for other locales than the component's in the contract's own files.
import fs from "node:fs";
import ts from "typescript";

import { isAllowed } from "./kept_state.js";
import { messageAt } from "./messages.js";

const FUNCTIONS = new Set(["toLocaleString", "toLocaleDateString", "toLocaleTimeString"]);
const DEFAULT = /^(\[\]|(\[\s*)?["'`]en(-us)?["'`](,?\s*\])?)$/i;
const UNDEFINED = /^(undefined|void 0)$/;
const UTC = /^["'`](Etc\/)?(UTC|GMT)["'`]$/i;
// Other classes may have a function of this name.
const CLASSES = new Set(["Array", "BigInt", "Date", "Number"]);

// Returns an esbuild message for each call in `files` with a locale or with options that a component lacks.
export function otherLocales(files) {
  return files.flatMap((file) => {
    const text = fs.readFileSync(file, "utf8");
    if (!text.includes("toLocale")) return [];
    const source = ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true);
    const found = [];
    const visit = (node) => {
      if (isOther(node)) found.push(message(source, node.expression.name));
      ts.forEachChild(node, visit);
    };
    visit(source);
    return found.filter((message) => !isAllowed(message));
  });
}

function isOther(node) {
  if (!ts.isCallExpression(node) || !ts.isPropertyAccessExpression(node.expression)) return false;
  if (!FUNCTIONS.has(node.expression.name.text)) return false;
  const { expression: receiver } = node.expression;
  if (ts.isNewExpression(receiver) && !CLASSES.has(receiver.expression.getText())) return false;
  const [locale, options] = node.arguments;
  return (locale && !isUndefined(locale) && !DEFAULT.test(locale.getText())) || (options && !isPlain(options));
}

const isUndefined = (node) => UNDEFINED.test(node.getText());

// Returns true for options that the component knows.
function isPlain(options) {
  if (!ts.isObjectLiteralExpression(options)) return isUndefined(options);
  return options.properties.every(
    ({ name, initializer }) =>
      initializer && (isUndefined(initializer) || (name.getText() === "timeZone" && UTC.test(initializer.getText()))),
  );
}

const message = (source, name) =>
  messageAt(
    source,
    name,
    `${name.text} in a chaincode component knows only the locale en-US and the time zone UTC, without options; other ` +
      "calls fail: write the text with your own code",
    name.text.length,
  );
