// Messages of builds that fail.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import test from "node:test";
import { fileURLToPath } from "node:url";
import * as esbuild from "esbuild";

import { bundle } from "../build/bundle.js";
import { main } from "../build/cli.js";
import { build } from "../build/index.js";
import { modules } from "../build/modules.js";
import { seconds } from "../build/patience.js";
import { readProject } from "../build/project.js";
import { withFiles } from "./support/folder.js";
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

test("a module that a dependency needs to load is refused where the dependency asks for it", async () => {
  const asking = (text) => refused({ "index.js": `const dep = require("dep");\n${CONTRACT}`, "node_modules/dep/index.js": text });
  const text = await asking('require("zlib");\nmodule.exports = require("tls").connect(5);');
  contains(text, "the contract does not load: Error: tls.connect is not available", "at index.js (index.js:1)");
  contains(text, "tls is not available in a chaincode component: there is no network", "node_modules/dep/index.js:2:25");
  assert.doesNotMatch(text, /zlib/);
  contains(await asking('try { require("node:fs"); } catch (error) { throw error; }'), "there are no files", "dep/index.js:1:14");
});

test("a package that reads a module that it does without is told, with the packages that lead there", async () => {
  const text = await refused({
    "index.js": `${CONTRACT}\nconst outer = require("outer");\n`,
    "node_modules/outer/index.js": "\nrequire('inner').load('x');\n",
    "node_modules/inner/index.js": 'const fs = require("./fs");\nexports.load = function load(name) {\n  fs.readFileSync(name);\n};\n',
    "node_modules/inner/fs.js": 'let fs = null;\ntry { fs = require("fs"); } catch {}\nmodule.exports = fs;\n',
    "node_modules/inner/package.json": '{"name":"inner","main":"index.js"}',
  });
  contains(text, "cannot read property 'readFileSync' of null\n    at load (node_modules/inner/index.js:3)\n");
  contains(text, "(node_modules/outer/index.js:2)\n    at index.js (index.js:6)\n", "node_modules/inner/fs.js:2:19");
  assert.doesNotMatch(text, /wasmcc-js|runtime/);
});

test("a package that is not installed comes with the command that installs it", async () => {
  const manifest = JSON.stringify({ ...JSON.parse(MANIFEST), devDependencies: { "@named/one": "1.0.0" } });
  const index = (name) => `const m = require("${name}");\n${CONTRACT}`;
  const missing = async (name) => {
    const text = await refused({ "package.json": manifest, "index.js": index(name), "node_modules/bare/README": "" });
    assert.doesNotMatch(text, /external/);
    return text;
  };
  contains(await missing("left-out/file"), "index.js:1:18", "left-out is not installed: type `npm install left-out`");
  contains(await missing("@named/one"), "@named/one is not installed: type `npm install` in the contract's folder");
  contains(await missing("bare"), 'is installed, and no module "bare" is in it');
  const hidden = { "node_modules/shut/package.json": '{"name":"shut","exports":{".":"./a.js"}}', "node_modules/shut/a.js": "" };
  const text = await refused({ ...hidden, "index.js": index("shut/other") });
  contains(text, 'The path "./other" is not exported by package "shut"');
  assert.doesNotMatch(text, /npm install|external/);
  assert.doesNotMatch(await missing("./gone"), /npm install/);
});

test("a module that Fabric's packages of other versions have is told with the version that the component has", async () => {
  const text = await refused({ "index.js": `${CONTRACT}const m = require("fabric-shim/bundle");\n` });
  contains(text, "index.js:5:18", 'There is no module "bundle" in fabric-shim 2.5.8, which the component has');
  assert.doesNotMatch(text, /Require stack|onResolve/);
});

test("a module whose name is known only at run time is refused where any package may be meant, and else warned of", async () => {
  const calling = (call) => ({ "index.js": `${CONTRACT}const load = (name) => ${call};\n` });
  for (const call of ["require('./' + name)", "import(`./${name}`)", "require('./nod' + name + '.js')", 'require("../" + name)']) {
    const at = call.includes("../") ? { "lib/x.js": `exports.load = (name) => ${call};`, "index.js": "require('./lib/x');" } : calling(call);
    const text = await refused({ ...at, "node_modules/large/index.js": "throw 5;" });
    contains(text, "may be any file of a folder with node_modules", 'as in require("./lib/" + name)', call.includes("../") ? "x.js:1:" : "index.js:5:");
    assert.doesNotMatch(text, /<component>/);
  }
  const lib = { "lib/one.js": "exports.one = 1;", "node_modules/large/index.js": "throw 5;", "package.json": MANIFEST };
  assert.equal(await warned({ ...lib, ...calling("require('./lib/' + name)") }), "");
  const text = await warned({ ...lib, ...calling("require(name)") });
  contains(text, "The name of this module is only known at run time: it is not in the component", "index.js:5:");
  assert.doesNotMatch(text, /fabric-shim|literal/);
});

