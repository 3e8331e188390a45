// Stacks in the lines of the contract's own files instead of those of the bundle.

import { inspect } from "util/";

// The contract's files, and runs of three numbers, ordered by the first: the lines of the bundle from the
// first on are those of the file with the second from the third on; without a file, they are no lines of the
// contract. Set by the bundle's last line.
let files = [];
let runs = new Int32Array();
export function setTrace(table) {
  files = table.files;
  runs = Int32Array.from(table.runs);
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
  let at = runs.length - 3;
  while (at >= 0 && runs[at] > number) at -= 3;
  const file = at >= 0 ? files[runs[at + 1]] : undefined;
  if (file) return `${file}:${runs[at + 2] + number - runs[at]}`;
  return `wasmcc-js:${number}:${column}`;
}
