// The supported part of Node.js's `process`. Modules read it when they are loaded.
import * as transaction from "fabric:chaincode/transaction@0.2.0";

import { isRunning } from "./transaction.js";

const nothing = () => {};

// The calls of `exit` while the contract is loaded. It may catch the errors.
export const exits = [];

const env = {};
// Fabric's shim reads the peer's organization here.
Object.defineProperty(env, "CORE_PEER_LOCALMSPID", {
  enumerable: true,
  configurable: true,
  get: () => (isRunning() ? (transaction.getPeerMspId() ?? undefined) : undefined),
});

const process = {
  env,
  argv: ["node", "chaincode"],
  execArgv: [],
  arch: "wasm32",
  platform: "wasi",
  pid: 1,
  title: "chaincode",
  // Code that checks the version for features finds those of Node.js 18.
  version: "v18.0.0",
  versions: { node: "18.0.0" },
  browser: true,
  cwd: () => "/",
  uptime: () => 0,
  cpuUsage: () => ({ user: 0, system: 0 }),
  release: { name: "node" },
  exitCode: undefined,
  memoryUsage: () => ({ rss: 0, heapTotal: 0, heapUsed: 0, external: 0, arrayBuffers: 0 }),
  hrtime: Object.assign((since = [0, 0]) => [-since[0], -since[1]].map((part) => part + 0), {
    bigint: () => 0n,
  }),
  nextTick: (job, ...args) => queueMicrotask(() => job(...args)),
  emitWarning: (warning) => globalThis.console.warn(String(warning)),
  exit(code = 0) {
    const error = new Error(`process.exit(${code}): a chaincode has no process to end`);
    if (!isRunning()) exits.push(error);
    throw error;
  },
  listeners: () => [],
  listenerCount: () => 0,
};
// Output becomes lines of the log, as with a container.
for (const [name, level] of [["stdout", "log"], ["stderr", "error"]]) {
  process[name] = {
    isTTY: false,
    writable: true,
    write(text) {
      globalThis.console[level](String(text).replace(/\n$/, ""));
      return true;
    },
    // With these, winston accepts the object as a writable stream.
    _writableState: { objectMode: false },
    pipe: nothing,
    setMaxListeners: nothing,
  };
}
// This process never emits an event.
const CHAINED = [
  "addListener", "off", "on", "once", "prependListener", "prependOnceListener", "removeAllListeners", "removeListener",
  "setMaxListeners",
];
for (const name of CHAINED) process[name] = () => process;
process.emit = () => false;
process.eventNames = () => [];
process.getMaxListeners = () => 10;
Object.defineProperty(process, Symbol.toStringTag, { value: "process", configurable: true });

globalThis.global = globalThis;
globalThis.process = process;
