// Globals of Node.js that contracts use and the engine lacks.
import "./dates.js";
import "./locales.js";
import "./parameters.js";
import "./process.js";

import { Buffer } from "buffer";

import { console } from "./console.js";
import { structuredClone } from "./structured_clone.js";
import { TextDecoder, TextEncoder } from "./text_coding.js";

Object.assign(globalThis, {
  Buffer,
  console,
  structuredClone,
  TextDecoder,
  TextEncoder,
});
globalThis.atob ??= (text) => Buffer.from(text, "base64").toString("latin1");
globalThis.btoa ??= (text) => Buffer.from(text, "latin1").toString("base64");

// Timers and connections: the build reports uses that it finds; this covers all others.
for (const name of ["setTimeout", "setInterval", "fetch"]) {
  globalThis[name] = () => {
    throw new Error(`${name} is not available: a transaction has no timers and no network`);
  };
}
for (const name of ["clearTimeout", "clearInterval"]) globalThis[name] = () => {};

// The engine's own function returns a promise of the engine, which is never settled.
Array.fromAsync = async (items, map, self) => {
  const isIterable = items[Symbol.asyncIterator] ?? items[Symbol.iterator];
  const all = [];
  for await (const item of isIterable ? items : Array.from(items)) {
    all.push(map ? await map.call(self, item, all.length) : item);
  }
  return all;
};
