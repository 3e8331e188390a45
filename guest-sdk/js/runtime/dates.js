// Corrects dates where the engine differs from the standard and Node.js.
const { prototype } = Date;

function replace(name, make) {
  const own = prototype[name];
  const value = make(own);
  Object.defineProperty(value, "name", { value: name, configurable: true });
  Object.defineProperty(value, "length", { value: own.length, configurable: true });
  Object.defineProperty(prototype, name, { value, writable: true, configurable: true });
}

// For an argument that is not finite, QuickJS returns NaN but does not change the date, which must become invalid.
const { setTime } = prototype;
for (const name of Object.getOwnPropertyNames(prototype)) {
  if (!/^set(?!Time$)/.test(name)) continue;
  replace(name, (set) => function (...fields) {
    const time = set.apply(this, fields);
    return Number.isNaN(time) ? setTime.call(this, time) : time;
  });
}

// Node.js appends the name of the time zone. Containers use this one.
for (const name of ["toString", "toTimeString"]) {
  replace(name, (write) => function () {
    return write.call(this).replace(/GMT\+0000$/, "$& (Coordinated Universal Time)");
  });
}
