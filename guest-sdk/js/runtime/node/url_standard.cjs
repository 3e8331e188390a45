// `URL` and `URLSearchParams`, which are shown as on Node.js.
const { inspect } = require("util/");
const { URL, URLSearchParams } = require("whatwg-url");

// The longest line of parameters.
const WIDTH = 80;
const PARTS =
  "href origin protocol username password host hostname port pathname search searchParams hash".split(" ");

// The package `util` calls this method of an object that it shows. `depth` is null if it is not limited.
const shownBy = ({ prototype }, show) =>
  Object.defineProperty(prototype, "inspect", { configurable: true, writable: true, value: show });

shownBy(URL, function (depth, options) {
  const { name } = this.constructor;
  if (typeof depth === "number" && depth < 0) return `${name} {}`;
  const lines = PARTS.map((part) => `  ${part}: ${inspect(this[part], options)}`);
  return `${name} {\n${lines.join(",\n")}\n}`;
});

shownBy(URLSearchParams, function (depth) {
  if (typeof depth === "number" && depth < 0) return "[Object]";
  const { name } = this.constructor;
  const pairs = [...this].map((pair) => pair.map((text) => inspect(text)).join(" => "));
  if (pairs.length === 0) return `${name} {}`;
  const line = pairs.join(", ");
  return line.length > WIDTH ? `${name} {\n  ${pairs.join(",\n  ")} }` : `${name} { ${line} }`;
});

module.exports = { URL, URLSearchParams };
