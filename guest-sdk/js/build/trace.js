// Maps lines of a bundle to source lines.
import path from "node:path";
import { fileURLToPath } from "node:url";
import { LEAST_UPPER_BOUND, TraceMap, eachMapping, originalPositionFor } from "@jridgewell/trace-mapping";

import { START } from "./advice.js";

// Returns the table for runtime/trace.js: runs of bundle lines that are consecutive lines of a file of the contract,
// each as three numbers. Lines of packages are in runs without a file.
export function traceTable(map, root) {
  const files = [];
  const runs = [];
  let last;
  eachMapping(new TraceMap(map), ({ generatedLine, source, originalLine }) => {
    if (last?.generatedLine === generatedLine) return;
    const name = source === null ? undefined : ownName(source, root);
    const follows =
      last && last.name === name && (name === undefined || originalLine - last.originalLine === generatedLine - last.generatedLine);
    last = { generatedLine, name, originalLine };
    if (follows) return;
    if (name !== undefined && !files.includes(name)) files.push(name);
    runs.push(generatedLine, name === undefined ? -1 : files.indexOf(name), name === undefined ? 0 : originalLine);
  });
  return { files, runs };
}

// This package with the runtime, and Fabric's packages: their lines do not help an author.
export const OURS = fileURLToPath(new URL("..", import.meta.url));
const OF_FABRIC = /[\\/]node_modules[\\/](fabric-shim|fabric-contract-api)[\\/]/;

// The names of modules that plugins make begin with their namespace.
export const OF_PLUGIN = /^[\w-]{2,}:/;

// Returns a function that returns file and line of a bundle position in a package, or undefined. It serves errors at
// the build; components have no such table.
export function placesOfPackages(map, root) {
  const traced = new TraceMap(map);
  return (bundled) => {
    // Some calls in the engine's stacks have no line.
    if (bundled.line < 1) return undefined;
    const { source, line } = originalPositionFor(traced, bundled);
    const isFile = source !== null && source !== START && !OF_PLUGIN.test(source);
    const file = isFile ? path.resolve(root, source) : OURS;
    const isTold = !file.startsWith(OURS) && !OF_FABRIC.test(file);
    return isTold ? `${path.relative(root, file).replaceAll("\\", "/")}:${line}` : undefined;
  };
}

// Returns a function that returns the source of a bundle line, as the map names it, or null.
export function sourcesOfLines(map) {
  const traced = new TraceMap(map);
  return (line) => originalPositionFor(traced, { line, column: 0, bias: LEAST_UPPER_BOUND }).source;
}

// Returns the path of a contract's own file, relative to its folder; undefined for other files.
export function ownName(source, root) {
  if (OF_PLUGIN.test(source)) return undefined;
  const name = path.relative(root, path.resolve(root, source));
  const own = !name.startsWith("..") && !path.isAbsolute(name) && !/(^|[\\/])node_modules[\\/]/.test(name);
  return own && name !== START ? name.replaceAll("\\", "/") : undefined;
}
