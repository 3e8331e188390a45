// Dates do what the standard and Node.js do, where the engine does something else.
const { prototype } = Date;

function replace(name, make) {
  const own = prototype[name];
  const value = make(own);
  Object.defineProperty(value, "name", { value: name, configurable: true });
  Object.defineProperty(value, "length", { value: own.length, configurable: true });
  Object.defineProperty(prototype, name, { value, writable: true, configurable: true });
}

// QuickJS returns NaN where an argument is no finite number, and leaves the date as it was: it has to become
// invalid.
const { setTime } = prototype;
for (const name of Object.getOwnPropertyNames(prototype)) {
  if (!/^set(?!Time$)/.test(name)) continue;
  replace(name, (set) => function (...fields) {
    const time = set.apply(this, fields);
    return Number.isNaN(time) ? setTime.call(this, time) : time;
  });
}

// Node.js writes the name of the time zone, which is that of containers.
for (const name of ["toString", "toTimeString"]) {
  replace(name, (write) => function () {
    return write.call(this).replace(/GMT\+0000$/, "$& (Coordinated Universal Time)");
  });
}
