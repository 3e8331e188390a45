// The globals `URL` and `URLSearchParams`. esbuild replaces their names by members of this object, which is only in
// bundles that use one of them.
const become = (name, value) => {
  Object.defineProperty(__wasmccUrls, name, { value, writable: true });
  return value;
};

export const __wasmccUrls = {
  get URL() {
    return become("URL", require("./node/url_standard.cjs").URL);
  },
  set URL(value) {
    become("URL", value);
  },
  get URLSearchParams() {
    return become("URLSearchParams", require("./node/url_standard.cjs").URLSearchParams);
  },
  set URLSearchParams(value) {
    become("URLSearchParams", value);
  },
  // Makes them properties of the global object, too: `const { URL } = globalThis`.
  share() {
    for (const name of ["URL", "URLSearchParams"]) {
      const [get, set] = [() => __wasmccUrls[name], (value) => (__wasmccUrls[name] = value)];
      Object.defineProperty(globalThis, name, { configurable: true, get, set });
    }
  },
};
