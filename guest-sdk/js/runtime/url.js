// The globals `URL` and `URLSearchParams`. esbuild replaces them by members of this object, which is only in bundles that
// use one of them.
const become = (name, value) => {
  Object.defineProperty(__wasmccUrls, name, { value, writable: true });
  return value;
};

export const __wasmccUrls = {
  get URL() {
    return become("URL", require("./node/url.cjs").URL);
  },
  set URL(value) {
    become("URL", value);
  },
  get URLSearchParams() {
    return become("URLSearchParams", require("./node/url.cjs").URLSearchParams);
  },
  set URLSearchParams(value) {
    become("URLSearchParams", value);
  },
};
