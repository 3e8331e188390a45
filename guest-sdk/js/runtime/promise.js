// Promises of the standard, on the queue of jobs.js.
import "./jobs.js";
import "core-js/actual/promise/index.js";

delete globalThis.setImmediate;
delete globalThis.clearImmediate;
