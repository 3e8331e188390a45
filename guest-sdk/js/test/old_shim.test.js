// Warnings about functions of Fabric's shim 1.4 that later releases lack.
import assert from "node:assert/strict";
import test from "node:test";

import { bundle } from "../build/bundle.js";
import { readProject } from "../build/project.js";
import { withFiles } from "./support/folder.js";
import { contains } from "./support/refused.js";

const SOURCE = `const { Contract } = require("fabric-contract-api");
class One extends Contract {
  async Get(ctx) {
    const name = ctx.clientIdentity.getX509Certificate().subject.commonName;
    const creator = await ctx.stub.getCreator();
    const bytes = creator.getIdBytes().toBuffer();
    const secret = ctx.stub.getTransient().get("secret").toBuffer();
    const at = ctx.stub.getTxTimestamp();
    const row = await (await ctx.stub.getHistoryForKey("a")).next();
    const { metadata } = await ctx.stub.getQueryResultWithPagination("{}", 5);
    const value = JSON.parse(bytes);
    const own = [value.tx_id, new Date(0).getSeconds(), bytes.toBuffer(), row.tx_id, creator.mspid];
    return [name, secret, at.getSeconds().low, row.value.tx_id, row.value.is_delete, metadata.fetched_records_count, own];
  }
}
module.exports.contracts = [One];
`;
const built = (dependencies) => {
  const manifest = { name: "one", version: "1.0.0", main: "index.js", dependencies };
  const files = { "package.json": JSON.stringify(manifest), "index.js": SOURCE };
  return withFiles(files, (folder) => bundle(readProject(folder)));
};

test("lost functions and fields are found in a contract for 1.4, with what replaces them", async () => {
  const { warnings } = await built({ "fabric-contract-api": "^1.4.5", "fabric-shim": "^1.4.5" });
  const places = {
    getX509Certificate: "4:36",
    getIdBytes: "6:26",
    toBuffer: "7:57",
    getSeconds: "13:29",
    tx_id: "13:57",
    is_delete: "13:74",
    fetched_records_count: "13:94",
  };
  for (const [name, place] of Object.entries(places)) {
    contains(warnings, `${name} is of fabric-shim 1.4 and does not exist in a component: use `, `index.js:${place}`);
  }
  assert.equal(warnings.split("is of fabric-shim 1.4").length - 1, Object.keys(places).length);
  contains(warnings, "new X509Certificate(ctx.clientIdentity.getIDBytes())", "some functions are gone");
});

test("a contract for another release is not searched", async () => {
  const { warnings } = await built({ "fabric-contract-api": "^2.5.0", "fabric-shim": "~2.5.1" });
  assert.ok(!warnings.includes("fabric-shim 1.4"), warnings);
});
