// Maps stacks from lines of the bundle to lines of the contract's own files.

import { inspect } from "util/";

// The contract's files, and runs of three numbers: first bundle line, file, first line of the file. Runs are ordered by
// bundle line; a run without a file is not part of the contract. The bundle's last line sets both.
let files = [];
let runs = new Int32Array();
export function setTrace(table) {
  files = table.files;
  runs = Int32Array.from(table.runs);
}

// Returns a thrown value as an error, since the engine prints only errors.
export function traced(error) {
  if (!(error instanceof Error)) return new Error(`thrown: ${inspect(error)}`);
  return typeof error.stack === "string" ? error : new Error(String(error));
}

// The format of Node.js: the error, then a line for each call.
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
