// Build warnings about functions of `crypto` and `url` that a component lacks.
import assert from "node:assert/strict";
import path from "node:path";
import test from "node:test";

import { bundle } from "../build/bundle.js";
import { missingMembers } from "../build/members.js";
import { readProject } from "../build/project.js";
import { withFiles } from "./support/folder.js";
import { MANIFEST, contains } from "./support/refused.js";

// Returns the places of the warnings about one file, such as `4 crypto.sign`.
const warned = (name, text) =>
  withFiles({ [name]: text }, (folder) =>
    missingMembers([path.join(folder, name)]).map(({ text, location }) => `${location.line} ${text.split(" ")[0]}`),
  );

test("functions of crypto that a component lacks are found where they are used", async () => {
  const typescript = `import { createVerify, createPublicKey as fromPem, createHash } from "crypto";
import * as all from "node:crypto";
import whole from "crypto";
import old = require("crypto");
const again = whole;
export const f = () => createHash("sha256").update(createVerify("x"));
export const g = (pem: string) => [1].map(() => fromPem(pem));
export const h = () => [all.generateKeyPairSync, old.createCipheriv, again.verify, all.subtle];
`;
  const names = ["generateKeyPairSync", "createCipheriv", "verify", "subtle"].map((name) => `8 crypto.${name}`);
  assert.deepEqual(await warned("one.ts", typescript), ["6 crypto.createVerify", "7 crypto.createPublicKey", ...names]);
  const javascript = `const { pbkdf2Sync, createHmac: mac } = require("crypto");
const crypto = require("node:crypto");
const { createSign } = crypto;
exports.f = () => [mac("sha256", "k"), pbkdf2Sync("a"), crypto.scryptSync("b"), require("crypto").sign("c")];
module.exports.g = { createSign };
`;
  const found = ["4 crypto.pbkdf2Sync", "4 crypto.scryptSync", "4 crypto.sign", "5 crypto.createSign"];
  assert.deepEqual(await warned("one.js", javascript), found);
});

test("names that are only known at run time, and the module as its own member, are not functions", async () => {
  const source = `import { default as crypto } from "crypto";
const { [process.env.X ?? "createHash"]: make, default: whole, "sign": sign } = require("crypto");
export const f = () => [make("md5"), crypto.createHash("md5"), whole, sign];
`;
  assert.deepEqual(await warned("one.ts", source), ["3 crypto.sign"]);
});

test("types, what a component has, and what only has the name, are not", async () => {
  const source = `import { KeyObject, createVerify, randomUUID, type Sign } from "crypto";
import * as crypto from "crypto";
import { verify } from "./own";
export function f(key: KeyObject, sign: Sign, cipher: crypto.Cipher): typeof createVerify | undefined {
  const createSign = (text: string) => text;
  createSign(randomUUID() + verify("x") + crypto.createHash("md5"));
  const { hash, ...others } = crypto;
  const own = { hash, others, sign: 1, crypto: { sign: 2 } };
  crypto.createECDH("x"); // wasmcc: allow
  var self = self;
  return self.sign + own.sign + own.crypto.sign;
}
`;
  assert.deepEqual(await warned("one.ts", source), []);
});

test("a build warns with file and line", async () => {
  const index = 'const crypto = require("crypto");\nexports.contracts = [() => crypto.createVerify("SHA256")];\n';
  const { warnings } = await withFiles({ "package.json": MANIFEST, "index.js": index }, (folder) => bundle(readProject(folder)));
  contains(warnings, "crypto.createVerify is not available in a chaincode component", "index.js:2:27");
});
