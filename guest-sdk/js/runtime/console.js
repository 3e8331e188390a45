// console, as lines of the peer's log.
import { log } from "fabric:chaincode/log@0.2.0";
import * as util from "util/";

import { isRunning } from "./transaction.js";

const counts = new Map();
let indent = "";

// Writes to the peer's log; at the build of the component there is none.
export function write(level, text) {
  if (isRunning()) log(level, text.toWellFormed(), []);
}

// A line for the log fails no transaction.
const safely = (make) => (...args) => {
  try {
    return make(...args);
  } catch {
    return args.map(shown).join(" ");
  }
};
const format = safely(textOf);
const inspect = safely(util.inspect);

// As on Node.js, a text alone is written as it is; the package makes "%" of its "%%".
function textOf(...args) {
  return args.length === 1 && typeof args[0] === "string" ? args[0] : util.format(...args);
}

function shown(value) {
  try {
    return String(value);
  } catch {
    return Object.prototype.toString.call(value);
  }
}

const line = (level) => (...args) => write(level, indent + format(...args));

export const console = {
  debug: line("debug"),
  clear() {},
  dir: (value, options) => write("info", indent + inspect(value, options)),
  error: line("error"),
  info: line("info"),
  log: line("info"),
  table: line("info"),
  warn: line("warn"),
  trace: (...args) => write("debug", `${indent}Trace: ${format(...args)}\n${new Error().stack}`),
  assert: (holds, ...args) => {
    if (!holds) write("error", `${indent}Assertion failed${args.length ? `: ${format(...args)}` : ""}`);
  },
  count: (label = "default") => {
    counts.set(label, (counts.get(label) ?? 0) + 1);
    write("info", `${indent}${label}: ${counts.get(label)}`);
  },
  countReset: (label = "default") => counts.delete(label),
  group: (...args) => {
    if (args.length) write("info", indent + format(...args));
    indent += "  ";
  },
  groupEnd: () => {
    indent = indent.slice(2);
  },
  // The clock stands still during a transaction.
  time() {},
  timeEnd: (label = "default") => write("info", `${indent}${label}: 0ms`),
  timeLog: (label = "default", ...args) => write("info", `${indent}${label}: 0ms ${format(...args)}`),
};
console.dirxml = console.log;
console.groupCollapsed = console.group;
