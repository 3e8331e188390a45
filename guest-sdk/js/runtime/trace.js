// Stacks in the lines of the contract's own files instead of those of the bundle.

import { inspect } from "util";

// `[{ from, file, line }]`, ordered by `from`: the lines of the bundle from there on are those of `file`
// from `line` on; without a file, they are no lines of the contract. Set by the bundle's last line.
let runs = [];
export function setTrace(table) {
  runs = table.runs.map(([from, file, line]) => ({ from, file: table.files[file], line }));
}

// What is thrown, as an error that the engine shows: it has no text for anything else.
export function traced(error) {
  if (!(error instanceof Error)) return new Error(`thrown: ${inspect(error)}`);
  return typeof error.stack === "string" ? error : new Error(String(error));
}

// The form of Node.js: the error, then a line for each call.
Error.prepareStackTrace = (error, calls) => [String(error), ...calls.map(line)].join("\n");

function line(call) {
  const name = call.getFunctionName();
  const place = call.isNative() ? "native" : placeOf(call.getLineNumber(), call.getColumnNumber());
  return name ? `    at ${name} (${place})` : `    at ${place}`;
}

function placeOf(number, column) {
  const run = runs.findLast(({ from }) => from <= number);
  if (run?.file) return `${run.file}:${run.line + number - run.from}`;
  return `wasmcc-js:${number}:${column}`;
}
