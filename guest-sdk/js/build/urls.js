// Adapts the packages whatwg-url, url and assert to components, and to Node.js.
import fs from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";

const require = createRequire(import.meta.url);
const USED = /^(?:var|const|let) .*\b__wasmccUrls\b/m;

// Code that makes an error of Node.js. `text` is code, too; `more` are further members.
const failure = (code, text, more = "") => `Object.assign(new TypeError(${text}), { code: "${code}"${more} })`;
const invalid = (input, more = "") => failure("ERR_INVALID_URL", '"Invalid URL"', `, input: ${input}${more}`);
const NO_TUPLE = failure("ERR_INVALID_TUPLE", '"Each query pair must be an iterable [name, value] tuple"');

// A method's check of the number of its arguments. `name` is the method, or `URL` for its constructor.
const TOO_FEW = /new globalObject\.TypeError\(\s*`Failed to (?:construct|execute) '(\w+)'[^`]* required[^`]*`\s*\)/g;
function tooFew(_found, name) {
  const one = ["URL", "parse", "canParse"].includes(name) ? '"url" argument' : '"name" argument';
  const needed = ["append", "set"].includes(name) ? '"name" and "value" arguments' : one;
  return failure("ERR_MISSING_ARGS", `'The ${needed} must be specified'`);
}

// The runtime's asynchronous generators are ordinary functions without this prototype. URLs do not use it.
const GENERATORS = [
  ["Object.getPrototypeOf(Object.getPrototypeOf(async function* () {}).prototype)", "Object.prototype"],
];
// This file of whatwg-url in any version: contracts may have their own.
const OF_GENERATORS = /[\\/]whatwg-url[\\/]lib[\\/]utils\.js$/;

// The replacements in files of these packages, which wasmcc-js has.
const REPLACED = {
  "whatwg-url/lib/utils.js": [
    ...GENERATORS,
    // The property must not be enumerable: comparisons would differ after `searchParams` was read.
    [
      "wrapper[sameObjectCaches] = Object.create(null)",
      "Object.defineProperty(wrapper, sameObjectCaches, { value: Object.create(null) })",
    ],
  ],
  // Errors as on Node.js.
  "whatwg-url/lib/URL-impl.js": [
    ["new TypeError(`Invalid base URL: ${base}`)", invalid("url", ", base")],
    ["new TypeError(`Invalid URL: ${url}`)", `base === undefined ? ${invalid("url")} : ${invalid("url", ", base")}`],
    ["new TypeError(`Invalid URL: ${v}`)", invalid("v")],
  ],
  "whatwg-url/lib/URL.js": [[TOO_FEW, tooFew]],
  "whatwg-url/lib/URLSearchParams.js": [
    [TOO_FEW, tooFew],
    [/new globalObject\.TypeError\([^;]*"'s element" \+\s*" is not an iterable object\."\s*\)/g, NO_TUPLE],
    // On Node.js, null are no parameters.
    ["if (curArg !== undefined) {", "if (curArg != null) {"],
  ],
  "whatwg-url/lib/URLSearchParams-impl.js": [[/new TypeError\("Failed to construct[^;]*"\)/g, NO_TUPLE]],
  // The package counts characters, but reads them by their position in UTF-16.
  "whatwg-url/lib/url-state-machine.js": [
    [/const len = countSymbols\(this\.buffer\);\s*for \([^)]*\) \{/g, "for (const symbol of this.buffer) {"],
    ["this.buffer.codePointAt(pointer)", "symbol.codePointAt(0)"],
  ],
  // `url.parse` and others as of Node.js 20.
  "url/url.js": [
    ["this.search = '';", "this.search = null;"],
    ["this.query = {};", "this.query = Object.create(null);"],
    // Backslashes are slashes before the query or the fragment, whichever is first.
    ["queryIndex !== -1 && queryIndex < url.indexOf('#') ? '?' : '#'", "(/[?#]/.exec(url) || '#')[0]"],
    ["url.split('#').length === 1", "!/^[^?]*@|#/.test(url)"],
    ["auth.replace(/%3A/i, ':')", "auth.replace(/%3A/g, ':')"],
    ["(!protocol || slashedProtocol[protocol])", "slashedProtocol[protocol]"],
    ["} else if (!host) {\n    host = '';", "} else if (!host) {\n    host = protocol === 'file:' ? '//' : '';"],
    ["search.replace('#', '%23')", "search.replace(/#/g, '%23')"],
    ["if (!relative.host && !host", "if (!relative.host && relative.protocol !== 'file:' && !host"],
    ["'file:': true", "'file:': true, ws: true, 'ws:': true, wss: true, 'wss:': true"],
    ["/^[+a-z0-9A-Z_-]{0,63}$/", "/^[^:]*$/"],
    ["/^([+a-z0-9A-Z_-]{0,63})(.*)$/", "/^([^:]*)(.*)$/"],
    ["url = uSplit.join(splitter);", "var given = url;\n  url = uSplit.join(splitter);"],
    [
      "this.hostname = punycode.toASCII(this.hostname);",
      "var ascii = this.hostname && punycode.toASCII(this.hostname);" +
        `if (this.hostname && (!ascii || /[\\0\\t\\n\\r #%/:<>?@[\\\\\\]^|]/.test(ascii))) throw ${invalid("given")};` +
        "this.hostname = ascii;",
    ],
    // Credentials and port are those of the host.
    [
      "result.host = relative.host || relative.host === ''",
      "if (relative.host || relative.host === '') {" +
        "if (result.host !== relative.host) result.auth = null;" +
        "result.port = relative.port; }" +
        "result.host = relative.host || relative.host === ''",
    ],
    [
      `new TypeError("Parameter 'url' must be a string, not " + typeof url)`,
      failure("ERR_INVALID_ARG_TYPE", `'The "url" argument must be of type string.'`),
    ],
  ],
  // Other members of URLs are symbols, which are not compared.
  "assert/build/internal/util/comparisons.js": [
    [
      "if (Array.isArray(val1)) {",
      "if (val1Tag === '[object URL]' && val1.href !== val2.href) return false;\n  if (Array.isArray(val1)) {",
    ],
  ],
};