test("timers, the network and locales are refused as globals, unless the contract has its own", async () => {
  for (const use of ["setTimeout(() => {}, 5)", "setInterval(f)", "fetch('x')", "new WebSocket('x')", "new AbortController()", "new Intl.NumberFormat('de')"]) {
    const text = await refused({ "index.js": `${CONTRACT}\nfunction f() {\n  ${use};\n}\n` });
    contains(text, "is not available in a chaincode component", "index.js:7:");
  }
  const own = `${CONTRACT}\nfunction fetch() {}\nfetch();\nthrow new Error("loaded");\n`;
  contains(await refused({ "index.js": own }), "the contract does not load", "loaded");
});

test("a global that a package does without in `try` is warned of, once in a file", async () => {
  const checks = `exports.isAddress = (text) => {
  try {
    return Boolean(new AbortController(text) && new AbortController(text));
  } catch {
    return false;
  }
};
exports.loud = (text) => new AbortController(text);
try { exports.list = new Intl.ListFormat("de"); } catch {}
`;
  const files = {
    "package.json": MANIFEST,
    "node_modules/checks/index.js": checks,
    "node_modules/asks/index.js":
      'try { if (typeof Worker === "function") exports.u = new Worker("x"); typeof Worker !== "undefined" && new Worker("x"); } catch {}\n',
    "node_modules/own/index.js": "const { Worker } = require('checks');\ntry { new Worker('x'); } catch {}\n",
    "index.js": `${CONTRACT}module.exports.used = [require("checks"), require("asks"), require("own")];\n`,
  };
  const text = await warned(files);
  const caught = "is not available in a chaincode component, and the package catches the error";
  contains(text, `AbortController ${caught}`, "node_modules/checks/index.js:3:23", `Intl ${caught}`, "node_modules/checks/index.js:9:");
  assert.equal(text.split(caught).length, 3);
});

test("a contract that throws when it is loaded fails with the place", async () => {
  const text = await refused({
    "index.js": `${CONTRACT}\nnull.gone;\n`,
  });
  contains(text, "the contract does not load", "index.js:6");
});

test("Fabric's packages get the class-transformer that has what they call, whatever a contract has", async () => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "wasmcc-js-test-"));
  const installed = (version) => ({
    "node_modules/class-transformer/package.json": JSON.stringify({ name: "class-transformer", version, main: "own.js" }),
    "node_modules/class-transformer/own.js": "",
    "node_modules/fabric-contract-api/lib.js": 'require("class-transformer");',
    "index.js": 'require("class-transformer");',
  });
  const taken = async (version, from) => {
    for (const [name, text] of Object.entries(installed(version))) {
      fs.mkdirSync(path.dirname(path.join(folder, name)), { recursive: true });
      fs.writeFileSync(path.join(folder, name), text);
    }
    const options = { absWorkingDir: folder, platform: "neutral", mainFields: ["main"], write: false, metafile: true };
    const built = await esbuild.build({ ...options, entryPoints: [from], bundle: true, plugins: [modules] });
    return Object.keys(built.metafile.inputs).some((name) => name === "node_modules/class-transformer/own.js") ? "own" : "ours";
  };
  try {
    assert.equal(await taken("0.4.1", "./node_modules/fabric-contract-api/lib.js"), "ours");
    assert.equal(await taken("0.4.1", "./index.js"), "own");
    assert.equal(await taken("0.4.0", "./index.js"), "ours");
  } finally {
    fs.rmSync(folder, { recursive: true });
  }
  // npm uses it for everyone who installs this package.
  const manifest = JSON.parse(fs.readFileSync(new URL("../package.json", import.meta.url)));
  assert.equal(manifest.dependencies["class-transformer"], "0.4.0");
});

test("`await` outside of functions is refused with a way to do without it", async () => {
  const text = await refused({ "package.json": '{"type":"module","main":"index.js"}', "index.js": "const x = await 5;\n" });
  contains(text, "A module cannot await outside of functions in a chaincode component", "index.js:1:10");
  assert.doesNotMatch(text, /esnext|target/);
});

