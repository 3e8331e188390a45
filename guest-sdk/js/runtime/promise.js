// Promises and asynchronous functions of the standard (ECMA-262, 27.2 and 27.7) on the queue of jobs.js, in
// the place of the engine's.
//
// Jobs are added in the standard's order, so functions that wait for each other run as on Node.js. What
// runs often makes few objects: the promises of core-js take twenty times as long, and most of what
// Fabric's modules do in a transaction is waiting.
import { addJob } from "./jobs.js";

const [PENDING, FULFILLED, REJECTED] = [0, 1, 2];
const nothing = () => {};
const isObject = (value) =>
  (typeof value === "object" && value !== null) || typeof value === "function";

class Promise {
  #state = PENDING;
  #value;
  // Reactions that wait, in their order.
  #waiting;

  constructor(executor) {
    if (typeof executor !== "function") {
      throw new TypeError(`Promise resolver ${String(executor)} is not a function`);
    }
    if (executor === nothing) return;
    const { resolve, reject } = this.#functions();
    try {
      executor(resolve, reject);
    } catch (error) {
      reject(error);
    }
  }

  // The functions that settle this promise, of which the first call counts.
  #functions() {
    let done = false;
    return {
      resolve: (value) => {
        if (done) return;
        done = true;
        this.#resolve(value);
      },
      reject: (error) => {
        if (done) return;
        done = true;
        this.#settle(REJECTED, error);
      },
    };
  }

  #resolve(value) {
    if (!isObject(value)) return this.#settle(FULFILLED, value);
    if (value === this) {
      return this.#settle(REJECTED, new TypeError("Chaining cycle detected for promise #<Promise>"));
    }
    let then;
    try {
      ({ then } = value);
    } catch (error) {
      return this.#settle(REJECTED, error);
    }
    if (typeof then !== "function") return this.#settle(FULFILLED, value);
    const run = () => {
      const { resolve, reject } = this.#functions();
      try {
        then.call(value, resolve, reject);
      } catch (error) {
        reject(error);
      }
    };
    addJob({ run });
  }

  #settle(state, value) {
    const waiting = this.#waiting;
    this.#state = state;
    this.#value = value;
    this.#waiting = undefined;
    if (waiting) for (const reaction of waiting) addJob(reaction, state, value);
  }

  then(onFulfilled, onRejected) {
    const Type = typeOf(this);
    if (Type !== Promise) {
      const capability = Promise.#capability(Type);
      this.#react(new ForeignReaction(capability, onFulfilled, onRejected));
      return capability.promise;
    }
    const derived = new Promise(nothing);
    this.#react(new Reaction(derived, onFulfilled, onRejected));
    return derived;
  }

  // Runs the reaction in a job, when this promise is settled.
  #react(reaction) {
    if (this.#state !== PENDING) addJob(reaction, this.#state, this.#value);
    else if (this.#waiting) this.#waiting.push(reaction);
    else this.#waiting = [reaction];
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

  // A promise of the class, with what settles it.
  static #capability(Type) {
    if (Type === Promise) {
      const promise = new Promise(nothing);
      return { promise, ...promise.#functions() };
    }
    let functions;
    const promise = new Type((resolve, reject) => {
      functions = { resolve, reject };
    });
    return { promise, ...functions };
  }

  static withResolvers() {
    return Promise.#capability(this);
  }

  static resolve(value) {
    if (isObject(value) && #state in value && value.constructor === this) return value;
    if (this === Promise) {
      const promise = new Promise(nothing);
      promise.#resolve(value);
      return promise;
    }
    const { promise, resolve } = Promise.#capability(this);
    resolve(value);
    return promise;
  }

  static reject(error) {
    const { promise, reject } = Promise.#capability(this);
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

  // For the reactions, which stand outside of the class.
  static {
    resolve = (promise, value) => promise.#resolve(value);
    reject = (promise, error) => promise.#settle(REJECTED, error);
    waitFor = (value, reaction) => {
      if (!isObject(value)) addJob(reaction, FULFILLED, value);
      else Promise.resolve(value).#react(reaction);
    };
  }
}
var resolve, reject, waitFor;

// The class of what `then` returns.
function typeOf(promise) {
  const { constructor } = promise;
  return constructor === undefined ? Promise : (constructor[Symbol.species] ?? Promise);
}

// What `then` was given, and the promise that it returned.
class Reaction {
  constructor(derived, onFulfilled, onRejected) {
    this.derived = derived;
    this.onFulfilled = onFulfilled;
    this.onRejected = onRejected;
  }

  run(state, value) {
    const { derived } = this;
    const handler = state === FULFILLED ? this.onFulfilled : this.onRejected;
    if (typeof handler !== "function") {
      return state === FULFILLED ? resolve(derived, value) : reject(derived, value);
    }
    let result;
    try {
      result = handler(value);
    } catch (error) {
      return reject(derived, error);
    }
    resolve(derived, result);
  }
}

// The same for a class that extends Promise.
class ForeignReaction {
  constructor(capability, onFulfilled, onRejected) {
    Object.assign(this, { capability, onFulfilled, onRejected });
  }

  run(state, value) {
    const { capability } = this;
    const handler = state === FULFILLED ? this.onFulfilled : this.onRejected;
    if (typeof handler !== "function") {
      return state === FULFILLED ? capability.resolve(value) : capability.reject(value);
    }
    try {
      capability.resolve(handler(value));
    } catch (error) {
      capability.reject(error);
    }
  }
}

// An asynchronous function that runs: the bundle has it as a generator that yields what it waits for.
class Running {
  constructor(generator, promise) {
    this.generator = generator;
    this.promise = promise;
  }

  run(state, value) {
    let step;
    try {
      step = state === FULFILLED ? this.generator.next(value) : this.generator.throw(value);
    } catch (error) {
      return reject(this.promise, error);
    }
    if (step.done) return resolve(this.promise, step.value);
    try {
      waitFor(step.value, this);
    } catch (error) {
      this.run(REJECTED, error);
    }
  }
}

// Calls an asynchronous function; the bundle's helper `__async`.
globalThis.__wasmccAsync = (self, args, generator) => {
  const promise = new Promise(nothing);
  new Running(generator.apply(self, args), promise).run(FULFILLED, undefined);
  return promise;
};

// Waits for `promises`; `kind` says what each outcome does, and what happens when all were counted.
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
