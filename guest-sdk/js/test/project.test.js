// The built module of a folder, with its options and files.
import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import test from "node:test";

import { bundle } from "../build/bundle.js";
import { readProject } from "../build/project.js";
import { dependencies } from "../build/sources.js";
import { withFiles } from "./support/folder.js";

const manifest = (more) => JSON.stringify({ name: "one", version: "1.0.0", ...more });

// Returns the path of the module that is built of these files, in their folder or in its folder `at`.
function entryOf(files, at = ".") {
  return withFiles(files, (folder) => path.relative(path.join(folder, at), readProject(path.join(folder, at)).entry));
}

test("a tsconfig.json of references is that of the project with the entry, and so are its paths", async () => {
  const files = {
    "base.json": '{"compilerOptions":{"baseUrl":".","paths":{"@lib":["lib/index.ts"],"@lib/*":["lib/*.ts"]}}}',
    "lib/inner.ts": "export const Inner = 5;",
    "lib/index.ts": 'import { Inner } from "@lib/inner"; export class Lib { inner = Inner }',
    "app/package.json": manifest({ main: "dist/main.js" }),
    "app/tsconfig.json": '{"files":[],"include":[],"references":[{"path":"./spec.json"},{"path":"./app.json"}]}',
    "app/spec.json": '{"compilerOptions":{"outDir":"dist","rootDir":"src"},"include":["src/*.spec.ts"]}',
    "app/app.json": JSON.stringify({
      extends: "../base.json",
      compilerOptions: { module: "commonjs", experimentalDecorators: true, outDir: "dist", rootDir: "src" },
      include: ["src"],
      exclude: ["src/*.spec.ts"],
      references: [{ path: "./tsconfig.json" }],
    }),
    "app/src/main.ts":
      'import { Lib } from "@lib"; function d(...a: unknown[]) {} export class One { @d get() { return Lib } }',
    "app/src/main.spec.ts": "",
  };
  await withFiles(files, async (folder) => {
    const project = readProject(path.join(folder, "app"));
    assert.equal(path.relative(folder, project.entry), path.join("app", "src", "main.ts"));
    assert.equal(project.typescript.experimentalDecorators, true);
    const { text } = await bundle(project);
    assert.match(text, /__decorate\(\[/);
    assert.match(text, /Inner = 5/);
  });
});

test("the source of a compiled file is where the project's compiler reads it", async () => {
  const tsconfig = (compilerOptions) => JSON.stringify({ compilerOptions });
  const beside = { "main.ts": "", "src/index.ts": "", "src/main.ts": "", "tsconfig.json": tsconfig({}) };
  assert.equal(await entryOf({ ...beside, "package.json": manifest({ main: "main.js" }) }), "main.ts");
  const compiled = { ...beside, "package.json": manifest({ main: "dist/main.js" }) };
  assert.equal(await entryOf(compiled), path.join("src", "main.ts"));
  // If packages of the repository are compiled with it, the output begins at the folder above.
  const whole = { "a/cc/package.json": manifest({ main: "dist/a/cc/src/index.js" }), "a/cc/src/index.ts": "" };
  const common = { ...whole, "a/cc/tsconfig.json": tsconfig({ outDir: "dist" }) };
  assert.equal(await entryOf(common, "a/cc"), path.join("src", "index.ts"));
});

test("the file of a start script is not the value of an option, and `node .` starts main", async () => {
  const files = { "cc.js": "", "main.js": "" };
  for (const [start, entry] of [
    ["node cc.js", "cc.js"],
    ["node -r source-map-support/register cc.js", "cc.js"],
    ["NODE_ENV=x node --require ./x.js --import=y --enable-source-maps -C a 'cc.js' --peer.address $PEER", "cc.js"],
    ["node --loader ts-node/esm  ./cc", "cc.js"],
    ["ts-node -P tsconfig.json cc.js", "cc.js"],
    ["node -r x", "main.js"],
    ["node .", "main.js"],
    ["node -r x node_modules/.bin/fabric-chaincode-node start", "main.js"],
  ]) {
    const all = { ...files, "package.json": manifest({ main: "main.js", scripts: { start } }) };
    assert.equal(await entryOf(all), entry, start);
  }
});

test("a started file that runs Fabric's command is not the contract", async () => {
  const command = ["require('fabric-shim/cli');", "import('fabric-shim/cli.js');", "require('./node_modules/fabric-shim/cli.js')"];
  const loaded = async (files, start) => {
    const text = manifest({ main: "lib/src/index.js", scripts: { start } });
    const { entry, isStarted } = await withFiles({ ...files, "package.json": text }, (folder) => readProject(folder));
    return [path.basename(entry), isStarted];
  };
  const index = { "lib/src/index.js": "" };
  for (const text of command) {
    assert.deepEqual(await loaded({ ...index, "cli.js": text }, "node cli.js start"), ["index.js", false], text);
  }
  const typed = {
    "tsconfig.json": '{"compilerOptions":{"outDir":"lib","rootDir":"."},"include":["src"]}',
    "src/index.ts": "",
    "src/cli.ts": 'import "./run.js";',
    "src/run.ts": "async function run() { await import('fabric-shim/cli'); }\nrun();",
  };
  assert.deepEqual(await loaded(typed, "node lib/src/cli.js start"), ["index.ts", false]);
  const inPlace = "node ./node_modules/fabric-shim/cli.js start";
  assert.deepEqual(await loaded(index, inPlace), ["index.js", false]);
  const shim = { "cc.js": "require('fabric-shim').start(require('./own/cli'));", "own/cli.js": "require('../cc');" };
  assert.deepEqual(await loaded({ ...index, ...shim }, "node cc.js"), ["cc.js", true]);
});

test("the sources of a component are the contract's and those of packages that are links", async () => {
  const files = {
    "app/package.json": manifest({ main: "index.js" }),
    "app/index.js": 'module.exports = [require("linked"), require("installed")];',
    "app/node_modules/installed/index.js": "",
    "packages/linked/index.js": 'require("fs-ext");',
    "packages/linked/node_modules/fs-ext/index.js": 'try { require("fs"); } catch {}',
  };
  await withFiles(files, async (folder) => {
    const real = fs.realpathSync(folder);
    fs.symlinkSync("../../packages/linked", path.join(real, "app/node_modules/linked"));
    const { sources } = await bundle(readProject(path.join(real, "app")));
    assert.deepEqual(sources.sort(), [path.join(real, "app/index.js"), path.join(real, "packages/linked/index.js")]);
  });
  const { file, text } = dependencies("/out/one.wasm", ["/a b/c.js", "/d.js"]);
  assert.deepEqual([file, text], ["/out/one.d", "/out/one.wasm: /a\\ b/c.js /d.js\n"]);
});
