// `URL` and `URLSearchParams` of a component, compared with those of Node.js.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import fs from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import test from "node:test";

import { bundle } from "../build/bundle.js";
import { readsUrls } from "../build/global_urls.js";
import { readProject } from "../build/project.js";
import { withFiles } from "./support/folder.js";
import { CONTRACT, MANIFEST, refused } from "./support/refused.js";

const STARTS = ["http://", "HTTPS:", "https:\\\\", "ws:/", "ftp://", "file://", "file:///", "urn:", "data:", "custom://", "//", "/", ""];
const MIDDLES = [
  "example.org",
  "user:p%40ss@EXAMPLE.org:443/a/./b/../c//d",
  "💩:p💩ss@example.org",
  "a b@example.org:80/%7Efoo/%2e%2E/x y?q=a b&c='\"<>#f r`{}",
  "[::1]:8080/",
  "[2001:DB8::0:ffff:1.2.3.4]",
  "192.168.0.257",
  "0x7f.1/",
  "bücher.example/ü?ü=ß#ä",
  "faß.example",
  "xn--bcher-kva.example",
  "xn--a/",
  "日本語。テスト/%E6%97",
  "a\u00adb.example",
  "exa mple.org",
  "ex%41mple.org",
  "example.org:65536",
  "example.org:/",
  "C:/x/..",
  "C|/x",
  "?",
];
const ONES = ["", "#", " \t http://e\nx.org \r", "mailto:a@b.c?subject=x", "http:", "http://@/", "x:", "blob:https://a.b/c", "non-special:/..//p", "http://%zz/"];
const BASES = ["https://u:p@base.example:8443/a/b?c#d", "file:///C:/a/b", "urn:x", "no base"];

// What both run: a text with all that they have seen.
const SEEN = `
const tell = (use) => {
  try {
    return use();
  } catch ({ name, code, message, input, base }) {
    return [name, code, message, input, base];
  }
};
const parts = "href origin protocol username password host hostname port pathname search hash".split(" ");
const all = (url) => [...parts.map((part) => url[part]), [...url.searchParams], String(url), JSON.stringify(url)];
const set = (part, value) => {
  const url = new URL("https://u:p@example.org:8443/a?b=c#d");
  url[part] = value;
  return url.href;
};
const params = () => {
  const made = [new URLSearchParams("?a=1&b=2&a=%zz+&=&c"), new URLSearchParams({ x: "ä b", y: "~*'" }), new URLSearchParams([["k", "1"], ["j", "\\ud800"]])];
  const [first] = made;
  first.append("z", "&=");
  first.set("b", 5);
  first.delete("c");
  const seen = [first.get("a"), first.getAll("a"), first.has("b"), first.get("none"), [...first.keys()], [...first.values()]];
  first.sort();
  first.forEach((value, key, whole) => seen.push([key, value, whole === first]));
  const url = new URL("https://example.org/?a=b");
  url.searchParams.append("c", "d e");
  return [seen, made.map(String), url.href, first instanceof URLSearchParams, url instanceof URL, URL.canParse("x"), URL.name];
};
const seen = [
  ...urls.map((url) => tell(() => all(new URL(url)))),
  ...bases.flatMap((base) => relative.map((url) => tell(() => all(new URL(url, base))))),
  ...parts.filter((part) => part !== "origin").flatMap((part) => ["x", "", "9:7", "é /?#", "0", "http:"].map((value) => tell(() => set(part, value)))),
  tell(params),
  [typeof globalThis.URL, new (require("url").URL)("a:b") instanceof URL, require("node:url").URLSearchParams === URLSearchParams],
];
const text = JSON.stringify(seen);
`;
const urls = [...STARTS.flatMap((start) => MIDDLES.map((middle) => start + middle)), ...ONES];
const relative = ["", "../x", "?y", "#z", "//other.example/p", "/C|/q", "//", "ü", "https:x"];
const inputs = Object.entries({ urls, bases: BASES, relative }).map(([name, list]) => `const ${name} = ${JSON.stringify(list)};\n`);
const code = inputs.join("") + SEEN;

