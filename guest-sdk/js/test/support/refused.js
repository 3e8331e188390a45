// Helpers for builds that fail.
import assert from "node:assert/strict";

import { BuildError, build } from "../../build/index.js";
import { withFiles } from "./folder.js";

export const MANIFEST = '{"name":"one","version":"1.0.0","main":"index.js"}';
export const CONTRACT = `
const { Contract } = require("fabric-contract-api");
class One extends Contract { async Get(ctx, id) { return id; } }
module.exports.contracts = [One];
`;

// Returns the message of a failing build of these files.
export async function refused(files, options) {
  return withFiles({ "package.json": MANIFEST, ...files }, async (folder) => {
    try {
      await build(folder, options);
    } catch (error) {
      assert.ok(error instanceof BuildError, error.stack);
      return error.message;
    }
    return assert.fail("it builds");
  });
}

export const contains = (text, ...parts) => {
  for (const part of parts) assert.ok(text.includes(part), `${part} is not in ${text}`);
};
