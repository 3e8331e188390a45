// Splitting of a bundle into files.
import assert from "node:assert/strict";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import test from "node:test";
import { pathToFileURL } from "node:url";
import * as esbuild from "esbuild";

import { START, units } from "../build/units.js";

const SOURCES = {
  "main.js": `
import { twice } from "./twice.js";
import plain from "./plain.cjs";
import both from "./both.cjs";
export const contract = { sum: twice(plain.one) + both.four, fails: plain.fails, text: plain.text };`,
  "twice.js": "export const twice = (number) => 2 * number;",
  "plain.cjs": `
exports.one = 1;
exports.text = \`
});
var require_none = __commonJS({\`;
exports.fails = () => {
  throw new Error("in plain");
};`,
  // A module of either kind that imports one of the other.
  "both.cjs": 'exports.four = require("./twice.js").twice(require("./plain.cjs").one * 2);',
};

async function bundle() {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "wasmcc-js-test-"));
  for (const [name, text] of Object.entries(SOURCES)) fs.writeFileSync(path.join(folder, name), text);
  const entryPoints = [path.join(folder, "main.js")];
  const built = await esbuild.build({ entryPoints, bundle: true, write: false, format: "esm", keepNames: true });
  return { folder, text: built.outputFiles[0].text };
}

const lineOf = (error) => Number(/:(\d+):\d+/.exec(error.stack)[1]);

test("the files of a bundle do what the bundle does, and their statements stay in their lines", async () => {
  const { folder, text } = await bundle();
  try {
    fs.writeFileSync(path.join(folder, "package.json"), '{"type":"module"}');
    fs.writeFileSync(path.join(folder, "whole.js"), text);
    for (const [name, part] of units(text)) fs.writeFileSync(path.join(folder, name), part);
    const loaded = async (name) => (await import(pathToFileURL(path.join(folder, name)))).contract;
    const [whole, parts] = [await loaded("whole.js"), await loaded(START)];
    assert.deepEqual([parts.sum, parts.text], [6, "\n});\nvar require_none = __commonJS({"]);
    assert.deepEqual([whole.sum, whole.text], [parts.sum, parts.text]);
    const thrown = [whole, parts].map(({ fails }) => {
      try {
        return fails();
      } catch (error) {
        return lineOf(error);
      }
    });
    assert.equal(thrown[0], thrown[1]);
  } finally {
    fs.rmSync(folder, { recursive: true });
  }
});

test("modules that need none of the contract's are loaded before it", async () => {
  const { folder, text } = await bundle();
  fs.rmSync(folder, { recursive: true });
  const files = units(text);
  const of = (words) => [...files.keys()].find((name) => /^module/.test(name) && files.get(name).includes(words));
  const early = files.get("packages.js");
  assert.ok(early.includes(of("in plain")), early);
  assert.ok(!early.includes(of("exports.four")), early);
});