test("addresses are read and written as on Node.js", async () => {
  const known = execFileSync(process.execPath, ["-e", `${code}console.log(text);`]).toString();
  const text = await refused({ "index.js": `${CONTRACT}${code}throw new Error(text);\n` });
  const [own, node] = [JSON.parse(/Error: (.*)/.exec(text)[1]), JSON.parse(known)];
  assert.equal(own.length, node.length);
  own.forEach((seen, at) => assert.deepEqual(seen, node[at], urls[at] ?? `number ${at}`));
});

test("only contracts that use addresses have the package for them", async () => {
  const usesPackage = (index) =>
    withFiles({ "package.json": MANIFEST, "index.js": CONTRACT + index }, async (folder) => {
      const { inputs } = await bundle(readProject(folder));
      return Object.keys(inputs).some((file) => file.includes("/whatwg-url/"));
    });
  assert.equal(await usesPackage("const URL = 5; exports.address = [URL, { URL: 6 }.URL];\n"), false);
  for (const use of ["new URL('x:y')", "globalThis.URLSearchParams", "global.URL", "typeof URL", "require('node:url')"]) {
    assert.equal(await usesPackage(`exports.address = () => ${use};\n`), true, use);
  }
  assert.equal(await usesPackage("exports.known = [typeof globalThis, globalThis.x, { URL: 5 }, Object.keys(process)];\n"), false);
});

test("uses of the globals by way of the global object are found", async () => {
  const uses = (text) => withFiles({ "one.ts": text }, (folder) => readsUrls([`${folder}/one.ts`]));
  for (const text of [
    "const { URL } = globalThis;", "const { URLSearchParams: P } = global;", "const all = globalThis; new all.URL('x:y');",
    "export const has = 'URL' in globalThis;", "const name = 'URL'; globalThis[name];", "((root) => new root.URL('x:y'))(globalThis);",
    "let URL; ({ URL } = globalThis);",
  ]) assert.equal(await uses(text), true, text);
  for (const text of [
    "globalThis.URL; typeof globalThis;", "const global = 5; const { URL } = global;", "export const x = { URL: 5, global: 6, globalThis: 7 };",
    "// The URL\nexport const all = globalThis;", "let x: URL; export const all = globalThis;", "globalThis['URL'];", "x.globalThis, x.URL;",
  ]) assert.equal(await uses(text), false, text);
});

test("the global object has them, and a package may try the older functions", async () => {
  const text = await refused({
    "node_modules/tries/index.js": 'let url; try { url = require("url"); } catch {}\nmodule.exports = (text) => url.parse(text).pathname;',
    "index.js": `${CONTRACT}const { URLSearchParams, ...others } = globalThis;
const all = globalThis;
const seen = [String(new URLSearchParams("a=b")), new all.URL("http://x/y").host, "URL" in globalThis, require("tries")("http://a/b")];
throw new Error([...seen, Object.keys(others).includes("URL")].join());
`,
  });
  assert.match(text, /Error: a=b,x,true,\/b,false/);
});

test("a contract's own copy of whatwg-url loads", async () => {
  const folder = path.dirname(createRequire(import.meta.url).resolve("whatwg-url/package.json"));
  const copy = Object.fromEntries(
    fs.readdirSync(folder, { recursive: true }).filter((file) => /\.js(on)?$/.test(file))
      .map((file) => [`node_modules/whatwg-url/${file}`, fs.readFileSync(path.join(folder, file), "utf8")]),
  );
  const others = { "node_modules/tr46/index.js": "exports.toASCII = (name) => name;" };
  const conversions = { "node_modules/webidl-conversions/index.js": "exports.USVString = String;" };
  const index = `${CONTRACT}throw new Error(new (require("whatwg-url").URL)("http://own/x").host);\n`;
  assert.match(await refused({ ...copy, ...others, ...conversions, "index.js": index }), /Error: own/);
});

test("a contract may set the global", async () => {
  const index = `${CONTRACT}globalThis.URL = class { host = "own"; };\nthrow new Error(new URL("http://x").host);\n`;
  assert.match(await refused({ "index.js": index }), /Error: own/);
});
