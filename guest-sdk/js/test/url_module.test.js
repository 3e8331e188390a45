// node:url of the runtime, compared with that of Node.js, and what other modules make of URLs.
import nodes from "node:assert";
import assert from "node:assert/strict";
import test from "node:test";
import url, { fileURLToPath } from "node:url";
import util from "node:util";

import { build } from "esbuild";

import { modules } from "../build/modules.js";

const NODE = { assert: nodes, url, util };

// Returns these modules as in a component.
async function bundled() {
  const root = fileURLToPath(new URL("..", import.meta.url));
  const members = Object.keys(NODE).map((name) => `${name}: require("${name}")`);
  const stdin = { contents: `module.exports = { ${members.join()} };`, resolveDir: root };
  const options = { bundle: true, format: "cjs", platform: "neutral", mainFields: ["main"], write: false };
  const { outputFiles } = await build({ stdin, absWorkingDir: root, ...options, plugins: [modules] });
  const module = { exports: {} };
  new Function("module", outputFiles[0].text)(module);
  return module.exports;
}
const own = await bundled();

const tell = (use) => {
  try {
    const seen = use();
    return seen && typeof seen === "object" ? { ...seen } : seen;
  } catch ({ name, code, message, input, base }) {
    return { name, code, message, input, base };
  }
};
const same = (use, text) => assert.deepEqual(tell(() => use(own.url)), tell(() => use(url)), text);

const STARTS = ["http://", "HTTPS:", "https:\\\\", "ws:/", "ftp://", "file://", "file:///", "urn:", "javascript:", "custom://", "//", "/", ""];
const MIDDLES = [
  "example.org", "user:p%40ss@EXAMPLE.org:443/a/./b/../c//d", "a b@example.org:80/%7E/%2e%2E/x y?q=a b&c='\"<>#f r`{}", "[::1]:8080/",
  "bücher.example/ü?ü=ß#ä", "xn--a/", "日本語。テスト/%E6%97", "a\u00adb.example", "exa mple.org", "exa*mple.org", "example.org:65536",
  "C:/x/..", "C|/x", "?", "x?a=1&b=2&a=3&c[d]=4&e=%zz&=&f+g=h+i#x#y", "u%zz@h/", "x/\ttab\nnl", "../x?y", "", "p?x=CORP\\bob", "a\\b#c\\d?e", "p?email=a@b.c&name=O'Neil&f={1}", "u:a:b@h/"
];
const ADDRESSES = STARTS.flatMap((start) => MIDDLES.map((middle) => start + middle));

test("the older functions of url read, join and write as on Node.js", () => {
  for (const text of ADDRESSES) {
    for (const more of [[], [true], [false, true]]) same(({ parse }) => parse(text, ...more), text);
    same(({ format }) => format(text), text);
    same(({ resolve }) => resolve("http://u:p@a.com:8/b/c?d#e", text), text);
    for (const other of ["../x?y#z", "//h/p", "/r"]) same(({ resolve }) => resolve(text, other), text);
  }
  const query = { a: [1, 2], b: "x y", c: null, d: { e: 1 }, f: true };
  for (const parts of [
    {}, { protocol: "http", host: "a.b", pathname: "c", query }, { hostname: "::1", port: 8, auth: "a:b:@c", hash: "x" },
    { pathname: "/a?b#c", search: "d#e#f" }, { slashes: true, host: "h" }, { protocol: "file", pathname: "/a" }, { protocol: "ws", host: "a" },
  ]) same(({ format }) => format(parts), util.inspect(parts));
  for (const use of [({ parse }) => parse(5), ({ format }) => format(5)]) {
    assert.equal(tell(() => use(own.url)).code, tell(() => use(url)).code);
  }
  const many = `?${Array.from({ length: 1005 }, (_, at) => `k${at}=1`).join("&")}`;
  same(({ parse }) => parse(many, true).query);
});

test("url makes addresses of files, options of requests and names of domains as on Node.js", () => {
  for (const file of ["/a b/../c%d?e#f\\g\n/", "/", "/a/", "/é\t", "/a~b[c]|d"]) same(({ pathToFileURL }) => pathToFileURL(file).href, file);
  for (const text of ["http://x", "file://h/x", "file:///a%2Fb", "file:///a%20b/c%25", "file://localhost/é", "file:///%zz"]) {
    same(({ fileURLToPath }) => fileURLToPath(text), text);
  }
  const addresses = ["http://u%40:p@[::1]:8080/a?b#c", "http://u@é.x/é", "urn:a", "foo://é/x"];
  for (const text of addresses) {
    same(({ urlToHttpOptions, URL }) => urlToHttpOptions(new URL(text)), text);
    for (const options of [undefined, { unicode: true }, { auth: false, unicode: true }, { fragment: false, search: false }]) {
      same(({ format, URL }) => format(new URL(text), options), text);
    }
  }
  for (const name of ["xn--iñvalid.com", "español.com", "xn--espaol-zwa.com", "a b", "A/b", "1.2.3", "xn--a", "", "user@example.org", "example.org:80", "http://a.b", "[::1]", "::1", "//x", "a/b:c@d"]) {
    same(({ domainToASCII, domainToUnicode }) => [domainToASCII(name), domainToUnicode(name)], name);
  }
  same((all) => Object.keys(all).sort());
});

test("URLs refuse with the errors of Node.js", () => {
  const uses = [
    ({ URL }) => new URL("x"), ({ URL }) => new URL("x", "no base"), ({ URL }) => new URL("//", "http://a"), ({ URL }) => new URL(),
    ({ URL }) => URL.canParse(), ({ URL }) => Object.assign(new URL("a:b"), { href: "x" }),
  ];
  for (const use of uses) same(use, String(use));
  for (const given of [null, undefined, [["a"]], [["a", "b", "c"]], [1], ["ab"], [null], [["a", "b"]]]) {
    same(({ URLSearchParams }) => String(new URLSearchParams(given)), util.inspect(given));
  }
  for (const name of ["append", "delete", "get", "getAll", "has", "set"]) {
    for (const args of [[], ["a"]]) same(({ URLSearchParams }) => new URLSearchParams()[name](...args), name);
  }
});

test("credentials may have any character", () => {
  for (const text of ["https://💩:secret@example.org/", "https://a@💩:b💩c@x.y/"]) same(({ URL }) => new URL(text).href);
});

test("URLs are shown as on Node.js", () => {
  const shown = ({ util, url: { URL, URLSearchParams } }) => [
    util.inspect(new URL("http://u:p@x/?a=b&c=d#e")), util.format("%s", new URL("a:b")), util.format(new URL("a:b")),
    util.inspect(new URLSearchParams("a=b&c=d")), util.inspect(new URLSearchParams()), util.inspect(new (class Own extends URL {})("a:b")),
    util.inspect(new URLSearchParams(Array.from({ length: 20 }, (_, at) => [`k${at}`, "v"]))), util.inspect({ a: new URLSearchParams("a=b") }),
  ];
  assert.deepEqual(shown(own), shown(NODE));
});

test("URLs are compared by their text", () => {
  const compared = ({ assert, util, url: { URL } }) => {
    const read = new URL("http://x");
    const isSame = (a, b) => [
      util.isDeepStrictEqual(a, b), tell(() => assert.deepStrictEqual(a, b))?.code, tell(() => assert.deepEqual(a, b))?.code,
      tell(() => assert.notDeepStrictEqual(a, b))?.code,
    ];
    return [read.searchParams.size, isSame(read, new URL("http://x")), isSame(read, new URL("http://y")), isSame([read], [{}])];
  };
  assert.deepEqual(compared(own), compared(NODE));
});