// Makes esbuild load the packages in this form. `runtime` returns the path of a file of the runtime.
export function makeUrls(build, runtime) {
  const replaced = new Map(Object.entries(REPLACED).map(([name, list]) => [require.resolve(name), list]));
  // The modules that files of these folders import, and their replacements.
  const instead = {
    tr46: [folderOf("whatwg-url/lib/utils.js"), runtime("node/domains.cjs")],
    "punycode/": [folderOf("url/url.js"), runtime("node/domains.cjs")],
    qs: [folderOf("url/url.js"), runtime("node/url_query.cjs")],
  };
  build.onResolve({ filter: /^(tr46|punycode\/|qs)$/ }, ({ path: name, importer }) => {
    const [folder, file] = instead[name];
    return importer.startsWith(folder + path.sep) ? { path: file } : undefined;
  });
  build.onLoad({ filter: /[\\/](whatwg-url|url|assert)[\\/].*\.js$/ }, ({ path: file }) => {
    const list = replaced.get(file) ?? (OF_GENERATORS.test(file) ? GENERATORS : []);
    if (list.length === 0) return undefined;
    const replace = (text, [from, to]) => text.replaceAll(from, typeof to === "string" ? () => to : to);
    return { contents: list.reduce(replace, fs.readFileSync(file, "utf8")) };
  });
}

const folderOf = (name) => path.dirname(require.resolve(name));

export const usesUrls = (text) => USED.test(text);

// Returns the lines at the end of a bundle: before the contract is loaded by `start`, and after. If a bundle uses the
// globals, the package is loaded at the build, not in each transaction.
export const aroundUrls = (text, start) =>
  usesUrls(text) ? `__wasmccUrls?.share();\n${start}__wasmccUrls?.URL;\n` : start;
