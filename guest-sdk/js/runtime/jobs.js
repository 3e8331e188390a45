// The queue of jobs that promises make. A component answers each call synchronously, and its engine runs
// no jobs before it does; so this queue takes the place of the engine's, and `drain` runs it.

const jobs = [];
let next = 0;

globalThis.queueMicrotask = (job) => {
  if (typeof job !== "function") throw new TypeError("queueMicrotask needs a function");
  jobs.push(job);
};

// Runs jobs until there are none, those that they add included.
export function drain() {
  try {
    while (next < jobs.length) {
      const job = jobs[next];
      jobs[next++] = undefined;
      job();
    }
  } finally {
    if (next >= jobs.length) {
      jobs.length = 0;
      next = 0;
    }
  }
}

// The engine's own promises would wait for the engine's queue.
delete globalThis.Promise;
// What core-js uses to report a rejection that nobody handled. It is looked for only while core-js loads.
globalThis.setImmediate = (job) => globalThis.queueMicrotask(job);
globalThis.clearImmediate = () => {};
