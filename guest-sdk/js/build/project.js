// Reads a contract's folder.
import fs from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";

import { BuildError } from "./error.js";
import { isCommand, loadsCommand, startedBy } from "./started.js";
import { isFile, sourceOf } from "./tsconfig.js";

const require = createRequire(import.meta.url);

// Reads package.json, tsconfig.json and the metadata of the contract in `folder`. `main` overrides the module in
// package.json.
export function readProject(folder, main) {
  // esbuild has the real paths of files.
  const root = fs.existsSync(folder) ? fs.realpathSync(folder) : path.resolve(folder);
  const manifest = readManifest(root);
  const { entry, options, tsconfig, isStarted } = entryOf(root, main, manifest);
  return {
    root,
    title: manifest.name,
    version: manifest.version,
    dependencies: dependenciesOf(manifest),
    entry,
    isStarted,
    metadata: readMetadata(root),
    typescript: options,
    tsconfig,
  };
}

function readManifest(root) {
  const file = path.join(root, "package.json");
  const manifest = readJson(file, "make it with `npm init`");
  if (typeof manifest !== "object" || manifest === null || Array.isArray(manifest)) {
    throw new BuildError(`${file} is not a JSON object`);
  }
  for (const name of ["name", "version", "main"]) {
    if (!["string", "undefined"].includes(typeof manifest[name])) {
      throw new BuildError(`${file}: \`${name}\` is not a string`);
    }
  }
  return manifest;
}

// Returns the versions of all packages in package.json.
function dependenciesOf(manifest) {
  const kinds = ["peerDependencies", "optionalDependencies", "devDependencies", "dependencies"];
  return Object.assign({}, ...kinds.map((kind) => manifest[kind]).filter((named) => typeof named === "object"));
}

function readJson(file, hint) {
  let text;
  try {
    text = fs.readFileSync(file, "utf8");
  } catch (error) {
    throw new BuildError(`${file} cannot be read (${error.code})${hint ? `: ${hint}` : ""}`);
  }
  try {
    // Some editors on Windows write a byte order mark.
    return JSON.parse(text.replace(/^\uFEFF/, ""));
  } catch (error) {
    throw new BuildError(`${file} is not JSON: ${error.message}`);
  }
}

// Returns the file that Fabric would start (`main` of package.json, or the file in its start script) and its TypeScript
// project, if there is one.
function entryOf(root, main, manifest) {
  const script = manifest.scripts?.start ?? "";
  const started = startedBy(script);
  // With Fabric's command, the started module is the command; it loads the contract.
  const isFabrics = script.includes("fabric-chaincode-node") || isCommand(started);
  // `node .` means `main`, too.
  const isShim = started && !isFabrics && path.resolve(root, started) !== root;
  const name = main ?? (isShim ? started : manifest.main);
  if (!name) {
    throw new BuildError(
      `${path.join(root, "package.json")} has neither \`main\` nor a start script that names a file`,
    );
  }
  const found = fileOf(root, name, main ? "" : ", which package.json names,");
  if (name !== main && isShim && manifest.main && loadsCommand(found.entry)) {
    return { ...fileOf(root, manifest.main, ", which package.json names,"), isStarted: false };
  }
  return { ...found, isStarted: main !== undefined || !isFabrics };
}

// Returns a module of the contract, as its source, with its TypeScript project. `origin` says where its name is from.
function fileOf(root, name, origin) {
  const file = path.resolve(root, name);
  const project = sourceOf(root, file);
  const candidates = [project?.source, file, `${file}.js`, path.join(file, "index.js")];
  const entry = candidates.find((path) => path && isFile(path));
  if (!entry) throw new BuildError(`${name}${origin} does not exist in ${root}`);
  return { ...project, entry };
}

function readMetadata(root) {
  for (const folder of ["META-INF", "contract-metadata"]) {
    const file = path.join(root, folder, "metadata.json");
    if (fs.existsSync(file)) return valid(readJson(file), file);
  }
  return {};
}

// Returns the metadata of `file` if they are valid, by the same check as in Fabric's own runtime.
function valid(metadata, file) {
  const ofShim = createRequire(require.resolve("fabric-shim/package.json"));
  const Ajv = ofShim("ajv");
  const ajv = new Ajv({ schemaId: "id", logger: false });
  ajv.addMetaSchema(ofShim("ajv/lib/refs/json-schema-draft-04.json"));
  if (ajv.validate(require("fabric-contract-api/schema/contract-schema.json"), metadata)) return metadata;
  const errors = ajv.errors.map(({ dataPath, message }) => `${dataPath || "the file"} ${message}`).join("; ");
  throw new BuildError(`${file}: contract metadata does not match the schema: ${errors}`);
}
