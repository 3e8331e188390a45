import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import test from "node:test";

import { makeFolder } from "../build/folder.js";

test("the folders of builds that were ended are removed, after a while", (context) => {
  const temporary = fs.mkdtempSync(path.join(os.tmpdir(), "wasmcc-js-test-"));
  context.after(() => fs.rmSync(temporary, { recursive: true, force: true }));
  const { pid: gone } = spawnSync(process.execPath, ["--version"]);
  const names = [`wasmcc-js-${gone}-abcdef`, `wasmcc-js-${process.pid}-abcdef`, "wasmcc-js-test-abcdef", "other"];
  for (const name of names) fs.mkdirSync(path.join(temporary, name));
  const left = () => names.filter((name) => fs.existsSync(path.join(temporary, name)));
  const own = makeFolder(temporary);
  assert.deepEqual(left(), names);
  makeFolder(temporary, Date.now() + 2 * 60 * 60 * 1000);
  assert.deepEqual(left(), names.slice(1));
  assert.ok(fs.existsSync(own));
});
