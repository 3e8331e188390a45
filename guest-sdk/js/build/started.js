// Reads what a start script runs.
import fs from "node:fs";
import path from "node:path";
import ts from "typescript";

import { isFile } from "./tsconfig.js";

// Options of `node` and `ts-node` whose value may be the next argument.
const WITH_VALUE = new Set(
  (
    "-r --require --import --loader --experimental-loader -C --conditions --env-file --env-file-if-exists --title " +
    "--unhandled-rejections --dns-result-order --icu-data-dir --openssl-config --max-http-header-size " +
    "--diagnostic-dir --disable-warning --redirect-warnings --input-type " +
    "-P --project --cwd -O --compiler-options --compilerOptions --compiler"
  ).split(" "),
);
// Fabric's command as a module or as a file.
const COMMAND = /(^|[\\/])fabric-shim[\\/]cli(\.js)?$/;
const ENDS = ["", ".ts", ".mts", ".js", ".mjs", ".cjs", "/index.ts", "/index.js"];

// Returns the file that a start script runs; undefined if there is none.
export function startedBy(script) {
  const [, args] = /(?:^|\s)(?:node|ts-node)\s+(.*)/s.exec(script) ?? [];
  const words = args?.split(/\s+/) ?? [];
  const isValue = (at) => WITH_VALUE.has(words[at - 1]);
  return words.find((word, at) => word && !word.startsWith("-") && !isValue(at))?.replace(/^(["'])(.*)\1$/, "$2");
}

export const isCommand = (name) => name !== undefined && COMMAND.test(name);

// Returns true if a file of the contract, or one that it loads, loads Fabric's command.
export function loadsCommand(file, seen = new Set()) {
  if (seen.has(file)) return false;
  seen.add(file);
  const { importedFiles } = ts.preProcessFile(fs.readFileSync(file, "utf8"), true, true);
  const names = importedFiles.map(({ fileName }) => fileName);
  if (names.some(isCommand)) return true;
  const near = names.filter((name) => name.startsWith(".")).map((name) => path.resolve(path.dirname(file), name));
  return near.some((name) => {
    // TypeScript names the compiled file.
    const found = [...ENDS.map((end) => name + end), name.replace(/js$/, "ts")].find(isFile);
    return found !== undefined && /\.[cm]?[jt]s$/.test(found) && loadsCommand(found, seen);
  });
}
