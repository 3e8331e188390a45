// Restores original parameters in the text of a function: build/parameters.js writes them before the parameters that
// replace them in the bundle.
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
