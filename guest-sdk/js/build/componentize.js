// Makes a component of a bundle.
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";

import { BuildError } from "./error.js";
import { watch } from "./patience.js";
import { START, units } from "./units.js";

const here = path.dirname(fileURLToPath(import.meta.url));
// The world of a component, and the interfaces of the peer that it includes.
const OWN = path.join(here, "wit");
const PEERS = path.join(here, "..", "wit");
const WORLD = "contract";

export const ENGINES = { quickjs, starlingmonkey };

// Returns the bytes of the component. The contract's top level runs now; a contract that throws there
// fails the build with its text.
export async function componentize(source, engine) {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "wasmcc-js-"));
  const end = watch(folder);
  try {
    return await ENGINES[engine](source, folder, interfaces(folder));
  } finally {
    await end();
    fs.rmSync(folder, { recursive: true, force: true });
  }
}

// Writes the interfaces of a component where the engine's tool looks for them, and returns the folder.
function interfaces(folder) {
  const wit = path.join(folder, "wit");
  fs.cpSync(OWN, wit, { recursive: true });
  fs.cpSync(PEERS, path.join(wit, "deps", "chaincode"), { recursive: true });
  return wit;
}

async function quickjs(source, folder, witPath) {
  const { componentize } = await import("componentize-qjs");
  try {
    const files = units(source);
    for (const [name, text] of files) fs.writeFileSync(path.join(folder, name), text);
    // Paths in a stack begin where the file is.
    const jsPath = path.join(folder, START);
    const jsSource = files.get(START);
    const options = { witPath, world: WORLD, jsSource, jsPath, moduleRoot: folder };
    const { component } = await componentize({ ...options, sync: true });
    return component;
  } catch (error) {
    throw new BuildError(`the contract does not load: ${told(error.message)}`);
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

async function starlingmonkey(source, _folder, witPath) {
  let componentize;
  try {
    ({ componentize } = await import("@bytecodealliance/componentize-js"));
  } catch {
    throw new BuildError(
      "the engine starlingmonkey needs a package: npm install --save-dev @bytecodealliance/componentize-js",
    );
  }
  const options = { witPath, worldName: WORLD, disableFeatures: ["http", "fetch-event"] };
  const { component } = await componentize(source, options);
  return component;
}
