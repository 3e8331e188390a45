// What a folder says about the contract in it.
import fs from "node:fs";
import path from "node:path";
import ts from "typescript";

import { BuildError } from "./error.js";

// Reads package.json, tsconfig.json and the metadata of the contract in `folder`. `main` overrides the
// module that package.json names.
export function readProject(folder, main) {
  const root = path.resolve(folder);
  const manifest = readManifest(root);
  const typescript = readTsconfig(root);
  return {
    root,
    title: manifest.name,
    version: manifest.version,
    dependencies: dependenciesOf(manifest),
    entry: entryOf(root, main, manifest, typescript),
    metadata: readMetadata(root),
    type: manifest.type,
    typescript,
  };
}

function readManifest(root) {
  const file = path.join(root, "package.json");
  const manifest = readJson(file, "make it with `npm init`");
  if (typeof manifest !== "object" || manifest === null || Array.isArray(manifest)) {
    throw new BuildError(`${file} is no JSON object`);
  }
  for (const name of ["name", "version", "main"]) {
    if (!["string", "undefined"].includes(typeof manifest[name])) {
      throw new BuildError(`${file}: \`${name}\` is no string`);
    }
  }
  return manifest;
}

// The versions of all packages that package.json names.
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
    // Editors of Windows begin files with a byte order mark.
    return JSON.parse(text.replace(/^\uFEFF/, ""));
  } catch (error) {
    throw new BuildError(`${file} is no JSON: ${error.message}`);
  }
}

function readTsconfig(root) {
  const file = path.join(root, "tsconfig.json");
  if (!fs.existsSync(file)) return undefined;
  const read = ts.readConfigFile(file, ts.sys.readFile);
  const parsed = read.error ? undefined : ts.parseJsonConfigFileContent(read.config, ts.sys, root);
  const error = read.error ?? parsed.errors.find(({ code }) => code !== NO_INPUTS);
  if (!error) return parsed.options;
  const hint = error.code === NO_FILE ? " It may be a package that `npm install` brings, without `--omit=dev`." : "";
  throw new BuildError(`${file}: ${ts.flattenDiagnosticMessageText(error.messageText, "\n")}${hint}`);
}
const [NO_INPUTS, NO_FILE] = [18003, 6053];

// The file that Fabric would start: package.json's `main`, or the file that its start script names.
function entryOf(root, main, manifest, options) {
  const script = manifest.scripts?.start ?? "";
  const started = /(?:^|\s)(?:node|ts-node)\s+(?:-\S+\s+)*([^\s-]\S*)/.exec(script)?.[1];
  const isShim = started && !script.includes("fabric-chaincode-node");
  const name = main ?? (isShim ? started : manifest.main);
  if (!name) {
    throw new BuildError(
      `${path.join(root, "package.json")} has neither \`main\` nor a start script that names a file`,
    );
  }
  const file = path.resolve(root, name);
  const candidates = [...sourcesOf(root, file, options), file, `${file}.js`, path.join(file, "index.js")];
  const found = candidates.find((path) => fs.statSync(path, { throwIfNoEntry: false })?.isFile());
  if (!found) {
    const named = main ? "" : ", which package.json names,";
    throw new BuildError(`${name}${named} does not exist in ${root}`);
  }
  return found;
}

// Where the TypeScript source of a compiled file may be.
function sourcesOf(root, file, options) {
  if (!options) return [];
  const stem = file.replace(/\.[cm]?js$/, "");
  // Without an output folder in tsconfig.json, the first folder of the path is taken for it.
  const outDir = options.outDir ?? path.join(root, path.relative(root, stem).split(path.sep)[0]);
  const inside = path.relative(outDir, stem);
  const folders = [options.rootDir, path.join(root, "src"), root].filter(Boolean);
  const stems = inside.startsWith("..") ? [stem] : folders.map((folder) => path.join(folder, inside));
  return stems.flatMap((stem) => [`${stem}.ts`, `${stem}.mts`, `${stem}.cts`, path.join(stem, "index.ts")]);
}

function readMetadata(root) {
  for (const folder of ["META-INF", "contract-metadata"]) {
    const file = path.join(root, folder, "metadata.json");
    if (fs.existsSync(file)) return readJson(file);
  }
  return {};
}
