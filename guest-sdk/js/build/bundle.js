// Bundles a contract, its imports and the runtime into one module.
import path from "node:path";
import * as esbuild from "esbuild";

import { withAbsent } from "./absent.js";
import { START, withAdvice } from "./advice.js";
import { dotenv } from "./environment.js";
import { BuildError } from "./error.js";
import { readsUrls } from "./global_urls.js";
import { withOwnRounds } from "./loops.js";
import { isOfPackage } from "./missing.js";
import { isKnown, modules, runtime } from "./modules.js";
import { differences } from "./own_files.js";
import { withOwnParameters } from "./parameters.js";
import { patterns } from "./patterns.js";
import { sourcesOf } from "./sources.js";
import { OF_PLUGIN, placesOfPackages, sourcesOfLines, traceTable } from "./trace.js";
import { typescript } from "./typescript.js";
import { caughtByPackages, unavailable } from "./unavailable.js";
import { aroundUrls, usesUrls } from "./urls.js";
import { otherVersions } from "./versions.js";

const OUTPUT = "contract.js";
// The file that modules are in, to their own knowledge.
const FILE = "/contract.js";
const MAIN = "globalThis.__wasmccMain";
// The members of runtime/url.js that replace globals.
const URLS = ["URL", "URLSearchParams"].flatMap((name) =>
  ["", "globalThis.", "global."].map((of) => [of + name, `__wasmccUrls.${name}`]),
);
const PACKAGES = /[\\/]node_modules[\\/]/;
// esbuild's optional warnings for calls whose module is known only at run time.
const UNKNOWN = ["unsupported-require-call", "unsupported-dynamic-import"];

// Returns the text of the bundle; esbuild's list of its modules; the warnings, as human-readable lines; esbuild's
// messages about missing modules of packages; a function that finds the lines of packages; and the paths of the
// sources.
export async function bundle(project) {
  const { plugin, inSource } = typescript(project);
  let built;
  try {
    const plugins = (absent) => [dotenv(runtime), modules, absent, patterns, plugin];
    built = await withAbsent(project, isKnown, (absent) => builtWithUrls(project, plugins(absent)));
  } catch (error) {
    if (!error.errors) throw error;
    const errors = withAdvice(inSource(error.errors, project.root), project);
    throw new BuildError(await readable(errors, "error"));
  }
  const own = filesOf(project, built.metafile).filter((file) => isOwn(project.root, file));
  const refused = unavailable(own);
  if (refused.length > 0) throw new BuildError(await readable(relative(project, refused), "error"));
  const map = JSON.parse(output(built, ".map"));
  const whole = withOwnParameters(output(built, OUTPUT), map, project.root);
  const loading = withOwnDefaults(withOwnFailures(withOwnSearch(withOwnAsync(whole))), map);
  const text = withOwnRounds(withMain(loading, project));
  const table = traceTable(map, project.root);
  const ofPackages = filesOf(project, built.metafile.outputs[OUTPUT]).filter((file) => PACKAGES.test(file));
  const ofFiles = relative(project, [...differences(project, own, built.metafile), ...caughtByPackages(ofPackages)]);
  const warnings = [...otherVersions(project), ...inSource(toldOf(project, built.warnings), project.root), ...ofFiles];
  const started = (isService) =>
    text + aroundUrls(text, `__wasmccStart(${JSON.stringify(table)}, ${isService});\n`);
  return {
    text: started(false),
    // A getter, because few contracts need this text.
    get serviceText() {
      return started(true);
    },
    warnings: await readable(warnings, "warning"),
    missing: built.warnings.filter(isOfPackage),
    inputs: built.metafile.outputs[OUTPUT].inputs,
    placeOf: placesOfPackages(map, project.root),
    sources: sourcesOf(project, built.metafile.inputs),
  };
}

// Builds with esbuild; again with the globals `URL` and `URLSearchParams` if only parts of files that esbuild does not
// replace use them.
async function builtWithUrls(project, plugins) {
  const built = await esbuild.build({ ...options(project), plugins });
  if (usesUrls(output(built, OUTPUT))) return built;
  const files = filesOf(project, built.metafile.outputs[OUTPUT]).filter((file) => !file.startsWith(runtime("")));
  return readsUrls(files) ? esbuild.build({ ...options(project, "globalThis.URL;"), plugins }) : built;
}

