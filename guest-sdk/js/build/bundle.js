// One module of the contract, what it imports, and the runtime.
import path from "node:path";
import * as esbuild from "esbuild";

import { START, withAdvice } from "./advice.js";
import { missingOfCrypto } from "./crypto_members.js";
import { BuildError } from "./error.js";
import { keptState } from "./kept_state.js";
import { withOwnRounds } from "./loops.js";
import { isOfPackage } from "./missing.js";
import { modules, runtime } from "./modules.js";
import { withOwnParameters } from "./parameters.js";
import { patterns } from "./patterns.js";
import { sourcesOf } from "./sources.js";
import { placesOfPackages, traceTable } from "./trace.js";
import { typescript } from "./typescript.js";
import { caughtByPackages, unavailable } from "./unavailable.js";
import { otherVersions } from "./versions.js";

const OUTPUT = "contract.js";
const MAIN = "globalThis.__wasmccMain";
const PACKAGES = /[\\/]node_modules[\\/]/;
// What esbuild says only if it is asked to: which module a call loads is known only when it runs.
const UNKNOWN = ["unsupported-require-call", "unsupported-dynamic-import"];

// Returns the text of the bundle; esbuild's account of the modules in it; the warnings, as lines for a person;
// esbuild's messages about modules that packages ask for and do not get; a function that tells the lines of packages;
// and the sources, as paths.
export async function bundle(project) {
  const { plugin, inSource } = typescript(project);
  let built;
  try {
    built = await esbuild.build({ ...options(project), plugins: [modules, patterns, plugin] });
  } catch (error) {
    if (!error.errors) throw error;
    const errors = withAdvice(inSource(error.errors, project.root), project);
    throw new BuildError(await readable(errors, "error"));
  }
  const own = filesOf(project, built.metafile).filter((file) => isOwn(project.root, file));
  const refused = unavailable(own);
  if (refused.length > 0) throw new BuildError(await readable(relative(project, refused), "error"));
  const file = (end) => built.outputFiles.find(({ path }) => path.endsWith(end)).text;
  const map = JSON.parse(file(".map"));
  const whole = withOwnParameters(file(OUTPUT), map, project.root);
  const text = withOwnRounds(withMain(withOwnFailure(withOwnSearch(withOwnAsync(whole))), project));
  const table = traceTable(map, project.root);
  const ofPackages = filesOf(project, built.metafile.outputs[OUTPUT]).filter((file) => PACKAGES.test(file));
  const ofFiles = relative(project, [...missingOfCrypto(own), ...keptState(own), ...caughtByPackages(ofPackages)]);
  const warnings = [...otherVersions(project), ...inSource(toldOf(project, built.warnings), project.root), ...ofFiles];
  return {
    text: `${text}__wasmccStart(${JSON.stringify(table)});\n`,
    warnings: await readable(warnings, "warning"),
    missing: built.warnings.filter(isOfPackage),
    inputs: built.metafile.outputs[OUTPUT].inputs,
    placeOf: placesOfPackages(map, project.root),
    sources: sourcesOf(project, built.metafile.inputs),
  };
}

