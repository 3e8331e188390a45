// Where the lines of a bundle come from.
import path from "node:path";
import { TraceMap, eachMapping } from "@jridgewell/trace-mapping";

// The table that runtime/trace.js reads: runs of lines of the bundle that are lines of one file of the
// contract, each as three numbers. Lines of packages are in runs without a file.
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

// The path of a contract's own file in its folder; undefined for all others.
export function ownName(source, root) {
  const name = path.relative(root, path.resolve(root, source));
  const own = !name.startsWith("..") && !path.isAbsolute(name) && !/(^|[\\/])node_modules[\\/]/.test(name);
  return own && name !== "<component>" ? name.replaceAll("\\", "/") : undefined;
}
