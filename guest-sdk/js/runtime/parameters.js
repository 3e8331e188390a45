// The text of a function has the parameters that the contract's source has: build/parameters.js writes them before
// those that the bundle has in their place.
const PARAMETERS = /\/\*<(.*?)\*\/[^]*?\/\*>\*\//g;

const { prototype } = Function;
const { toString: write } = prototype;
const { toString } = {
  toString() {
    const text = write.call(this);
    return text.includes("/*<") ? text.replace(PARAMETERS, "$1") : text;
  },
};
Object.defineProperty(prototype, "toString", { value: toString, writable: true, configurable: true });
