// What the engine does otherwise than Node.js, as contracts see it: they throw what they see when they are loaded.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import test from "node:test";

import { MEMBERS } from "../build/crypto_members.js";
import { CONTRACT, contains, refused } from "./support/refused.js";

const DATES = `
const changed = (name, ...given) => {
  const date = new Date(0);
  return [name, date[name](...given), date.getTime()];
};
const setters = Object.getOwnPropertyNames(Date.prototype).filter((name) => /^set/.test(name)).sort();
const seen = setters.map((name) => [
  name, Date.prototype[name].length, Date.prototype[name].name, Object.keys(Date.prototype).length,
  ...[[undefined], [NaN], ["x"], [Infinity], [], [5], ["5"], [5, 1], [5, undefined], [5, 6, 7, 8, NaN]].map((given) => changed(name, ...given)),
]);
const date = new Date(1700000000123);
const texts = [String(date), date.toTimeString(), date.toDateString(), date + "", Date(), String(new Date(NaN)), typeof date.setDate(NaN)];
const text = JSON.stringify([seen, texts]);
`;

test("dates become invalid, and are written, as on Node.js", async () => {
  const own = await refused({ "index.js": `${CONTRACT}${DATES}throw new Error(text);\n` });
  const begun = "Date.now = () => 0; globalThis.Date = new Proxy(Date, { apply: () => String(new Date(0)) });";
  const env = { ...process.env, TZ: "UTC" };
  const known = execFileSync(process.execPath, ["-e", `${begun}${DATES}console.log(text);`], { env }).toString().trim();
  const [, found] = /Error: (.*)/.exec(own);
  assert.deepEqual(JSON.parse(found), JSON.parse(known));
});

test("what crypto lacks names itself, in its groups too", async () => {
  const calls = "crypto.createSign('SHA256')|crypto.subtle.digest('SHA-256', 1)|crypto.webcrypto.subtle.sign()".split("|");
  const tried = calls.map((call) => `try { ${call}; } catch ({ message }) { said.push(message); }`).join("\n");
  const text = await refused({
    "index.js": `${CONTRACT}const crypto = require("crypto");
const said = [globalThis.crypto.subtle];
${tried}
throw new Error(said.join());
`,
  });
  const missing = (name) => `crypto.${name} is not available in a chaincode component`;
  contains(text, `Error: ,${["createSign", "subtle.digest", "subtle.sign"].map(missing).join()}`);
});

test("the build knows what crypto has", async () => {
  const names = "Object.getOwnPropertyNames(require('crypto')).filter((name) => name !== 'subtle').sort()";
  const text = await refused({ "index.js": `${CONTRACT}throw new Error(JSON.stringify(${names}));\n` });
  assert.deepEqual(JSON.parse(/Error: (.*)/.exec(text)[1]), [...MEMBERS].sort());
});

test("packages that ask for modules of Node.js do without, or hear what is missing where they call it", async () => {
  const tell = "const tell = (f) => { try { return f(); } catch ({ code, message }) { return [code, message]; } };\n";
  const text = await refused({
    "node_modules/common/index.js": `${tell}let fs;
try { fs = require(/* not for browsers */ "fs"); } catch (error) { fs = error.code; }
const url = require("node:url");
const { Script } = require("vm");
class Own extends Script {}
exports.said = [fs, typeof URL.prototype, typeof (url.URL || URL), tell(() => new Own()), tell(() => url.parse("x"))];
`,
    "node_modules/modern/package.json": '{"name":"modern","type":"module","main":"index.js"}',
    "node_modules/modern/index.js": `import os, { hostname } from "node:os";
import * as http from "http";
import { createSign, randomUUID } from "crypto";
${tell}const calls = [() => os.cpus(), () => http.get("x"), () => hostname(), () => createSign("x")];
export const failed = [...calls, () => typeof randomUUID, () => os.EOL].map(tell);
`,
    "index.js": `${CONTRACT}const modern = require("modern");
throw new Error(JSON.stringify([require("common").said, modern.failed]));
`,
  });
  const missing = (name) => [null, `${name} is not available in a chaincode component`];
  const [common, modern] = JSON.parse(/Error: (.*)/.exec(text)[1]);
  assert.deepEqual(common, ["MODULE_NOT_FOUND", "object", "function", missing("vm.Script"), missing("url.parse")]);
  const names = ["os.cpus", "http.get", "os.hostname", "crypto.createSign"];
  assert.deepEqual(modern, [...names.map(missing), "function", "\n"]);
});
