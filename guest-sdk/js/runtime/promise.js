// Promises and asynchronous functions of the standard (ECMA-262, 27.2 and 27.7) on the queue of jobs.js. They replace
// the engine's.
//
// Jobs are added in the standard's order, so functions that wait for each other run as on Node.js. Frequent code makes
// few objects: core-js's promises take twenty times as long, and Fabric's modules mostly wait during a transaction.
import { addJob } from "./jobs.js";

const [PENDING, FULFILLED, REJECTED] = [0, 1, 2];
// Rejected promises without a handler, in the order of their rejection.
const lost = new Set();
const nothing = () => {};

// A job is a function with its own argument, the state and the value. Pairs of function and argument replace closures,
// and functions outside of the class replace private methods: both would cost more than the rest of a job.
class Promise {
  #state = PENDING;
  // The value or the reason. While pending: the reactions, if any, as function and argument pairs in one array.
  #value;

  constructor(executor) {
    if (executor === nothing) return;
    if (typeof executor !== "function") {
      throw new TypeError(`Promise resolver ${String(executor)} is not a function`);
    }
    const functions = functionsOf(this);
    try {
      executor(functions.resolve, functions.reject);
    } catch (error) {
      functions.reject(error);
    }
  }

  then(onFulfilled, onRejected) {
    return chain(this, typeOf(this), onFulfilled, onRejected);
  }

  catch(onRejected) {
    return this.then(undefined, onRejected);
  }

  finally(callback) {
    if (typeof callback !== "function") return this.then(callback, callback);
    const Type = typeOf(this);
    return this.then(
      (value) => Type.resolve(callback()).then(() => value),
      (error) =>
        Type.resolve(callback()).then(() => {
          throw error;
        }),
    );
  }

  static withResolvers() {
    return capabilityOf(this);
  }

  static resolve(value) {
    if (isOurs(value) && value.constructor === this) return value;
    if (this === Promise) {
      const promise = new Promise(nothing);
      resolve(promise, value);
      return promise;
    }
    const { promise, resolve: settled } = capabilityOf(this);
    settled(value);
    return promise;
  }

  static reject(error) {
    const { promise, reject } = capabilityOf(this);
    reject(error);
    return promise;
  }

  static try(call, ...args) {
    return new this((resolve) => resolve(call(...args)));
  }

  static all(promises) {
    return gather(this, promises, (resolve, reject, values, count) => ({
      fulfilled: (at) => (value) => count((values[at] = value)),
      rejected: () => reject,
      end: () => resolve(values),
    }));
  }

  static allSettled(promises) {
    return gather(this, promises, (resolve, reject, values, count) => ({
      fulfilled: (at) => (value) => count((values[at] = { status: "fulfilled", value })),
      rejected: (at) => (reason) => count((values[at] = { status: "rejected", reason })),
      end: () => resolve(values),
    }));
  }

  static any(promises) {
    return gather(this, promises, (resolve, reject, errors, count) => ({
      fulfilled: () => resolve,
      rejected: (at) => (error) => count((errors[at] = error)),
      end: () => reject(new AggregateError(errors, "All promises were rejected")),
    }));
  }

  static race(promises) {
    return gather(this, promises, (resolve, reject) => ({
      fulfilled: () => resolve,
      rejected: () => reject,
      end: nothing,
    }));
  }

  static get [Symbol.species]() {
    return this;
  }

  get [Symbol.toStringTag]() {
    return "Promise";
  }

