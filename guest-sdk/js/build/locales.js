// Finds texts for other locales than the component's in the contract's own files.
import fs from "node:fs";
import ts from "typescript";

import { isAllowed } from "./kept_state.js";
import { messageAt } from "./messages.js";

const FUNCTIONS = new Set(["toLocaleString", "toLocaleDateString", "toLocaleTimeString"]);
const DEFAULT = /^(undefined|\[\]|["'`]en(-us)?["'`])$/i;
const UTC = /^\{\s*timeZone:\s*["'`](Etc\/)?(UTC|GMT)["'`],?\s*\}$/i;

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
  const [locale, options] = node.arguments.map((argument) => argument.getText());
  return (locale !== undefined && !DEFAULT.test(locale)) || (options !== undefined && !isPlain(options));
}

const isPlain = (options) => options === "undefined" || UTC.test(options);

const message = (source, name) =>
  messageAt(
    source,
    name,
    `${name.text} in a chaincode component knows only the locale en-US and the time zone UTC, without options; other ` +
      "calls fail: write the text with your own code",
    name.text.length,
  );
