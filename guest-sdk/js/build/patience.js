// Ends a build whose contract does not come to an end when it is loaded.
import { Worker } from "node:worker_threads";

// How long a contract may load: those that do something take seconds.
const SECONDS = 120;
// A timer takes no more, some 24 days: beyond that it is over at once.
const MOST = Math.floor((2 ** 31 - 1) / 1000);

// What WASMCC_JS_LOAD_SECONDS comes to.
export function seconds(given) {
  const number = Number(given);
  return number > 0 ? Math.min(number, MOST) : SECONDS;
}

// The engine keeps this thread busy, so another one looks at the clock.
const WATCH = `
const { workerData: { seconds, text, folder } } = require("node:worker_threads");
const fs = require("node:fs");
setTimeout(() => {
  fs.writeSync(2, text);
  fs.rmSync(folder, { recursive: true, force: true });
  process.kill(process.pid, "SIGKILL");
}, seconds * 1000);
`;

// Returns the function that ends the watch. Without it, the build ends and its folder is removed.
export function watch(folder) {
  const limit = seconds(process.env.WASMCC_JS_LOAD_SECONDS);
  const text =
    `error: the contract is still loading after ${limit} s: does its top level come to an end? ` +
    "WASMCC_JS_LOAD_SECONDS gives it more time\n";
  const worker = new Worker(WATCH, { eval: true, workerData: { seconds: limit, text, folder } });
  return () => worker.terminate();
}
