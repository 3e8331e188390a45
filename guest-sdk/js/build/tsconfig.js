// Reads the contract's TypeScript projects: tsconfig.json, and the projects that it references.
import fs from "node:fs";
import path from "node:path";
import ts from "typescript";

import { BuildError } from "./error.js";

const [NO_INPUTS, NO_FILE] = [18003, 6053];

// Returns the source that is compiled to `file`, and its project: the compiler `options` and the path `tsconfig`.
// Returns undefined without a tsconfig.json in `root`. Without a source, the project of that tsconfig.json is used.
//
// As for `tsc -b` and editors, tsconfig.json may only reference the projects that contain files.
export function sourceOf(root, file) {
  const tsconfig = path.join(root, "tsconfig.json");
  if (!fs.existsSync(tsconfig)) return undefined;
  const found = [];
  for (const project of projects(tsconfig)) {
    const source = sources(root, file, project.options).find(isFile);
    if (source && project.files.has(source)) return { ...project, source };
    found.push({ ...project, source });
  }
  return found[0];
}

export const isFile = (path) => fs.statSync(path, { throwIfNoEntry: false })?.isFile() ?? false;

// Returns this project and the projects that it references, each once.
function* projects(tsconfig, seen = new Set()) {
  if (seen.has(tsconfig)) return;
  seen.add(tsconfig);
  const { options, fileNames, projectReferences = [] } = parse(tsconfig);
  yield { tsconfig, options, files: new Set(fileNames.map(path.normalize)) };
  for (const reference of projectReferences) {
    yield* projects(path.normalize(ts.resolveProjectReferencePath(reference)), seen);
  }
}

function parse(tsconfig) {
  const read = ts.readConfigFile(tsconfig, ts.sys.readFile);
  const folder = path.dirname(tsconfig);
  const parse = () => ts.parseJsonConfigFileContent(read.config, ts.sys, folder, undefined, tsconfig);
  const parsed = read.error ? undefined : parse();
  const error = read.error ?? parsed.errors.find(({ code }) => code !== NO_INPUTS);
  if (!error) return parsed;
  const hint = error.code === NO_FILE ? " It may be a package that `npm install` brings, without `--omit=dev`." : "";
  throw new BuildError(`${tsconfig}: ${ts.flattenDiagnosticMessageText(error.messageText, "\n")}${hint}`);
}

// Returns the possible TypeScript sources of a compiled file.
function sources(root, file, { outDir, rootDir }) {
  if (/\.[cm]?ts$/.test(file)) return [file];
  const stem = file.replace(/\.[cm]?js$/, "");
  // Without an output folder in tsconfig.json, the source is beside the file. If another tool compiles it, the first
  // folder of the path is assumed to be the output folder.
  const [first, ...others] = path.relative(root, stem).split(path.sep);
  const guessed = others.length > 0 || stem === file ? path.join(root, first) : stem;
  const inside = path.relative(outDir ?? guessed, stem);
  const isInside = inside !== stem && !inside.startsWith("..");
  const stems = [...(outDir && isInside ? [] : [stem]), ...(isInside ? stemsOf(root, rootDir, inside) : [])];
  return stems.flatMap((stem) => [`${stem}.ts`, `${stem}.mts`, `${stem}.cts`, path.join(stem, "index.ts")]);
}

// Returns the possible sources of a path in the output folder.
function stemsOf(root, rootDir, inside) {
  const usual = [...(rootDir ? [rootDir] : []), path.join(root, "src"), root];
  // Without `rootDir`, paths are relative to the folder with all sources. It is above the contract if packages of its
  // repository are compiled with it.
  const above = [];
  for (let at = root; at !== path.dirname(at); at = path.dirname(at)) above.push(path.dirname(at));
  const isOwn = (stem) => stem.startsWith(root + path.sep);
  const stems = (folders) => folders.map((folder) => path.join(folder, inside));
  return [...stems(usual), ...stems(above).filter(isOwn)];
}
