// Ends a build whose contract does not finish loading.
import { Worker } from "node:worker_threads";

// The time limit for loading; slow contracts take seconds.
const SECONDS = 120;
// The longest timer, some 24 days: longer ones expire at once.
const MOST = Math.floor((2 ** 31 - 1) / 1000);

// Returns the time limit in WASMCC_JS_LOAD_SECONDS.
export function seconds(given) {
  const number = Number(given);
  return number > 0 ? Math.min(number, MOST) : SECONDS;
}

// The engine blocks this thread, so another thread measures the time.
const WATCH = `
const { workerData: { seconds, text, folder } } = require("node:worker_threads");
const fs = require("node:fs");
setTimeout(() => {
  fs.writeSync(2, text);
  fs.rmSync(folder, { recursive: true, force: true });
  process.kill(process.pid, "SIGKILL");
}, seconds * 1000);
`;

// Starts the watch and returns the function that stops it. If the time is over, the build ends and its folder is
// removed.
export function watch(folder) {
  const limit = seconds(process.env.WASMCC_JS_LOAD_SECONDS);
  const text =
    `error: the contract is still loading after ${limit} s: does its top level end? ` +
    "WASMCC_JS_LOAD_SECONDS sets a longer limit\n";
  const worker = new Worker(WATCH, { eval: true, workerData: { seconds: limit, text, folder } });
  return () => worker.terminate();
}
