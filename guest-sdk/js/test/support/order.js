// Prints the order of events, with the engine's promises or with the runtime's own.

let drain;
if (process.argv[2] === "ours") {
  await import("../../runtime/promise.js");
  ({ drain } = await import("../../runtime/jobs.js"));
}

const seen = [];
const see = (...words) => seen.push(words.join(" "));
const { Promise } = globalThis;

class Sub extends Promise {}

function chains() {
  for (const name of ["a", "b"]) {
    let chain = Promise.resolve(0);
    for (let at = 0; at < 4; at++) chain = chain.then((value) => (see(name, value), value + 1));
  }
  Promise.resolve(Promise.resolve(1)).then((value) => see("same", value));
  new Promise((resolve) => resolve(Promise.resolve(2))).then((value) => see("adopted", value));
  new Promise((resolve) => resolve({ then: (done) => done(3) })).then((value) => see("thenable", value));
  Promise.reject(new Error("no")).catch(({ message }) => see("caught", message)).finally(() => see("finally"));
  Promise.resolve(4).finally(() => { throw new Error("in finally"); }).catch((error) => see(`${error}`));
  Promise.resolve(5).finally(() => Promise.reject(6)).then(see, (reason) => see("rejected", reason));
  new Promise((resolve, reject) => { resolve(1); reject(2); resolve(3); }).then((value) => see("first", value));
  new Promise(() => { throw new RangeError("executor"); }).catch((error) => see(`${error}`));
  const self = new Promise((resolve) => queueMicrotask(() => resolve(self)));
  self.catch((error) => see(error.message));
  Promise.resolve({ get then() { throw new Error("getter"); } }).catch((error) => see(`${error}`));
  Promise.resolve(7).then(5).then((value) => see("passed on", value));
  Promise.reject(8).then(see).catch((reason) => see("passed by", reason));
}

function groups() {
  Promise.all([]).then((values) => see("all", values.length));
  Promise.all([1, Promise.resolve(2), { then: (done) => done(3) }]).then((values) => see("all", values));
  Promise.all([1, Promise.reject(2), Promise.reject(3)]).catch((reason) => see("all fails", reason));
  Promise.allSettled([Promise.reject(1), 2]).then((values) => see(JSON.stringify(values)));
  Promise.any([Promise.reject(1), Promise.resolve(2)]).then((value) => see("any", value));
  Promise.any([]).catch((error) => see(error.constructor.name, error.message, error.errors.length));
  Promise.race([new Promise(() => {}), Promise.resolve(1), 2]).then((value) => see("race", value));
  Promise.all(5).catch((error) => see(error.constructor.name));
}

function classes() {
  const sub = Sub.resolve(1);
  see(sub instanceof Sub, sub.then(() => {}) instanceof Sub, sub.then(() => {}).constructor.name);
  see(Sub.resolve(sub) === sub, Promise.resolve(sub) === sub);
  sub.then((value) => value + 1).finally(() => {}).then((value) => see("sub", value));
  Sub.all([sub, 2]).then((values) => see("sub all", values));
  Sub.reject(1).catch((reason) => see("sub fails", reason));
  see(Object.prototype.toString.call(Promise.resolve()));
  for (const wrong of [() => new Promise(), () => Promise(), () => Promise.resolve.call(5)]) {
    try {
      wrong();
      see("taken");
    } catch (error) {
      see(error.constructor.name);
    }
  }
}

function immediates() {
  const later = () => setImmediate(() => see("immediate of an immediate"));
  setImmediate((...words) => (see("immediate", ...words), later(), Promise.resolve().then(() => see("its job"))), 1, 2);
  clearImmediate(setImmediate(() => see("cleared")));
  setImmediate(() => see("second immediate"));
}

immediates();
chains();
groups();
classes();
queueMicrotask(() => see("microtask"));

if (drain) drain();
else await new globalThis.Promise((resolve) => setTimeout(resolve, 100));
process.stdout.write(`${seen.join("\n")}\n`);
