// console, which writes to the peer's log.
import { log } from "fabric:chaincode/log@0.2.0";

import formatting from "./node/format.cjs";
import { isRunning } from "./transaction.js";

const LAST = 5;
const counts = new Map();
let indent = "";

// The first lines of the texts that the contract wrote while it was loaded, for an error of the build.
let early = [];

// Writes to the peer's log. There is none at the build.
export function write(level, text) {
  if (isRunning()) log(level, text.toWellFormed(), []);
  else early = [...early, String(text).split("\n", 1)[0]].slice(-LAST);
}

// Returns the last texts of the build, and forgets them.
export function written() {
  const texts = early;
  early = [];
  return texts;
}

// An error in making a log line must not fail a transaction.
const safely = (make) => (...args) => {
  try {
    return make(...args);
  } catch {
    return args.map(named).join(" ");
  }
};
export const format = safely(formatting.format);
const inspect = safely(formatting.shown);

function named(value) {
  try {
    return String(value);
  } catch {
    return Object.prototype.toString.call(value);
  }
}

// Writes each line of a text with the indentation of its group.
function writeLines(level, text) {
  write(level, indent ? indent + text.replaceAll("\n", `\n${indent}`) : text);
}
const line = (level) => (...args) => writeLines(level, format(...args));

export const console = {
  debug: line("debug"),
  clear() {},
  dir: (value, options) => writeLines("info", inspect(value, options)),
  error: line("error"),
  info: line("info"),
  log: line("info"),
  table: line("info"),
  warn: line("warn"),
  trace: (...args) => writeLines("debug", `Trace: ${format(...args)}\n${new Error().stack}`),
  assert: (holds, ...args) => {
    if (!holds) writeLines("error", `Assertion failed${args.length ? `: ${format(...args)}` : ""}`);
  },
  count: (label = "default") => {
    counts.set(label, (counts.get(label) ?? 0) + 1);
    writeLines("info", `${label}: ${counts.get(label)}`);
  },
  countReset: (label = "default") => counts.delete(label),
  group: (...args) => {
    if (args.length) console.log(...args);
    indent += "  ";
  },
  groupEnd: () => {
    indent = indent.slice(2);
  },
  // The clock does not advance during a transaction.
  time() {},
  timeEnd: (label = "default") => writeLines("info", `${label}: 0ms`),
  timeLog: (label = "default", ...args) => writeLines("info", `${label}: 0ms ${format(...args)}`),
};
console.dirxml = console.log;
console.groupCollapsed = console.group;
