// Differences of the engine from Node.js that contracts can see. The contracts throw their observations when they are
// loaded.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import test from "node:test";

import { MEMBERS } from "../build/members.js";
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

test("a class may extend ClientIdentity, and has what it adds", async () => {
  const text = await refused({
    "index.js": `${CONTRACT}const { ClientIdentity } = require("fabric-shim");
class Own extends ClientIdentity { hi() { return "hi"; } }
const [own, base] = [new Own({}), new ClientIdentity({})];
const is = [own instanceof Own, own instanceof ClientIdentity, base instanceof ClientIdentity, base instanceof Own];
throw new Error([own.hi(), typeof own.getAttributeValue, Object.hasOwn(own, "mspId"), ...is].join());
`,
  });
  contains(text, "Error: hi,function,true,true,true,true,false");
});

test("process is one that nothing happens to", async () => {
  const text = await refused({
    "index.js": `${CONTRACT}const same = process.on("exit", () => {}).removeAllListeners("warning").setMaxListeners(5) === process;
throw new Error([same, process.emit("exit"), String(process), process.release.name, process.eventNames().length].join());
`,
  });
  contains(text, "Error: true,false,[object process],node,0");
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

test("random numbers fill arrays of any width, from an offset on", async () => {
  const text = await refused({
    "index.js": `${CONTRACT}const { randomFillSync } = require("crypto");
const wide = randomFillSync(new Uint32Array(20));
const part = randomFillSync(new Uint16Array(40), 30, 9);
const whole = new Uint8Array(randomFillSync(new ArrayBuffer(64)));
const zeros = (numbers) => numbers.every((number) => number === 0);
const seen = [
  wide.some((number) => number > 0xffff), zeros(part.subarray(0, 30)), part.subarray(30, 39).some((number) => number > 255), part[39],
  zeros(whole), randomFillSync(wide) === wide,
];
for (const [offset, size] of [[9], [-1], [1, 8], [0, -1]]) {
  try { seen.push(randomFillSync(new Uint32Array(8), offset, size)); } catch ({ name }) { seen.push(name); }
}
throw new Error(seen.join());
`,
  });
  contains(text, "Error: true,true,true,0,false,true,RangeError,RangeError,RangeError,RangeError");
});

test("a secret key signs as its bytes do", async () => {
  const code = `const { KeyObject, createHash, createHmac, createSecretKey } = crypto;
const signed = (key) => createHmac("sha256", key).update("data").digest("hex");
const bytes = Buffer.from("secret");
const key = createSecretKey("736563726574", "hex");
const view = new Uint8Array([1, 2]);
const held = createSecretKey(view);
view[0] = 9;
const seen = [
  key instanceof KeyObject, key.type, key.symmetricKeySize, key.export().toString(), JSON.stringify(key.export({ format: "jwk" })),
  key.equals(createSecretKey(bytes)), key.equals(held), [...held.export()].join("+"),
  ...["secret", bytes, key, new Uint8Array(bytes).buffer].map(signed),
  ...["sha512-224", "RSA-SHA512/224", "SHA512-256"].map((name) => createHash(name).update("data").digest("hex")),
];
for (const wrong of [5, null]) try { createSecretKey(wrong); } catch ({ name }) { seen.push(name); }
const text = seen.join(";");
`;
  const own = await refused({ "index.js": `${CONTRACT}const crypto = require("crypto");\n${code}throw new Error(text);\n` });
  const known = execFileSync(process.execPath, ["-e", `${code}console.log(text);`]).toString().trim();
  assert.equal(/Error: (.*)/.exec(own)[1], known);
});

test("hashes are written, ended and read as streams are", async () => {
  const code = `const digests = ["sha256", "md5"].map((name) => {
  const hash = crypto.createHash(name);
  const seen = [hash.write("a"), hash.write("ff", "hex", () => {}), hash.end("b") === hash, hash.read().toString("hex"), hash.read()];
  seen.push(hash.digest("hex"));
  try { hash.write("c"); } catch { seen.push("refused"); }
  return seen;
});
const keyed = crypto.createHmac("sha256", "key");
keyed.setEncoding("base64");
keyed.end("data");
const text = JSON.stringify([digests, keyed.read()]);
`;
  const own = await refused({ "index.js": `${CONTRACT}const crypto = require("crypto");\n${code}throw new Error(text);\n` });
  const known = execFileSync(process.execPath, ["-e", `${code.replace(/try .*/, 'seen.push("refused");')}console.log(text);`]);
  assert.equal(/Error: (.*)/.exec(own)[1], known.toString().trim());
});

test("the end of a hash calls its callback", async () => {
  const code = `const ended = [[], ["x"], ["ff", "hex"]].map((args) => new Promise((done) => {
  const hash = crypto.createHash("md5").end(...args, () => done(hash.read().toString("hex")));
}));
`;
  const known = ["", "x", "\xff"].map((text) => createHash("md5").update(text, "latin1").digest("hex"));
  const telling = "Promise.all(ended).then((seen) => { console.log(seen.join()); process.exit(1); });\n";
  contains(await refused({ "index.js": `const crypto = require("crypto");\n${code}${telling}` }), known.join());
});

test("what fs lacks names itself in a package's copy, too", async () => {
  const text = await refused({
    "node_modules/copies/index.js": `const fs = require("fs");
Object.assign(exports, fs);
exports.clone = {};
for (const name of Object.getOwnPropertyNames(fs)) {
  Object.defineProperty(exports.clone, name, Object.getOwnPropertyDescriptor(fs, name));
}
`,
    "index.js": `${CONTRACT}const fs = require("copies");
const said = [() => fs.appendFileSync("x", "y"), () => fs.clone.openSync("x")].map((call) => {
  try { call(); } catch ({ message }) { return message; }
});
throw new Error(said.join());
`,
  });
  const missing = (name) => `fs.${name} is not available in a chaincode component`;
  contains(text, `Error: ${["appendFileSync", "openSync"].map(missing).join()}`);
});

test("the build knows what crypto has", async () => {
  const names = "Object.getOwnPropertyNames(require('crypto')).filter((name) => name !== 'subtle').sort()";
  const text = await refused({ "index.js": `${CONTRACT}throw new Error(JSON.stringify(${names}));\n` });
  assert.deepEqual(JSON.parse(/Error: (.*)/.exec(text)[1]), [...MEMBERS.crypto].sort());
});

test("packages that ask for modules of Node.js do without, or hear what is missing where they call it", async () => {
  const tell = "const tell = (f) => { try { return f(); } catch ({ code, message }) { return [code, message]; } };\n";
  const text = await refused({
    "node_modules/common/index.js": `${tell}let fs;
try { fs = require(/* not for browsers */ "fs"); } catch (error) { fs = error.code; }
const url = require("node:url");
const { Script } = require("vm");
class Own extends Script {}
exports.said = [fs, typeof URL.prototype, typeof (url.URL || URL), tell(() => new Own()), url.parse("http://x/y").pathname];
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
  assert.deepEqual(common, ["MODULE_NOT_FOUND", "object", "function", missing("vm.Script"), "/y"]);
  const names = ["os.cpus", "http.get", "os.hostname", "crypto.createSign"];
  assert.deepEqual(modern, [...names.map(missing), "function", "\n"]);
});
