// The job queue of promises. A component answers each call synchronously, and its engine runs no jobs before the
// answer. So this queue replaces the engine's, and `drain` runs it.

// A job is four entries: a function and its arguments. The array is never shortened.
const jobs = [];
let next = 0;
let end = 0;

export function addJob(run, first, second, third) {
  jobs[end] = run;
  jobs[end + 1] = first;
  jobs[end + 2] = second;
  jobs[end + 3] = third;
  end += 4;
}

// Callbacks of `setImmediate` that have not run yet, in order.
const immediates = [];

// Runs jobs and immediates until there are none, including those that they add. As on Node.js, an immediate runs when
// there are no jobs.
export function drain() {
  for (;;) {
    while (next < end) {
      const at = next;
      const run = jobs[at];
      const first = jobs[at + 1];
      const second = jobs[at + 2];
      const third = jobs[at + 3];
      jobs[at] = jobs[at + 1] = jobs[at + 2] = jobs[at + 3] = undefined;
      next += 4;
      if (next === end) next = end = 0;
      run(first, second, third);
    }
    if (immediates.length === 0) return;
    immediates.shift().run();
  }
}

const callIt = (job) => {
  job();
};

globalThis.queueMicrotask = (job) => {
  if (typeof job !== "function") throw new TypeError("queueMicrotask needs a function");
  addJob(callIt, job);
};

globalThis.setImmediate = (job, ...args) => {
  if (typeof job !== "function") throw new TypeError("setImmediate needs a function");
  const immediate = { run: () => job(...args), hasRef: () => true, ref: () => immediate, unref: () => immediate };
  immediates.push(immediate);
  return immediate;
};
globalThis.clearImmediate = (immediate) => {
  const at = immediates.indexOf(immediate);
  if (at >= 0) immediates.splice(at, 1);
};
