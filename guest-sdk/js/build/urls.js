// Adapts the package whatwg-url to components.
import fs from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";

const require = createRequire(import.meta.url);
const FOLDER = path.join(path.dirname(require.resolve("whatwg-url/package.json")), "lib");
const USED = /^(?:var|const|let) .*\b__wasmccUrls\b/m;

const invalid = (input) => `Object.assign(new TypeError("Invalid URL"), { code: "ERR_INVALID_URL", input: ${input} })`;
const REPLACED = {
  // The runtime's asynchronous generators are ordinary functions without this prototype. URLs do not use it.
  "utils.js": [["Object.getPrototypeOf(Object.getPrototypeOf(async function* () {}).prototype)", "Object.prototype"]],
  // Errors as on Node.js.
  "URL-impl.js": [
    ["new TypeError(`Invalid base URL: ${base}`)", invalid("url")],
    ["new TypeError(`Invalid URL: ${url}`)", invalid("url")],
    ["new TypeError(`Invalid URL: ${v}`)", invalid("v")],
  ],
};

// Makes esbuild load the package in this form. `domains` is the runtime's replacement of the package tr46.
export function makeUrls(build, domains) {
  build.onResolve({ filter: /^tr46$/ }, ({ importer }) =>
    importer.startsWith(FOLDER + path.sep) ? { path: domains } : undefined,
  );
  build.onLoad({ filter: /[\\/]whatwg-url[\\/]lib[\\/](utils|URL-impl)\.js$/ }, ({ path: file }) => {
    if (path.dirname(file) !== FOLDER) return undefined;
    const replace = (text, [from, to]) => text.replace(from, () => to);
    return { contents: REPLACED[path.basename(file)].reduce(replace, fs.readFileSync(file, "utf8")) };
  });
}

// Returns the end of a bundle: if it uses the globals, the package is loaded at the build, not in each transaction.
export const loadingUrls = (text) => (USED.test(text) ? "__wasmccUrls?.URL;\n" : "");
