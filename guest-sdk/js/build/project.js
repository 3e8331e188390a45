// Reads a contract's folder.
import fs from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";

import { BuildError } from "./error.js";
import { isFile, sourceOf } from "./tsconfig.js";

const require = createRequire(import.meta.url);

// Reads package.json, tsconfig.json and the metadata of the contract in `folder`. `main` overrides the module in
// package.json.
export function readProject(folder, main) {
  const root = path.resolve(folder);
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
  // `node .` means `main`, too.
  const isShim = started && !script.includes("fabric-chaincode-node") && path.resolve(root, started) !== root;
  const name = main ?? (isShim ? started : manifest.main);
  if (!name) {
    throw new BuildError(
      `${path.join(root, "package.json")} has neither \`main\` nor a start script that names a file`,
    );
  }
  const file = path.resolve(root, name);
  const project = sourceOf(root, file);
  const candidates = [project?.source, file, `${file}.js`, path.join(file, "index.js")];
  const entry = candidates.find((path) => path && isFile(path));
  if (!entry) {
    const named = main ? "" : ", which package.json names,";
    throw new BuildError(`${name}${named} does not exist in ${root}`);
  }
  // With Fabric's command, the started module is the command; it loads the contract.
  const isStarted = main !== undefined || !script.includes("fabric-chaincode-node");
  return { ...project, entry, isStarted };
}

// Options of `node` and `ts-node` whose value may be the next argument.
const WITH_VALUE = new Set(
  (
    "-r --require --import --loader --experimental-loader -C --conditions --env-file --env-file-if-exists --title " +
    "--unhandled-rejections --dns-result-order --icu-data-dir --openssl-config --max-http-header-size " +
    "--diagnostic-dir --disable-warning --redirect-warnings --input-type " +
    "-P --project --cwd -O --compiler-options --compilerOptions --compiler"
  ).split(" "),
);

// Returns the file that a start script runs; undefined if there is none.
function startedBy(script) {
  const [, args] = /(?:^|\s)(?:node|ts-node)\s+(.*)/s.exec(script) ?? [];
  const words = args?.split(/\s+/) ?? [];
  const isValue = (at) => WITH_VALUE.has(words[at - 1]);
  return words.find((word, at) => word && !word.startsWith("-") && !isValue(at))?.replace(/^(["'])(.*)\1$/, "$2");
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
