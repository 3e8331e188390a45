// Makes a component of a bundle.
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";

import { BuildError } from "./error.js";
import { watch } from "./patience.js";
import { START, units } from "./units.js";

const WIT = path.join(path.dirname(fileURLToPath(import.meta.url)), "..", "wit");
const WORLD = "chaincode";

export const ENGINES = { quickjs, starlingmonkey };

// Returns the bytes of the component. The contract's top level runs now; a contract that throws there
// fails the build with its text.
export async function componentize(source, engine) {
  const end = watch();
  try {
    return await ENGINES[engine](source);
  } finally {
    await end();
  }
}

async function quickjs(source) {
  const { componentize } = await import("componentize-qjs");
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "wasmcc-js-"));
  try {
    const files = units(source);
    for (const [name, text] of files) fs.writeFileSync(path.join(folder, name), text);
    // Paths in a stack begin where the file is.
    const jsPath = path.join(folder, START);
    const jsSource = files.get(START);
    const options = { witPath: WIT, world: WORLD, jsSource, jsPath, moduleRoot: folder };
    const { component } = await componentize({ ...options, sync: true });
    return component;
  } catch (error) {
    throw new BuildError(`the contract does not load: ${told(error.message)}`);
  } finally {
    fs.rmSync(folder, { recursive: true, force: true });
  }
}

// What the contract has thrown, with the calls in its own files, out of the engine's message.
function told(message) {
  const begin = /^:? *(Failed to [^:]*: )*/;
  const [first, second, ...calls] = message.replace(begin, "").split("\n");
  const text = first.replace(/^Error: /, "");
  // The stack repeats the text behind the error's own name.
  if (second === undefined || !second.endsWith(text)) return [first, ...(second ? [second] : []), ...calls].join("\n");
  return [second, ...calls.filter((call) => !/wasmcc-js:|%3Ccomponent%3E/.test(call))].join("\n");
}

async function starlingmonkey(source) {
  let componentize;
  try {
    ({ componentize } = await import("@bytecodealliance/componentize-js"));
  } catch {
    throw new BuildError(
      "the engine starlingmonkey needs a package: npm install --save-dev @bytecodealliance/componentize-js",
    );
  }
  const options = { witPath: WIT, worldName: WORLD, disableFeatures: ["http", "fetch-event"] };
  const { component } = await componentize(source, options);
  return component;
}
