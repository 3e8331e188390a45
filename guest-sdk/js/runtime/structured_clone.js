// structuredClone for the standard's types that the engine has.

const uncloneable = (value) => {
  const error = new Error(`${String(value)} could not be cloned.`);
  error.name = "DataCloneError";
  return error;
};

export function structuredClone(value) {
  return clone(value, new Map());
}

function clone(value, seen) {
  if (typeof value === "function" || typeof value === "symbol") throw uncloneable(value);
  if (typeof value !== "object" || value === null) return value;
  if (seen.has(value)) return seen.get(value);
  const keep = (copy) => {
    seen.set(value, copy);
    return copy;
  };
  if (value instanceof Date) return keep(new Date(value.getTime()));
  if (value instanceof RegExp) return keep(new RegExp(value.source, value.flags));
  if (value instanceof ArrayBuffer) return keep(value.slice(0));
  if (ArrayBuffer.isView(value)) return keep(view(value, seen));
  if (value instanceof Map) {
    const copy = keep(new Map());
    for (const [key, member] of value) copy.set(clone(key, seen), clone(member, seen));
    return copy;
  }
  if (value instanceof Set) {
    const copy = keep(new Set());
    for (const member of value) copy.add(clone(member, seen));
    return copy;
  }
  if (value instanceof Error) {
    const copy = keep(Object.create(Object.getPrototypeOf(value)));
    for (const name of ["message", "stack", "cause"]) {
      if (Object.hasOwn(value, name)) {
        const member = clone(value[name], seen);
        Object.defineProperty(copy, name, { value: member, writable: true, configurable: true });
      }
    }
    return copy;
  }
  if (value instanceof Boolean || value instanceof Number || value instanceof String) {
    return keep(Object(value.valueOf()));
  }
  if (value instanceof Promise || value instanceof WeakMap || value instanceof WeakSet) {
    throw uncloneable(Object.prototype.toString.call(value));
  }
  const copy = keep(Array.isArray(value) ? new Array(value.length) : {});
  for (const key of Object.keys(value)) copy[key] = clone(value[key], seen);
  return copy;
}

function view(value, seen) {
  // A Buffer becomes a Uint8Array, as on Node.js.
  const Type = typeof value.readUInt8 === "function" ? Uint8Array : value.constructor;
  const length = Type === DataView ? value.byteLength : value.length;
  return new Type(clone(value.buffer, seen), value.byteOffset, length);
}
