// What a build says about contracts that cannot be built.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import test from "node:test";
import { fileURLToPath } from "node:url";

import { main } from "../build/cli.js";
import { build } from "../build/index.js";
import { CONTRACT, MANIFEST, contains, refused } from "./support/refused.js";

test("a module that needs files, network, threads or timers is refused with file and line", async () => {
  for (const [name, reason] of [
    ["fs", "there are no files"],
    ["node:fs/promises", "there are no files"],
    ["http", "there is no network"],
    ["net", "there is no network"],
    ["child_process", "no processes"],
    ["timers/promises", "no timers"],
    ["zlib", "use one of assert, buffer"],
  ]) {
    const text = await refused({ "index.js": `'use strict';\nconst m = require('${name}');\n${CONTRACT}` });
    contains(text, `${name} is not available in a chaincode component: `, reason, "index.js:2:18");
  }
});

test("a module that a dependency needs is refused where the dependency asks for it", async () => {
  const text = await refused({
    "index.js": `const dep = require("dep");\n${CONTRACT}`,
    "node_modules/dep/index.js": 'module.exports = require("tls");',
  });
  contains(text, "tls is not available", "node_modules/dep/index.js:1:25");
});

test("timers, the network and locales are refused as globals, unless the contract has its own", async () => {
  for (const use of ["setTimeout(() => {}, 5)", "setInterval(f)", "fetch('x')", "new WebSocket('x')", "new URL('x')", "new Intl.NumberFormat('de')"]) {
    const text = await refused({ "index.js": `${CONTRACT}\nfunction f() {\n  ${use};\n}\n` });
    contains(text, "is not available in a chaincode component", "index.js:7:");
  }
  const own = `${CONTRACT}\nfunction fetch() {}\nfetch();\nthrow new Error("loaded");\n`;
  contains(await refused({ "index.js": own }), "the contract does not load", "loaded");
});

test("a contract that throws when it is loaded fails with the place", async () => {
  const text = await refused({
    "index.js": `${CONTRACT}\nnull.gone;\n`,
  });
  contains(text, "the contract does not load", "index.js:6");
});

test("a folder without a contract is told what is missing", async () => {
  contains(await refused({ "package.json": "{" }), "package.json is no JSON");
  contains(await refused({ "package.json": "{}" }), "has neither `main` nor a start script");
  contains(await refused({}), "index.js, which package.json names, does not exist");
  contains(await refused({ "index.js": CONTRACT }, { main: "other.js" }), "other.js does not exist");
  contains(await refused({ "index.js": "module.exports = 5;" }), "exports no contract");
  contains(await refused({ "index.js": CONTRACT }, { engine: "v8" }), "unknown engine v8: quickjs or");
  contains(await refused({ "index.js": CONTRACT, "tsconfig.json": '{"extends":"./none"}' }), "tsconfig.json");
  contains(
    await refused({ "index.js": CONTRACT, "META-INF/metadata.json": "{" }),
    "metadata.json is no JSON",
  );
  await assert.rejects(build("/no/such/folder"), /package.json cannot be read \(ENOENT\)/);
});

test("a package.json that says nothing usable is refused with its place", async () => {
  const said = async (text) => refused({ "package.json": text, "index.js": CONTRACT });
  contains(await said("null"), "package.json is no JSON object");
  contains(await said("[]"), "package.json is no JSON object");
  contains(await said('{"main":5}'), "package.json: `main` is no string");
  contains(await said("\uFEFF{"), "package.json is no JSON:");
});

test("what a contract throws when it is loaded is told once, with its own calls", async () => {
  const thrown = `${CONTRACT}function f() {\n  throw new RangeError("boom");\n}\nf();\n`;
  const text = await refused({ "index.js": thrown });
  assert.equal(text, "the contract does not load: RangeError: boom\n    at f (index.js:6)\n    at index.js (index.js:8)");
});

test("a contract that never ends loading is ended", async () => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "wasmcc-js-test-"));
  fs.writeFileSync(path.join(folder, "package.json"), MANIFEST);
  fs.writeFileSync(path.join(folder, "index.js"), `${CONTRACT}for (;;);\n`);
  const program = fileURLToPath(new URL("../bin/wasmcc-js.js", import.meta.url));
  const args = [program, "build", folder, "--output", path.join(folder, "one.wasm")];
  const ended = spawnSync(process.execPath, args, { env: { ...process.env, WASMCC_JS_LOAD_SECONDS: "3" } });
  contains(ended.stderr.toString(), "the contract is still loading after 3 s");
  assert.notEqual(ended.status, 0);
  fs.rmSync(folder, { recursive: true });
});

test("the command says how it is used, and fails with the reason", async () => {
  const write = process.stderr.write;
  let said = "";
  process.stderr.write = (text) => Boolean((said += text));
  try {
    assert.equal(await main([]), 2);
    assert.equal(await main(["build", ".", "--nonsense"]), 2);
    assert.equal(await main(["build", "/no/such/folder", "-o", "/dev/null"]), 1);
  } finally {
    process.stderr.write = write;
  }
  contains(said, "usage: wasmcc-js build", "--nonsense", "error: /no/such/folder/package.json");
});
