// Gives `object` a property that is computed at its first use.
export function lazy(object, name, compute) {
  Object.defineProperty(object, name, {
    configurable: true,
    enumerable: true,
    get() {
      const value = compute();
      Object.defineProperty(object, name, { value, writable: true });
      return value;
    },
    set(value) {
      Object.defineProperty(object, name, { value, writable: true });
    },
  });
}
