// Environment variables of a contract.
import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import test from "node:test";

import { bundle } from "../build/bundle.js";
import { unsetVariables } from "../build/environment.js";
import { readProject } from "../build/project.js";
import { withFiles } from "./support/folder.js";
import { CONTRACT, MANIFEST, contains, refused } from "./support/refused.js";

// Reads the file as the package dotenv does.
const DOTENV = `const fs = require("fs");
const path = require("path");
exports.config = ({ path: name = path.resolve(process.cwd(), ".env") } = {}) => {
  try {
    const parsed = {};
    for (const line of fs.readFileSync(name, { encoding: "utf8" }).split("\\n")) {
      const [, key, value] = /^([\\w.]+)=(.*)$/.exec(line) ?? [];
      if (key && !(key in process.env)) parsed[key] = process.env[key] = value;
    }
    return { parsed };
  } catch (error) {
    return { error };
  }
};
`;
const FILES = { "package.json": MANIFEST, "node_modules/dotenv/index.js": DOTENV };
const READ = `${CONTRACT}require("dotenv").config();\n`;

test("the package dotenv reads the file .env beside package.json", async () => {
  const tried = `const { config } = require("dotenv");
const failed = config({ path: "./other.env" }).error;
const seen = [process.env.ADMIN, config({ path: require("path").join(__dirname, "..", ".env") }).error, failed.code, failed.message];
throw new Error(JSON.stringify(seen));
`;
  const text = await refused({ ...FILES, ".env": "ADMIN=Org1MSP\n", "index.js": READ + tried });
  const message = "ENOENT: no such file or directory, open './other.env'";
  assert.deepEqual(JSON.parse(/Error: (.*)/.exec(text)[1]), ["Org1MSP", null, "ENOENT", message]);
});

test("without the file, dotenv fails as on Node.js, and other functions of fs fail with their name", async () => {
  const tried = `const { error } = require("dotenv").config();
let other;
try { require("dotenv").write(); } catch ({ message }) { other = message; }
throw new Error([error.code, other].join());
`;
  const write = 'exports.write = () => fs.writeFileSync(".env", "");\n';
  const files = { ...FILES, "node_modules/dotenv/index.js": DOTENV + write };
  const text = await refused({ ...files, "index.js": READ + tried });
  contains(text, "Error: ENOENT,fs.writeFileSync is not available in a chaincode component");
});

test("the file is a source of the component, and its variables are not warned of", async () => {
  const index = `${READ}exports.admins = () => [process.env.ADMIN, process.env.OTHER];\n`;
  const files = { ...FILES, ".env": "# settings\nexport ADMIN = Org1MSP\n", "index.js": index };
  const { warnings, sources } = await withFiles(files, (folder) => bundle(readProject(folder)));
  contains(warnings, "process.env.OTHER is not set in a chaincode component", "index.js:6:43");
  assert.ok(!warnings.includes("ADMIN is not set"), warnings);
  assert.deepEqual(sources.map((file) => path.basename(file)).sort(), [".env", "index.js"]);
});

test("the build warns which variables are in the component, without their values", async () => {
  const built = (text) =>
    withFiles({ ...FILES, ".env": text, "index.js": READ }, (folder) => bundle(readProject(folder)));
  const { warnings } = await built("# settings\n\nADMIN=Org1MSP\nexport DB_PASSWORD='s3cr3t'\nADMIN=x\n");
  contains(warnings, "organizations that install it can read: ADMIN, DB_PASSWORD.", ".env:3:0:");
  assert.ok(!/Org1MSP|s3cr3t/.test(warnings), warnings);
  assert.equal((await built("# public, wasmcc: allow\nADMIN=Org1MSP\n")).warnings, "");
});

test("the file may be a symbolic link, and the folder, too", async () => {
  const files = { ...FILES, ".env.production": "ADMIN=Org1MSP\n", "index.js": READ };
  const { text, sources } = await withFiles(files, (folder) => {
    fs.symlinkSync(".env.production", path.join(folder, ".env"));
    fs.symlinkSync(".", path.join(folder, "link"));
    return bundle(readProject(path.join(folder, "link")));
  });
  contains(text, "Org1MSP");
  assert.deepEqual(sources.map((file) => path.basename(file)).sort(), [".env", "index.js"]);
});

test("variables of a service give way to those of the contract, which stay", async () => {
  const names = "[process.env.CHAINCODE_ID, process.env.CHAINCODE_SERVER_ADDRESS, process.env.CORE_CHAINCODE_ID_NAME]";
  const source = `const { Contract } = require("fabric-contract-api");
if (!process.env.CORE_CHAINCODE_ID_NAME) process.exit(1);
const given = ${names};
require("dotenv").config();
process.env.CHAINCODE_SERVER_ADDRESS = "mine:1";
const loaded = ${names};
module.exports.contracts = [class extends Contract {
  constructor() { super("One"); throw new Error(JSON.stringify([given, loaded, ${names}])); }
}];
`;
  const text = await refused({ ...FILES, ".env": "CHAINCODE_ID=basic\n", "index.js": source });
  assert.deepEqual(JSON.parse(/Error: (.*)/.exec(text)[1]), [
    ["chaincode", "0.0.0.0:9999", "chaincode"],
    ["basic", "mine:1", "chaincode"],
    ["basic", "mine:1", null],
  ]);
});

test("without dotenv, its variables are warned of", async () => {
  const files = { ...FILES, ".env": "ADMIN=Org1MSP\n", "index.js": `${CONTRACT}exports.admin = () => process.env.ADMIN;\n` };
  const { warnings, text } = await withFiles(files, (folder) => bundle(readProject(folder)));
  contains(warnings, "process.env.ADMIN is not set");
  assert.ok(!text.includes("Org1MSP"));
});

test("reads of variables are found where they are, in each form", async () => {
  const source = `import process, { env } from "process";
const all = process.env;
const { REGION, PORT: port = "1", ...others } = process.env;
const { env: settings } = process;
process.env.OWN = "x";
process.env.LEVEL ??= "x";
Object.assign(process.env, { SIZE: "1" }); delete process.env.OLD; all.LATER = process.env.OTHER;
export const f = (name: string) => [
  process.env.ADMIN,
  process.env["OWNER"] ?? "",
  all.LIMIT,
  settings.MODE, process.env.ADMIN,
  process.env.CORE_PEER_LOCALMSPID, process.env.CHAINCODE_ID, process.env.OWN, process.env.LEVEL, process.env.SIZE, process.env[name], others.env.X,
  process.env.SILENT, // wasmcc: allow
];
`;
  const found = await withFiles({ "one.ts": source }, (folder) =>
    unsetVariables([path.join(folder, "one.ts")], ["OWNER"]).map(({ text, location }) => `${location.line} ${text.split(" ")[0]}`),
  );
  const names = ["3 REGION", "3 PORT", "7 OTHER", "9 ADMIN", "11 LIMIT", "12 MODE"];
  assert.deepEqual(found, names.map((name) => name.replace(" ", " process.env.")));
});
