// node build.js SOURCE WIT OUTPUT: makes a component of a JavaScript module.

import { readFile, writeFile } from "node:fs/promises";
import { componentize } from "@bytecodealliance/componentize-js";

const [source, witPath, output] = process.argv.slice(2);
const { component } = await componentize(await readFile(source, "utf8"), {
  witPath,
  worldName: "chaincode",
  // A chaincode has no network. Clock, random numbers and standard error come from the transaction.
  disableFeatures: ["http", "fetch-event"],
});
await writeFile(output, component);
