// Properties that are computed at first use.

// Returns a function that defines these properties on an object. `computed` has a function for each property, which is
// called with the object.
export function lazily(computed) {
  const properties = {};
  for (const [name, compute] of Object.entries(computed)) {
    const become = (object, value) => {
      Object.defineProperty(object, name, { value, writable: true });
      return value;
    };
    properties[name] = {
      configurable: true,
      enumerable: true,
      get() {
        return become(this, compute(this));
      },
      set(value) {
        become(this, value);
      },
    };
  }
  return (object) => Object.defineProperties(object, properties);
}
