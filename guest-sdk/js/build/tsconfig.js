// The contract's projects of TypeScript: tsconfig.json, and those that it refers to.
import fs from "node:fs";
import path from "node:path";
import ts from "typescript";

import { BuildError } from "./error.js";

const [NO_INPUTS, NO_FILE] = [18003, 6053];

// Returns the source of what is compiled to `file`, and the project that compiles it: its compiler `options` and the
// path of its `tsconfig`. Undefined without tsconfig.json in `root`. Without a source, that file's project is taken.
//
// As for `tsc -b` and editors, tsconfig.json may have nothing but references to the projects that have files.
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

// This project, and then those that it refers to, each once.
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

// Where the TypeScript source of a compiled file may be.
function sources(root, file, { outDir, rootDir }) {
  if (/\.[cm]?ts$/.test(file)) return [file];
  const stem = file.replace(/\.[cm]?js$/, "");
  // Without an output folder in tsconfig.json the source is beside the file; or another tool compiles it, and then the
  // first folder of the path is taken for the output's.
  const [first, ...others] = path.relative(root, stem).split(path.sep);
  const guessed = others.length > 0 || stem === file ? path.join(root, first) : stem;
  const inside = path.relative(outDir ?? guessed, stem);
  const isInside = inside !== stem && !inside.startsWith("..");
  const stems = [...(outDir && isInside ? [] : [stem]), ...(isInside ? stemsOf(root, rootDir, inside) : [])];
  return stems.flatMap((stem) => [`${stem}.ts`, `${stem}.mts`, `${stem}.cts`, path.join(stem, "index.ts")]);
}

// Which sources a path in the output folder may stand for.
function stemsOf(root, rootDir, inside) {
  const usual = [...(rootDir ? [rootDir] : []), path.join(root, "src"), root];
  // Without `rootDir` paths begin at the folder that has all sources. That is above the contract if packages of its
  // repository are compiled with it.
  const above = [];
  for (let at = root; at !== path.dirname(at); at = path.dirname(at)) above.push(path.dirname(at));
  const isOwn = (stem) => stem.startsWith(root + path.sep);
  const stems = (folders) => folders.map((folder) => path.join(folder, inside));
  return [...stems(usual), ...stems(above).filter(isOwn)];
}