// The bundle with the runtime's way to call asynchronous functions in the place of esbuild's, which makes
// several promises and closures each time it waits. Lines stay where they are.
function withOwnAsync(text) {
  const helper = /^var __async = \(__this, __arguments, generator\) => \{\n[\s\S]*?^\};$/m;
  // After what a generator waits for in `finally`, while it returns, it goes on: to return once more would
  // leave the rest of `finally` out. Another one that it delegates to returns by itself.
  const returning = /(resume\()k === "return" \? k : "next"/;
  return text
    .replace(helper, (found) => {
      const lines = "\n".repeat(found.split("\n").length - 1);
      return `var __async = (self, args, generator) => __wasmccAsync(self, args, generator);${lines}`;
    })
    .replace(returning, '$1k === "return" && v[1] ? k : "next"');
}

// The bundle with names that are put together when it runs, as in `require("./lib/" + name)`, found as on Node.js: the
// ends of files may be left out. A file of TypeScript is found by what tsc makes of it.
function withOwnSearch(text) {
  const helper = /^(var __glob = \(map\) => \(path\) => \{\n  var fn = )map\[path\]/m;
  const ends = JSON.stringify(["", ".js", ".json", ".ts", ".cjs", "/index.js", "/index.ts"]);
  const search = `${ends}.map((end) => map[path + end]).find(Boolean) ?? map[path.replace(/js$/, "ts")]`;
  return text.replace(helper, (_found, begin) => begin + search);
}

// The bundle with what a module in `try` that is not installed throws on Node.js: packages ask for its code.
function withOwnFailure(text) {
  const failure = /throw Error\('Dynamic require of "' \+ x \+ '" is not supported'\);/;
  const error = `Object.assign(new Error("Cannot find module '" + x + "'"), { code: "MODULE_NOT_FOUND" })`;
  return text.replace(failure, `throw ${error};`);
}

// The bundle with the module that is started as `require.main`, for a file that tests load, too.
function withMain(text, { root, entry }) {
  const name = path.relative(root, entry).replaceAll(path.sep, "/");
  const begin = `\n  ${JSON.stringify(name)}(exports, module) {`;
  return text.replace(begin, (found) => `${found} ${MAIN} = module;`);
}

function options(project) {
  return {
    stdin: { contents: entry(project), resolveDir: project.root, sourcefile: START },
    absWorkingDir: project.root,
    // Its `paths` count for other packages' sources, too, as for tsc.
    tsconfig: project.tsconfig,
    bundle: true,
    write: false,
    outfile: path.join(project.root, OUTPUT),
    format: "esm",
    platform: "neutral",
    // As Node.js, which does not know `module`.
    mainFields: ["main", "module"],
    conditions: ["node", "require", "default"],
    loader: { ".json": "json" },
    target: "esnext",
    // Promises are the runtime's, so asynchronous functions must not use the engine's.
    supported: { "async-await": false, "async-generator": false, "for-await": false },
    // Names of classes and functions are names of contracts and transactions.
    keepNames: true,
    legalComments: "none",
    // Node.js leaves no module out, whatever a package.json says of side effects.
    ignoreAnnotations: true,
    sourcemap: "external",
    sourcesContent: false,
    metafile: true,
    logLevel: "silent",
    logOverride: Object.fromEntries(UNKNOWN.map((id) => [id, "warning"])),
    define: {
      "import.meta.url": '"file:///contract.js"',
      __filename: '"/contract.js"',
      __dirname: '"/"',
      // Packages tell instances by it when they are loaded, joi among them. There are none.
      "URL.prototype": "{}",
      "require.main": MAIN,
    },
  };
}

// The module that is bundled: `start`, which the bundle's last line calls, loads the contract when it is
// known where the bundle's lines come from.
function entry({ entry, title, version, metadata }) {
  const from = (file) => JSON.stringify(file);
  return `
import ${from(runtime("promise.js"))};
import ${from(runtime("globals.js"))};
import { start } from ${from(runtime("contract.js"))};
export const contract = {};
globalThis.__wasmccStart = (trace) => {
  const info = ${JSON.stringify({ title, version })};
  Object.assign(contract, start(() => require(${from(entry)}), info, ${JSON.stringify(metadata)}, trace));
};
`;
}

// The files with code among `inputs` of esbuild.
function filesOf({ root }, { inputs }) {
  const files = Object.keys(inputs).map((input) => path.resolve(root, input));
  return files.filter((file) => /\.[cm]?[jt]sx?$/.test(file));
}

// Whether a file belongs to the contract, and not to a package.
function isOwn(root, file) {
  const isInside = file.startsWith(root + path.sep) && !file.startsWith(runtime(""));
  return isInside && !file.slice(root.length).includes(`${path.sep}node_modules${path.sep}`);
}

// esbuild's warnings, in words of this build. Packages have their reasons for calls of unknown modules.
function toldOf({ root }, warnings) {
  const isTold = (warning) => {
    if (isOfPackage(warning)) return false;
    return !UNKNOWN.includes(warning.id) || isOwn(root, path.resolve(root, warning.location.file));
  };
  const text = "A module whose name is known only when this runs is not in the component: the call fails.";
  return warnings.filter(isTold).map((warning) => (UNKNOWN.includes(warning.id) ? { ...warning, text, notes: [] } : warning));
}

function relative({ root }, messages) {
  for (const { location } of messages) location.file = path.relative(root, location.file);
  return messages;
}

export async function readable(messages, kind) {
  const lines = await esbuild.formatMessages(messages, { kind, color: false });
  return lines.join("").trim();
}
