// What the engine does otherwise than Node.js, as contracts see it: they throw what they see when they are loaded.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import test from "node:test";

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