test("a folder without a contract is told what is missing", async () => {
  contains(await refused({ "package.json": "{" }), "package.json is not JSON");
  contains(await refused({ "package.json": "{}" }), "has neither `main` nor a start script");
  contains(await refused({}), "index.js, which package.json names, does not exist");
  contains(await refused({ "index.js": CONTRACT }, { main: "other.js" }), "other.js does not exist");
  contains(await refused({ "index.js": "module.exports = 5;" }), "index.js, starts no", "exports no contract", "--main FILE");
  contains(await refused({ "index.js": CONTRACT }, { engine: "v8" }), "unknown engine v8: quickjs or");
  contains(await refused({ "index.js": CONTRACT, "tsconfig.json": '{"extends":"./none"}' }), "tsconfig.json");
  contains(
    await refused({ "index.js": CONTRACT, "META-INF/metadata.json": "{" }),
    "metadata.json is not JSON",
  );
  const ofMetadata = (metadata) => refused({ "index.js": CONTRACT, "contract-metadata/metadata.json": JSON.stringify(metadata) });
  contains(
    await ofMetadata({ info: { title: "one", version: "1" }, contract: {} }),
    "contract-metadata/metadata.json: contract metadata does not match the schema: the file should have required property 'contracts'",
  );
  const transactions = [{ name: "Get", tag: 5 }];
  contains(
    await ofMetadata({ info: { title: 5, version: "1" }, contracts: { One: { transactions } } }),
    "does not match the schema: .info.title should be string",
  );
  await assert.rejects(build("/no/such/folder"), /package.json cannot be read \(ENOENT\)/);
});

// Returns the warnings of a build without the engine.
async function warned(files) {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "wasmcc-js-test-"));
  for (const [name, text] of Object.entries({ "index.js": CONTRACT, ...files })) {
    fs.mkdirSync(path.dirname(path.join(folder, name)), { recursive: true });
    fs.writeFileSync(path.join(folder, name), text);
  }
  try {
    return (await bundle(readProject(folder))).warnings;
  } finally {
    fs.rmSync(folder, { recursive: true });
  }
}

test("a contract for another release of Fabric's packages is told that the component has this one", async () => {
  const asking = (range) => ({
    "package.json": JSON.stringify({ ...JSON.parse(MANIFEST), dependencies: { "fabric-shim": range } }),
  });
  const installed = (name, version) => ({ [`node_modules/${name}/package.json`]: JSON.stringify({ name, version }) });
  for (const range of ["2.5.8", "~2.5.0", "^2.2.2", "*", "latest", "file:../shim", 5]) {
    assert.equal(await warned(asking(range)), "", String(range));
  }
  contains(await warned(asking("^1.4.0")), "is written for fabric-shim ^1.4.0, and the component has 2.5.8");
  contains(await warned(asking("~2.2.2")), "is written for fabric-shim ~2.2.2, and the component has 2.5.8");
  assert.equal(await warned({ ...asking("^2.2.2"), ...installed("fabric-shim", "2.5.4") }), "");
  const both = { ...installed("fabric-shim", "2.2.2"), ...installed("fabric-contract-api", "2.2.2") };
  contains(await warned({ ...asking("^2.2.2"), ...both }), "for fabric-contract-api and fabric-shim 2.2.2, and");
});

test("a package.json that says nothing usable is refused with its place", async () => {
  const said = async (text) => refused({ "package.json": text, "index.js": CONTRACT });
  contains(await said("null"), "package.json is not a JSON object");
  contains(await said("[]"), "package.json is not a JSON object");
  contains(await said('{"main":5}'), "package.json: `main` is not a string");
  contains(await said("\uFEFF{"), "package.json is not JSON:");
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
  const temporary = path.join(folder, "temporary");
  fs.mkdirSync(temporary);
  const env = { ...process.env, WASMCC_JS_LOAD_SECONDS: "3", TMPDIR: temporary };
  const ended = spawnSync(process.execPath, args, { env });
  contains(ended.stderr.toString(), "the contract is still loading after 3 s");
  assert.notEqual(ended.status, 0);
  assert.deepEqual(fs.readdirSync(temporary), []);
  fs.rmSync(folder, { recursive: true });
});

test("a program without the packages that it needs says how it is installed", async () => {
  const program = fs.readFileSync(fileURLToPath(new URL("../bin/wasmcc-js.js", import.meta.url)), "utf8");
  const modules = [
    'import "not-installed";',
    'import { createRequire } from "node:module";\ncreateRequire(import.meta.url).resolve("not-installed/package.json");',
  ];
  for (const cli of modules) {
    const files = { "package.json": '{"type":"module"}', "bin/wasmcc-js.js": program, "build/cli.js": cli };
    const ended = await withFiles(files, (folder) => spawnSync(process.execPath, [path.join(folder, "bin/wasmcc-js.js")]));
    const [line, hint, ...rest] = ended.stderr.toString().trim().split("\n");
    assert.match(line, /^error: wasmcc-js is here without the packages that it needs: Cannot find .*not-installed/);
    assert.match(hint, /hint: install it with/);
    assert.deepEqual([rest, ended.status], [[], 1]);
  }
});

test("a contract may be given any time to load that a timer takes", () => {
  const longest = Math.floor((2 ** 31 - 1) / 1000);
  for (const given of ["9999999", "1e9", "Infinity"]) assert.equal(seconds(given), longest, given);
  for (const [given, limit] of [["7", 7], ["0.5", 0.5], ["0", 120], ["-1", 120], ["soon", 120], [undefined, 120]]) {
    assert.equal(seconds(given), limit, given);
  }
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