// Returns the text of esbuild's output file with this end of its name.
const output = ({ outputFiles }, end) => outputFiles.find(({ path }) => path.endsWith(end)).text;

// Replaces esbuild's helper for asynchronous functions by the runtime's: esbuild's makes several promises and closures
// at each await. Lines do not move.
function withOwnAsync(text) {
  const helper = /^var __async = \(__this, __arguments, generator\) => \{\n[\s\S]*?^\};$/m;
  // A generator that awaits in `finally` while it returns must continue after the await: a second return would skip the
  // rest of `finally`. A generator that it delegates to returns by itself.
  const returning = /(resume\()k === "return" \? k : "next"/;
  return text
    .replace(helper, (found) => {
      const lines = "\n".repeat(found.split("\n").length - 1);
      return `var __async = (self, args, generator) => __wasmccAsync(self, args, generator);${lines}`;
    })
    .replace(returning, '$1k === "return" && v[1] ? k : "next"');
}

// Finds modules with computed names, as in `require("./lib/" + name)`, like Node.js: the extension may be missing. A
// TypeScript file is found by the name of its compiled file.
function withOwnSearch(text) {
  const helper = /^(var __glob = \(map\) => \(path\) => \{\n  var fn = )map\[path\]/m;
  const ends = JSON.stringify(["", ".js", ".json", ".ts", ".cjs", "/index.js", "/index.ts"]);
  const search = `${ends}.map((end) => map[path + end]).find(Boolean) ?? map[path.replace(/js$/, "ts")]`;
  return text.replace(helper, (_found, begin) => begin + search);
}

// Replaces the errors for modules that are not in the bundle by those of Node.js: packages check their code. esbuild
// calls the same helpers for `import()` as for `require`, but `import()` never throws. Lines do not move.
function withOwnFailures(text) {
  const error = (name, code) => `Object.assign(new Error("Cannot find module '" + ${name} + "'"), { code: "${code}" })`;
  const [ofRequire, ofImport] = ["MODULE_NOT_FOUND", "ERR_MODULE_NOT_FOUND"];
  const loader = `var __wasmccImport = (x) => { throw ${error("x", ofImport)}; };`;
  const search =
    "var __wasmccGlobImport = (map) => { const find = __glob(map); return (path) => { " +
    `try { return find(path); } catch { return Promise.reject(${error("path", ofImport)}); } }; };`;
  return text
    .replace(/^var __require = /m, (found) => `${loader} ${found}`)
    .replace(/throw Error\('Dynamic require of "' \+ x \+ '" is not supported'\);/, `throw ${error("x", ofRequire)};`)
    .replaceAll(".then(() => __toESM(__require(", ".then(() => __toESM(__wasmccImport(")
    .replace(/^var __glob = /m, (found) => `${search} ${found}`)
    .replace(/throw new Error\("Module not found in bundle: " \+ path\);/, `throw ${error("path", ofRequire)};`)
    .replaceAll(/^([ \t]*(?:var )?globImport_\w* = )__glob\(/gm, "$1__wasmccGlobImport(");
}

// Makes `import()` of a CommonJS module in a JavaScript file return the module's exports as its `default`, as on Node.js,
// also if they have `__esModule`. In TypeScript, tsc's own helper returns what esbuild does. Lines do not move.
function withOwnDefaults(text, map) {
  const call = /(\.then\(\(\) => __toESM\(require_[\w$]+\(\))\)/g;
  if (text.search(call) < 0) return text;
  const sourceOf = sourcesOfLines(map);
  const isOfScript = (line) => /\.[cm]?jsx?$/.test(sourceOf(line) ?? "");
  const replaced = (line, at) =>
    line.search(call) >= 0 && isOfScript(at + 1) ? line.replaceAll(call, "$1, 1)") : line;
  return text.split("\n").map(replaced).join("\n");
}

const nameIn = (root, file) => path.relative(root, file).replaceAll(path.sep, "/");

// Sets `require.main` to the started module, for a file that tests load, too.
function withMain(text, { root, entry, isStarted }) {
  if (!isStarted) return text;
  const begin = `\n  ${JSON.stringify(nameIn(root, entry))}(exports, module) {`;
  return text.replace(begin, (found) => `${found} ${MAIN} = Object.assign(module, ${MAIN}, { exports });`);
}

// The members of `require.main`: of the started module, or else of Fabric's command, which is no module of the bundle.
function mainOf(isStarted) {
  const filename = isStarted ? FILE : "/node_modules/fabric-shim/cli.js";
  const folder = path.posix.dirname(filename);
  return { id: ".", path: folder, filename, exports: {}, children: [], paths: [], parent: null };
}

// `first` is code that runs before the contract is loaded.
function options(project, first = "") {
  return {
    stdin: { contents: entry(project, first), resolveDir: project.root, sourcefile: START },
    absWorkingDir: project.root,
    // Its `paths` also apply to the sources of other packages, as for tsc.
    tsconfig: project.tsconfig,
    bundle: true,
    write: false,
    outfile: path.join(project.root, OUTPUT),
    format: "esm",
    platform: "neutral",
    // As on Node.js, which does not know `module`.
    mainFields: ["main", "module"],
    conditions: ["node", "require", "default"],
    loader: { ".json": "json" },
    target: "esnext",
    // Promises are the runtime's, so asynchronous functions and `import()` must not use the engine's promises.
    supported: { "async-await": false, "async-generator": false, "for-await": false, "dynamic-import": false },
    // The names of classes and functions become names of contracts and transactions.
    keepNames: true,
    legalComments: "none",
    // Node.js loads every imported module, regardless of `sideEffects` in package.json.
    ignoreAnnotations: true,
    inject: [runtime("url.js")],
    sourcemap: "external",
    sourcesContent: false,
    metafile: true,
    logLevel: "silent",
    logOverride: Object.fromEntries(UNKNOWN.map((id) => [id, "warning"])),
    define: {
      "import.meta.url": `"file://${FILE}"`,
      __filename: `"${FILE}"`,
      __dirname: '"/"',
      ...Object.fromEntries(URLS),
      "require.main": MAIN,
    },
  };
}

// The bundled module. The bundle's last line calls `start` with the table of lines; `start` then loads the contract.
function entry({ root, entry, title, version, metadata, isStarted }, first) {
  const from = (file) => JSON.stringify(file);
  const info = { title, version, module: nameIn(root, entry) };
  return `
import ${from(runtime("promise.js"))};
import ${from(runtime("globals.js"))};
import { start } from ${from(runtime("contract.js"))};
export const contract = {};
globalThis.__wasmccStart = (trace, isService) => {
  const info = { ...${JSON.stringify(info)}, isService };
  ${MAIN} = ${JSON.stringify(mainOf(isStarted))};
  ${first}
  Object.assign(contract, start(() => require(${from(entry)}), info, ${JSON.stringify(metadata)}, trace));
};
`;
}

// Returns the files with code among esbuild's `inputs`.
function filesOf({ root }, { inputs }) {
  const names = Object.keys(inputs).filter((input) => !OF_PLUGIN.test(input));
  const files = names.map((input) => path.resolve(root, input));
  return files.filter((file) => /\.[cm]?[jt]sx?$/.test(file));
}

// Returns true if a file belongs to the contract, not to a package.
function isOwn(root, file) {
  const isInside = file.startsWith(root + path.sep) && !file.startsWith(runtime(""));
  return isInside && !file.slice(root.length).includes(`${path.sep}node_modules${path.sep}`);
}

// Returns esbuild's warnings with this build's texts. Warnings about calls of unknown modules are dropped for packages.
function toldOf({ root }, warnings) {
  const isTold = (warning) => {
    if (isOfPackage(warning)) return false;
    return !UNKNOWN.includes(warning.id) || isOwn(root, path.resolve(root, warning.location.file));
  };
  const text = "The name of this module is only known at run time: it is not in the component, and the call fails.";
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
