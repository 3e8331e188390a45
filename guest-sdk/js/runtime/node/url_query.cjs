// The queries of `url.parse` and `url.format`, as of node:querystring. Replaces the package `qs`, which nests objects.
const { URLSearchParams } = require("./url_standard.cjs");

// Node.js drops further ones.
const MOST_PAIRS = 1000;

exports.parse = (text) => {
  const found = Object.create(null);
  // The constructor would drop a question mark at the beginning.
  for (const [name, value] of [...new URLSearchParams(`&${text}`)].slice(0, MOST_PAIRS)) {
    found[name] = name in found ? [].concat(found[name], value) : value;
  }
  return found;
};

exports.stringify = (query) => {
  const pairs = Object.entries(query).flatMap(([name, value]) => [].concat(value).map((one) => [name, written(one)]));
  return pairs.map((pair) => pair.map(encodeURIComponent).join("=")).join("&");
};

const WRITTEN = new Set(["string", "boolean", "bigint"]);
const written = (value) => (WRITTEN.has(typeof value) || Number.isFinite(value) ? value : "");
