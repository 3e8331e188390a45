// Builds without a change.
import assert from "node:assert/strict";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import test from "node:test";

import { main } from "../build/cli.js";
import { isOf, originOf, withOrigin } from "../build/origin.js";
import { CONTRACT, MANIFEST } from "./support/refused.js";

test("a component is known by what it was made of, if it is whole", () => {
  const origin = originOf(["quickjs", "1.0"]);
  const component = withOrigin(Buffer.from("\0asm and so on"), origin);
  assert.ok(isOf(component, origin));
  assert.ok(!isOf(component, originOf(["quickjs", "1.1"])));
  assert.notDeepEqual(originOf(["ab", "c"]), originOf(["a", "bc"]));
  for (let at = 0; at < component.length; at++) {
    const damaged = Buffer.from(component);
    damaged[at] ^= 1;
    assert.ok(!isOf(damaged, origin), `${at}`);
    assert.ok(!isOf(component.subarray(0, at), origin), `${at}`);
  }
});

test("a build without a change leaves the component as it is", async () => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "wasmcc-js-test-"));
  const file = path.join(folder, "one.wasm");
  const write = (name, text) => fs.writeFileSync(path.join(folder, name), text);
  const built = async () => {
    assert.equal(await main(["build", folder, "--output", file]), 0);
    return fs.readFileSync(file);
  };
  try {
    write("package.json", MANIFEST);
    write("index.js", CONTRACT);
    const first = await built();
    const { ino, mtimeMs } = fs.statSync(file);
    assert.deepEqual(await built(), first);
    const { ino: sameFile, mtimeMs: sameTime } = fs.statSync(file);
    assert.deepEqual([sameFile, sameTime], [ino, mtimeMs]);
    write("index.js", `${CONTRACT}// a comment, which moves no line\n`);
    assert.deepEqual(await built(), first);
    write("index.js", CONTRACT.replace("return id", "return [id]"));
    assert.notDeepEqual(await built(), first);
    write("one.wasm", first.subarray(0, first.length / 2));
    assert.ok((await built()).length > first.length / 2);
  } finally {
    fs.rmSync(folder, { recursive: true });
  }
});
