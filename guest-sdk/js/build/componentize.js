// Makes a component of a bundle.
import fs from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import { fileURLToPath } from "node:url";

import { BuildError } from "./error.js";
import { makeFolder } from "./folder.js";
import { isOf, originOf, withOrigin } from "./origin.js";
import { watch } from "./patience.js";
import { START, units } from "./units.js";

const require = createRequire(import.meta.url);
const here = path.dirname(fileURLToPath(import.meta.url));
// The world of a component, and the peer's interfaces that it includes.
const OWN = path.join(here, "wit");
const PEERS = path.join(here, "..", "wit");
const WORLD = "contract";

// For each engine: its package, its view of a bundle, and its caller.
export const ENGINES = {
  quickjs: { tool: "componentize-qjs", files: units, make: quickjs },
  starlingmonkey: {
    tool: "@bytecodealliance/componentize-js",
    files: (source) => new Map([[START, source]]),
    make: starlingmonkey,
  },
};

// Returns the bytes of the component, or `previous` if its input was the same. The contract's top level runs now. If it
// throws, the build fails with its error, and with its calls in packages that `placeOf` knows.
export async function componentize(source, engine, previous, placeOf = () => undefined) {
  const { tool, files, make } = ENGINES[engine];
  const texts = files(source);
  const origin = originOf([tool, versionOf(tool), ...texts, ...textsIn(OWN), ...textsIn(PEERS)]);
  if (previous && isOf(previous, origin)) return previous;
  const folder = makeFolder();
  const end = watch(folder);
  try {
    return withOrigin(await make(texts, folder, interfaces(folder), placeOf), origin);
  } finally {
    await end();
    fs.rmSync(folder, { recursive: true, force: true });
  }
}

// Returns the version of an installed package; undefined without it.
function versionOf(name) {
  const folders = require.resolve.paths(name);
  const file = folders.map((folder) => path.join(folder, name, "package.json")).find((file) => fs.existsSync(file));
  return file && JSON.parse(fs.readFileSync(file, "utf8")).version;
}

// Returns all files of a folder, with their names.
function textsIn(folder) {
  return fs.readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const file = path.join(folder, entry.name);
    return entry.isDirectory() ? textsIn(file) : [[entry.name, fs.readFileSync(file, "utf8")]];
  });
}

// Writes a component's interfaces where the engine's tool looks for them, and returns the folder.
function interfaces(folder) {
  const wit = path.join(folder, "wit");
  fs.cpSync(OWN, wit, { recursive: true });
  fs.cpSync(PEERS, path.join(wit, "deps", "chaincode"), { recursive: true });
  return wit;
}

async function quickjs(files, folder, witPath, placeOf) {
  const { componentize } = await import("componentize-qjs");
  try {
    for (const [name, text] of files) fs.writeFileSync(path.join(folder, name), text);
    // Paths in a stack are relative to the file.
    const jsPath = path.join(folder, START);
    const jsSource = files.get(START);
    const options = { witPath, world: WORLD, jsSource, jsPath, moduleRoot: folder };
    const { component } = await componentize({ ...options, sync: true });
    return component;
  } catch (error) {
    throw new BuildError(`the contract does not load: ${told(error.message, placeOf)}`);
  }
}

// Extracts from the engine's message what the contract threw, with the calls in its own files and in packages.
function told(message, placeOf) {
  const begin = /^:? *(Failed to [^:]*: )*/;
  const [first, second, ...calls] = message.replace(begin, "").split("\n");
  const text = first.replace(/^Error: /, "");
  // The stack repeats the text after the error's own name.
  if (second === undefined || !second.endsWith(text)) return [first, ...(second ? [second] : []), ...calls].join("\n");
  const inPackage = (bundled, line, column) => placeOf({ line: Number(line), column: Number(column) }) ?? bundled;
  const placed = calls.map((call) => call.replace(/wasmcc-js:(\d+):(\d+)/, inPackage));
  return [second, ...placed.filter((call) => !/wasmcc-js:|%3Ccomponent%3E/.test(call))].join("\n");
}

async function starlingmonkey(files, _folder, witPath) {
  let componentize;
  try {
    ({ componentize } = await import("@bytecodealliance/componentize-js"));
  } catch {
    throw new BuildError(
      "the engine starlingmonkey needs a package: npm install --save-dev @bytecodealliance/componentize-js",
    );
  }
  const options = { witPath, worldName: WORLD, disableFeatures: ["http", "fetch-event"] };
  const { component } = await componentize(files.get(START), options);
  return component;
}
