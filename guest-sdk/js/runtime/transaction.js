// Differences between the build of a component and a transaction: clock, random numbers, and client.
import { sha256 } from "@noble/hashes/sha2.js";
import { insecureSeed } from "wasi:random/insecure-seed@0.2.12";

// The stream of random numbers: its block, how much of the block is used, and its number. Made when a number is first
// needed.
let stream;

// Begins a transaction. Before, at the build, the clock is 1970 and random numbers come from a fixed seed, so the
// component does not depend on the machine that builds it.
let running = false;
export const isRunning = () => running;
export function begin() {
  running = true;
  stream = undefined;
}

function nextBlock() {
  const seed = stream?.block ?? (running ? ofTransaction() : BUILD);
  const input = new Uint8Array(seed.length + 4);
  input.set(seed);
  const number = (stream?.number ?? 0) + 1;
  new DataView(input.buffer).setUint32(seed.length, number);
  stream = { block: sha256(input), used: 0, number };
}

const BUILD = Uint8Array.from("build", (char) => char.charCodeAt(0));

// Returns the peer's seed for this transaction. It is derived from the channel and the transaction's id; checks for
// determinism use other seeds.
function ofTransaction() {
  // QuickJS returns numbers here, StarlingMonkey BigInts.
  return new Uint8Array(Float64Array.from(insecureSeed(), Number).buffer);
}

// Returns bytes that are the same on every endorser of this transaction. They are not secret.
export function randomBytes(length) {
  const bytes = new Uint8Array(length);
  for (let at = 0; at < length; at++) {
    if (!stream || stream.used === stream.block.length) nextBlock();
    bytes[at] = stream.block[stream.used++];
  }
  return bytes;
}

const { now } = Date;
const time = () => (running ? now() : 0);
globalThis.Date = new Proxy(Date, {
  apply: () => new Date(time()).toString(),
  construct: (target, args, newTarget) =>
    Reflect.construct(target, args.length === 0 ? [time()] : args, newTarget),
});
Date.now = time;
Date.prototype.constructor = Date;

Math.random = () => {
  const view = new DataView(randomBytes(8).buffer);
  return (view.getUint32(0) * 2 ** 21 + (view.getUint32(4) >>> 11)) / 2 ** 53;
};
