// The package `buffer`, with the engine's own conversions between text and bytes where it has them: they
// are a hundred times as fast as loops of JavaScript.
import { Buffer } from "buffer/";

import { decodeLossy } from "./utf8.js";

export * from "buffer/";

// `bytes`, which nobody else has, as a Buffer without a copy.
export const owned = (bytes) =>
  bytes == null ? Buffer.alloc(0) : Object.setPrototypeOf(bytes, Buffer.prototype);

const slow = { from: Buffer.from, toString: Buffer.prototype.toString };
const ASCII = /^[\0-\x7f]*$/;

const encoders = {
  utf8: (text) => latin1(ASCII.test(text) ? text : unescape(encodeURIComponent(text))),
  base64: (text) => Uint8Array.fromBase64(text),
  hex: (text) => Uint8Array.fromHex(text),
};
const decoders = {
  utf8: (bytes) => {
    const text = atob(Uint8Array.prototype.toBase64.call(bytes));
    if (ASCII.test(text)) return text;
    return either(() => decodeURIComponent(escape(text)), () => decodeLossy(bytes));
  },
  base64: (bytes) => Uint8Array.prototype.toBase64.call(bytes),
  hex: (bytes) => Uint8Array.prototype.toHex.call(bytes),
};
for (const table of [encoders, decoders]) table["utf-8"] = table.utf8;

const latin1 = (text) => Uint8Array.fromBase64(btoa(text));
const named = (table, encoding = "utf8") =>
  table[encoding] ?? table[String(encoding).toLowerCase()];

// What the engine refuses (half of a surrogate pair, bytes that are no UTF-8, base64 with other letters) is
// left to the package, which does as Node.js does.
function either(fast, fallback) {
  try {
    return fast();
  } catch {
    return fallback();
  }
}

// Bounds as Node.js takes them: not before the beginning, and never backwards.
function clamped(start, end) {
  const [from, to] = [start, end].map((bound) => Math.max(0, Math.trunc(bound) || 0));
  return [from, Math.max(from, to)];
}

if (Uint8Array.fromBase64 && Uint8Array.fromHex) {
  Buffer.from = (value, encoding, length) => {
    const encode = typeof value === "string" ? named(encoders, encoding) : undefined;
    const fallback = () => slow.from(value, encoding, length);
    if (!encode) return fallback();
    return either(() => slow.from(encode(value).buffer), fallback);
  };
  Buffer.prototype.toString = function (encoding, start = 0, end = this.length) {
    const decode = named(decoders, encoding);
    const fallback = () => slow.toString.call(this, encoding, start, end);
    if (!decode) return fallback();
    const whole = start === 0 && end === this.length;
    const part = whole ? this : Uint8Array.prototype.subarray.call(this, ...clamped(start, end));
    return either(() => decode(part), fallback);
  };
  Buffer.prototype.toLocaleString = Buffer.prototype.toString;
}