  static {
    isOurs = (value) =>
      ((typeof value === "object" && value !== null) || typeof value === "function") && #state in value;
    settle = (promise, state, value) => {
      const waiting = promise.#value;
      promise.#state = state;
      promise.#value = value;
      if (waiting === undefined) {
        if (state === REJECTED) lost.add(promise);
        return;
      }
      for (let at = 0; at < waiting.length; at += 2) addJob(waiting[at], waiting[at + 1], state, value);
    };
    whenSettled = (promise, run, argument) => {
      const state = promise.#state;
      if (state !== PENDING) {
        if (state === REJECTED) lost.delete(promise);
        return addJob(run, argument, state, promise.#value);
      }
      const waiting = promise.#value;
      if (waiting === undefined) promise.#value = [run, argument];
      else waiting.push(run, argument);
    };
    reasonOf = (promise) => promise.#value;
  }
}
var isOurs, settle, whenSettled, reasonOf;

// Returns the reasons of unhandled rejections since the last call.
export function unheard() {
  const reasons = Array.from(lost, reasonOf);
  lost.clear();
  return reasons;
}

// Returns the class of the promises that `then` returns.
function typeOf(promise) {
  const { constructor } = promise;
  if (constructor === Promise || constructor === undefined) return Promise;
  return constructor[Symbol.species] ?? Promise;
}

// Returns the functions that settle a promise; only the first call has an effect.
function functionsOf(promise) {
  let done = false;
  return {
    resolve: (value) => {
      if (done) return;
      done = true;
      resolve(promise, value);
    },
    reject: (error) => {
      if (done) return;
      done = true;
      settle(promise, REJECTED, error);
    },
  };
}

// Returns a promise of the class with the functions that settle it.
function capabilityOf(Type) {
  if (Type === Promise) {
    const promise = new Promise(nothing);
    return { promise, ...functionsOf(promise) };
  }
  let functions;
  const promise = new Type((resolve, reject) => {
    functions = { resolve, reject };
  });
  return { promise, ...functions };
}

function resolve(promise, value) {
  if ((typeof value !== "object" || value === null) && typeof value !== "function") {
    return settle(promise, FULFILLED, value);
  }
  if (value === promise) {
    return settle(promise, REJECTED, new TypeError("Chaining cycle detected for promise #<Promise>"));
  }
  let then;
  try {
    ({ then } = value);
  } catch (error) {
    return settle(promise, REJECTED, error);
  }
  if (typeof then !== "function") return settle(promise, FULFILLED, value);
  if (then === ownThen && isOurs(value)) return addJob(adopt, promise, value);
  addJob(callThen, promise, value, then);
}
const ownThen = Promise.prototype.then;

function callThen(promise, value, then) {
  const functions = functionsOf(promise);
  try {
    then.call(value, functions.resolve, functions.reject);
  } catch (error) {
    functions.reject(error);
  }
}

// Like `callThen`, for a promise of this class with the original `then`. The promise and the functions that `callThen`
// would make are never visible, so they are not made.
function adopt(promise, value) {
  let Type;
  try {
    Type = typeOf(value);
  } catch (error) {
    return settle(promise, REJECTED, error);
  }
  if (Type === Promise) return whenSettled(value, follow, promise);
  callThen(promise, value, (onFulfilled, onRejected) => chain(value, Type, onFulfilled, onRejected));
}

function follow(promise, state, value) {
  if (state === FULFILLED) resolve(promise, value);
  else settle(promise, REJECTED, value);
}

// Implements `then`; `Type` is the class of the returned promise.
function chain(promise, Type, onFulfilled, onRejected) {
  if (Type === Promise) {
    const derived = new Promise(nothing);
    whenSettled(promise, react, { derived, onFulfilled, onRejected });
    return derived;
  }
  const capability = capabilityOf(Type);
  whenSettled(promise, reactFor, { capability, onFulfilled, onRejected });
  return capability.promise;
}

function react({ derived, onFulfilled, onRejected }, state, value) {
  const handler = state === FULFILLED ? onFulfilled : onRejected;
  if (typeof handler !== "function") return follow(derived, state, value);
  let result;
  try {
    result = handler(value);
  } catch (error) {
    return settle(derived, REJECTED, error);
  }
  resolve(derived, result);
}

// Like `react`, for a promise of another class.
function reactFor({ capability, onFulfilled, onRejected }, state, value) {
  const handler = state === FULFILLED ? onFulfilled : onRejected;
  if (typeof handler !== "function") {
    return state === FULFILLED ? capability.resolve(value) : capability.reject(value);
  }
  try {
    capability.resolve(handler(value));
  } catch (error) {
    capability.reject(error);
  }
}

// Continues an asynchronous function. The bundle has it as a generator that yields the values to wait for.
function advance(running, state, value) {
  const { generator, promise } = running;
  let step;
  try {
    step = state === FULFILLED ? generator.next(value) : generator.throw(value);
  } catch (error) {
    return settle(promise, REJECTED, error);
  }
  if (step.done) return resolve(promise, step.value);
  const awaited = step.value;
  try {
    if ((typeof awaited !== "object" || awaited === null) && typeof awaited !== "function") {
      addJob(advance, running, FULFILLED, awaited);
    } else {
      whenSettled(Promise.resolve(awaited), advance, running);
    }
  } catch (error) {
    advance(running, REJECTED, error);
  }
}

// Calls an asynchronous function. The bundle's helper `__async` uses it.
globalThis.__wasmccAsync = (self, args, generator) => {
  const promise = new Promise(nothing);
  const running = { generator: undefined, promise };
  try {
    // Evaluating its parameters may throw.
    running.generator = generator.apply(self, args);
  } catch (error) {
    settle(promise, REJECTED, error);
    return promise;
  }
  advance(running, FULFILLED, undefined);
  return promise;
};

// Waits for `promises`; `kind` defines the effect of each outcome, and of the last one.
function gather(Type, promises, kind) {
  return new Type((resolve, reject) => {
    const values = [];
    let remaining = 1;
    const count = () => {
      if (--remaining === 0) outcome.end();
    };
    const outcome = kind(resolve, reject, values, count);
    let at = 0;
    for (const promise of promises) {
      values[at] = undefined;
      remaining++;
      Type.resolve(promise).then(outcome.fulfilled(at), outcome.rejected(at));
      at++;
    }
    count();
  });
}

globalThis.Promise = Promise;
