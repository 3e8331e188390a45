// Corrects dates where the engine differs from the standard and Node.js.
const { prototype } = Date;

// Replaces a function of an object, with the name and the number of parameters of the engine's own.
export function defined(object, name, value) {
  Object.defineProperty(value, "name", { value: name, configurable: true });
  Object.defineProperty(value, "length", { value: object[name].length, configurable: true });
  Object.defineProperty(object, name, { value, writable: true, configurable: true });
}

const replace = (name, make) => defined(prototype, name, make(prototype[name]));

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
