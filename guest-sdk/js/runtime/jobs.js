// The queue of jobs that promises make. A component answers each call synchronously, and its engine runs
// no jobs before it does; so this queue takes the place of the engine's, and `drain` runs it.

// A job is three entries: what has a method `run`, and its two arguments.
const jobs = [];
let next = 0;

export function addJob(reaction, state, value) {
  jobs.push(reaction, state, value);
}

// Runs jobs until there are none, those that they add included.
export function drain() {
  try {
    while (next < jobs.length) {
      const at = next;
      next += 3;
      const [reaction, state, value] = [jobs[at], jobs[at + 1], jobs[at + 2]];
      jobs[at] = jobs[at + 2] = undefined;
      reaction.run(state, value);
    }
  } finally {
    if (next >= jobs.length) {
      jobs.length = 0;
      next = 0;
    }
  }
}

globalThis.queueMicrotask = (job) => {
  if (typeof job !== "function") throw new TypeError("queueMicrotask needs a function");
  addJob({ run: () => job() });
};
