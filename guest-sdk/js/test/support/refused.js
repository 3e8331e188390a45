// Builds that fail.
import assert from "node:assert/strict";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";

import { BuildError, build } from "../../build/index.js";

export const MANIFEST = '{"name":"one","version":"1.0.0","main":"index.js"}';
export const CONTRACT = `
const { Contract } = require("fabric-contract-api");
class One extends Contract { async Get(ctx, id) { return id; } }
module.exports.contracts = [One];
`;

// The message of a build of these files, which fails.
export async function refused(files, options) {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "wasmcc-js-test-"));
  try {
    for (const [name, text] of Object.entries({ "package.json": MANIFEST, ...files })) {
      fs.mkdirSync(path.dirname(path.join(folder, name)), { recursive: true });
      fs.writeFileSync(path.join(folder, name), text);
    }
    await build(folder, options);
  } catch (error) {
    assert.ok(error instanceof BuildError, error.stack);
    return error.message;
  } finally {
    fs.rmSync(folder, { recursive: true });
  }
  return assert.fail("it builds");
}

export const contains = (text, ...parts) => {
  for (const part of parts) assert.ok(text.includes(part), `${part} is not in ${text}`);
};
