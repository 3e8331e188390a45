// Parses DER, the encoding of certificates.
const { Buffer } = require("buffer");

const BMP_STRING = 0x1e;

// Returns the elements of `bytes`, a plain Uint8Array.
exports.elements = (bytes) => {
  const found = [];
  for (let at = 0; at < bytes.length; ) {
    const begin = at;
    const tag = bytes[at++];
    let length = bytes[at++];
    if (length >= 0x80) {
      let width = length & 0x7f;
      if (width === 0 || width > 4) throw new Error("Invalid DER: length");
      for (length = 0; width > 0; width--) length = length * 256 + bytes[at++];
    }
    if (!(at + length <= bytes.length)) throw new Error("Invalid DER: truncated");
    found.push({ tag, value: bytes.subarray(at, at + length), whole: bytes.subarray(begin, at + length) });
    at += length;
  }
  return found;
};

exports.children = (element) => exports.elements(element.value);

exports.oid = ({ value }) => {
  const numbers = [];
  let number = 0;
  for (const byte of value) {
    number = number * 128 + (byte & 0x7f);
    if (byte < 0x80) {
      numbers.push(number);
      number = 0;
    }
  }
  const first = Math.min(Math.floor(numbers[0] / 40), 2);
  return [first, numbers[0] - first * 40, ...numbers.slice(1)].join(".");
};

exports.text = ({ tag, value }) => {
  const bytes = Buffer.from(value);
  return tag === BMP_STRING ? bytes.swap16().toString("utf16le") : bytes.toString();
};
