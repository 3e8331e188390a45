// The globals of Node.js that contracts use and the engine lacks.
import "./process.js";

import { Buffer } from "buffer";

import { console } from "./console.js";
import { structuredClone } from "./structured_clone.js";

class TextEncoder {
  get encoding() {
    return "utf-8";
  }
  encode(text = "") {
    const bytes = Buffer.from(String(text), "utf8");
    return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }
}

class TextDecoder {
  constructor(label = "utf-8", { fatal = false, ignoreBOM = false } = {}) {
    if (!/^(utf-?8|unicode-1-1-utf-8)$/i.test(label)) {
      throw new RangeError(`The "${label}" encoding is not supported`);
    }
    Object.assign(this, { fatal, ignoreBOM });
  }
  get encoding() {
    return "utf-8";
  }
  decode(input = new Uint8Array()) {
    const view = ArrayBuffer.isView(input)
      ? Buffer.from(input.buffer, input.byteOffset, input.byteLength)
      : Buffer.from(input);
    const text = view.toString("utf8");
    if (this.fatal && !Buffer.from(text, "utf8").equals(view)) {
      throw new TypeError("The encoded data was not valid for encoding utf-8");
    }
    return !this.ignoreBOM && text.startsWith("\uFEFF") ? text.slice(1) : text;
  }
}

Object.assign(globalThis, {
  Buffer,
  console,
  structuredClone,
  TextDecoder,
  TextEncoder,
});
globalThis.atob ??= (text) => Buffer.from(text, "base64").toString("latin1");
globalThis.btoa ??= (text) => Buffer.from(text, "latin1").toString("base64");

// Timers and connections: the build names them where it sees them, this is for all other places.
for (const name of ["setTimeout", "setInterval", "setImmediate", "fetch"]) {
  globalThis[name] = () => {
    throw new Error(`${name} is not available: a transaction has no timers and no network`);
  };
}
for (const name of ["clearTimeout", "clearInterval", "clearImmediate"]) globalThis[name] = () => {};

// The engine's own returns a promise of the engine, which nothing settles.
Array.fromAsync = async (items, map, self) => {
  const isIterable = items[Symbol.asyncIterator] ?? items[Symbol.iterator];
  const all = [];
  for await (const item of isIterable ? items : Array.from(items)) {
    all.push(map ? await map.call(self, item, all.length) : item);
  }
  return all;
};
