// Fabric's stub as the runtime makes it.
import assert from "node:assert/strict";
import { createRequire } from "node:module";
import test from "node:test";
import { fileURLToPath } from "node:url";

import { build } from "esbuild";

import { modules } from "../build/modules.js";

const folder = fileURLToPath(new URL("..", import.meta.url));

// Returns the runtime's `stubOf`, without a peer.
async function stubOf() {
  const nothing = {
    name: "nothing",
    setup({ onResolve, onLoad }) {
      onResolve({ filter: /^(fabric|wasi):/ }, ({ path }) => ({ path, namespace: "nothing" }));
      onLoad({ filter: /./, namespace: "nothing" }, () => ({ contents: "module.exports = {};" }));
    },
  };
  const { outputFiles } = await build({
    entryPoints: ["runtime/stub.js"],
    absWorkingDir: folder,
    bundle: true,
    format: "cjs",
    platform: "neutral",
    mainFields: ["main", "module"],
    conditions: ["node", "require", "default"],
    loader: { ".json": "json" },
    write: false,
    logLevel: "silent",
    plugins: [nothing, modules],
  });
  const module = { exports: {} };
  new Function("module", "exports", "require", outputFiles[0].text)(module, module.exports, createRequire(import.meta.url));
  return module.exports.stubOf;
}

test("arguments become texts when they are asked for", async () => {
  const make = await stubOf();
  let decoded = 0;
  const large = new Uint8Array([0xff]);
  large.toString = () => `text ${(decoded += 1)}`;
  const stub = make(undefined, "mychannel", "tx", [new TextEncoder().encode("f"), large]);
  assert.deepEqual([stub.getBufferArgs().length, stub.getBufferArgs()[1], decoded], [2, large, 0]);
  assert.deepEqual(stub.getFunctionAndParameters(), { fcn: "f", params: ["text 1"] });
  assert.deepEqual([stub.getArgs(), stub.getStringArgs(), decoded], [["f", "text 1"], ["f", "text 1"], 1]);
  assert.deepEqual(stub.getBufferArgs().map((arg) => arg.length), [1, 1]);
});
