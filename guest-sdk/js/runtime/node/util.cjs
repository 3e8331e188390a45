// node:util: the package of this name, with Node.js's additions.
const { isDeepStrictEqual } = require("assert/build/internal/util/comparisons");
const util = require("util/");

const { format } = require("./format.cjs");
const { TextDecoder, TextEncoder } = require("../text_coding.js");

module.exports = Object.assign({}, util, {
  format,
  formatWithOptions: (_options, ...values) => format(...values),
  isDeepStrictEqual,
  stripVTControlCharacters: (text) => String(text).replace(/\x1b\[[0-9;]*[A-Za-z]/g, ""),
  TextDecoder,
  TextEncoder,
  toUSVString: (text) => String(text).toWellFormed(),
});
