// `util.format` of Node.js. The package `util` supports half of the conversions, and formats objects differently.
const { inspect } = require("util/");

const { toISOString, getTime } = Date.prototype;

// The stack of an error, with its message: StarlingMonkey's stacks have the calls alone.
const stackOf = ({ name, message, stack }) => (/^\S*@/.test(stack) ? `${name}: ${message}\n${stack}` : stack);

// Formats a value like the package, except for values that it cannot format.
function shown(value, options) {
  if (typeof value === "bigint") return `${value}n`;
  if (typeof value === "symbol") return String(value);
  if (value instanceof Date && !Number.isNaN(getTime.call(value))) return toISOString.call(value);
  if (value instanceof Error && typeof value.stack === "string") return stackOf(value);
  return inspect(value, options);
}

const BUILT_IN = new Set(
  [Array, ArrayBuffer, Boolean, Date, Error, Map, Number, Object, Promise, RegExp, Set, String, WeakMap, WeakSet].map(
    ({ prototype }) => prototype.toString,
  ),
);
// Returns true if an object's text comes from its kind, not from its class or itself.
const isPlain = ({ toString }) => typeof toString !== "function" || BUILT_IN.has(toString);

const number = (value) => (Object.is(value, -0) ? "-0" : String(value));
const numeric = (read) => (value) => {
  if (typeof value === "bigint") return `${value}n`;
  return number(typeof value === "symbol" ? NaN : read(value));
};

function json(value) {
  try {
    return JSON.stringify(value);
  } catch (error) {
    if (/circular/i.test(error.message)) return "[Circular]";
    throw error;
  }
}

const CONVERSIONS = {
  s(value) {
    if (typeof value === "number") return number(value);
    if (typeof value === "bigint") return `${value}n`;
    if (typeof value === "object" && value !== null && isPlain(value)) return shown(value, { depth: 0 });
    return String(value);
  },
  d: numeric((value) => Number(value)),
  i: numeric((value) => parseInt(value)),
  f: (value) => number(typeof value === "symbol" ? NaN : parseFloat(value)),
  j: json,
  o: (value) => shown(value, { showHidden: true, depth: 4 }),
  O: (value) => shown(value),
  c: () => "",
};

exports.shown = shown;
exports.stackOf = stackOf;

exports.format = function format(...all) {
  const [first, ...values] = all;
  if (typeof first !== "string") return all.map(piece).join(" ");
  if (values.length === 0) return first;
  let used = 0;
  const text = first.replace(/%([sdifjoOc%])/g, (found, kind) => {
    if (kind === "%") return "%";
    return used < values.length ? CONVERSIONS[kind](values[used++]) : found;
  });
  return [text, ...values.slice(used).map(piece)].join(" ");
};

const piece = (value) => (typeof value === "string" ? value : shown(value));
