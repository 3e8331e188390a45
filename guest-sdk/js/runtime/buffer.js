// The package `buffer` with the engine's own conversions between text and bytes, if it has them: they are a hundred
// times as fast as JavaScript loops.
import whole, { Buffer } from "buffer/";

import { decodeLossy } from "./utf8.js";

export * from "buffer/";

export const isAscii = (input) => viewed(input).every((byte) => byte < 0x80);
export const isUtf8 = (input) => Buffer.from(viewed(input).toString()).equals(viewed(input));
export const constants = { MAX_LENGTH: 2 ** 31 - 1, MAX_STRING_LENGTH: 2 ** 29 - 24 };
const viewed = (input) =>
  ArrayBuffer.isView(input) ? Buffer.from(input.buffer, input.byteOffset, input.byteLength) : Buffer.from(input);

const { atob, btoa } = globalThis;
export { atob, btoa };
export default { ...whole, atob, btoa, constants, isAscii, isUtf8 };

// Returns `bytes`, which must not be used elsewhere, as a Buffer without a copy.
export const owned = (bytes) =>
  bytes == null ? Buffer.alloc(0) : Object.setPrototypeOf(bytes, Buffer.prototype);

const slow = { from: Buffer.from, toString: Buffer.prototype.toString };
const { toBase64, toHex } = Uint8Array.prototype;
const { max } = Math;
const ASCII = /^[\0-\x7f]*$/;
// Up to this many bytes, `Math.max` finds the largest faster than an expression.
const FEW = 1024;

const encoders = {
  utf8: (text) => latin1(ASCII.test(text) ? text : unescape(encodeURIComponent(text))),
  base64: (text) => Uint8Array.fromBase64(text),
  base64url: (text) => Uint8Array.fromBase64(text.replaceAll("-", "+").replaceAll("_", "/").replace(/=+$/, "")),
  hex: (text) => Uint8Array.fromHex(text),
};
const decoders = {
  utf8: (bytes) => {
    const text = atob(toBase64.call(bytes));
    if (text.length <= FEW ? max.apply(null, bytes) < 0x80 : ASCII.test(text)) return text;
    try {
      return decodeURIComponent(escape(text));
    } catch {
      return decodeLossy(bytes);
    }
  },
  base64: (bytes) => toBase64.call(bytes),
  base64url: (bytes) => toBase64.call(bytes, { alphabet: "base64url", omitPadding: true }),
  hex: (bytes) => toHex.call(bytes),
};
for (const table of [encoders, decoders]) table["utf-8"] = table.utf8;

const latin1 = (text) => Uint8Array.fromBase64(btoa(text));
// The package's base64 decoder accepts both alphabets.
const isUrl = (encoding) => String(encoding).toLowerCase() === "base64url";
const named = (table, encoding) => table[encoding] ?? table[String(encoding).toLowerCase()];

// Limits bounds like Node.js: not before the beginning, and never backwards.
function clamped(start, end) {
  const [from, to] = [start, end].map((bound) => Math.max(0, Math.trunc(bound) || 0));
  return [from, Math.max(from, to)];
}

// If the engine refuses the data (an unpaired surrogate, bytes that are not UTF-8, invalid base64), the package
// converts it like Node.js.
if (Uint8Array.fromBase64 && Uint8Array.fromHex) {
  Buffer.from = (value, encoding, length) => {
    if (typeof value === "string") {
      const encode = encoding === undefined ? encoders.utf8 : named(encoders, encoding);
      try {
        if (encode) return owned(encode(value));
      } catch {
        // The package handles it.
      }
    }
    return slow.from(value, isUrl(encoding) ? "base64" : encoding, length);
  };
  Buffer.prototype.toString = function (encoding, start = 0, end = this.length) {
    const decode = encoding === undefined ? decoders.utf8 : named(decoders, encoding);
    try {
      if (decode) {
        const whole = start === 0 && end === this.length;
        return decode(whole ? this : Uint8Array.prototype.subarray.call(this, ...clamped(start, end)));
      }
    } catch {
      // The package handles it.
    }
    return slow.toString.call(this, encoding, start, end);
  };
  Buffer.prototype.toLocaleString = Buffer.prototype.toString;
}

const { from } = Buffer;
Buffer.from = (value, ...more) => {
  // For a symbol, the package would recurse without end.
  if (typeof value !== "symbol" && typeof value !== "function") return from(value, ...more);
  const kinds = "a string or an instance of Buffer, ArrayBuffer, or Array or an Array-like Object";
  throw new TypeError(`The first argument must be of type ${kinds}. Received type ${typeof value}`);
};

// Returns other arrays of bytes, which the package does not accept, as Buffers of the same bytes.
function asBuffer(value) {
  const isOther = value instanceof Uint8Array && !Buffer.isBuffer(value);
  return isOther ? Buffer.from(value.buffer, value.byteOffset, value.byteLength) : value;
}
const { copy, indexOf, lastIndexOf } = Buffer.prototype;
Buffer.prototype.copy = function (target, ...bounds) {
  return copy.call(this, asBuffer(target), ...bounds);
};
Buffer.prototype.indexOf = function (value, offset, encoding) {
  return value?.length === 0 ? placed(this, offset, 0) : indexOf.call(this, asBuffer(value), offset, encoding);
};
Buffer.prototype.lastIndexOf = function (value, offset, encoding) {
  if (typeof offset === "string") return this.lastIndexOf(value, undefined, offset);
  if (value?.length === 0) return placed(this, offset, this.length);
  return lastIndexOf.call(this, asBuffer(value), offset, encoding);
};
// The position of an empty search text: the offset, which counts from the end if it is negative.
function placed({ length }, offset, usual) {
  const at = typeof offset === "number" && !Number.isNaN(offset) ? Math.trunc(offset) : usual;
  return at < 0 ? Math.max(0, length + at) : Math.min(at, length);
}

const { byteLength, isEncoding } = Buffer;
Buffer.isEncoding = (encoding) => isUrl(encoding) || isEncoding(encoding);
Buffer.byteLength = (value, encoding) =>
  typeof value === "string" && isUrl(encoding) ? Buffer.from(value, encoding).length : byteLength(value, encoding);
Buffer.prototype.equals = function (other) {
  if (other instanceof Uint8Array) return this === other || Buffer.compare(this, other) === 0;
  throw new TypeError('The "otherBuffer" argument must be an instance of Buffer or Uint8Array.');
};
for (const name of ["readBigUInt64LE", "readBigUInt64BE", "writeBigUInt64LE", "writeBigUInt64BE"]) {
  Buffer.prototype[name.replace("UInt", "Uint")] = Buffer.prototype[name];
}
