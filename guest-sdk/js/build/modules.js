// Resolves the names of modules: to Fabric's packages, to a module of the runtime, or to an error.
import fs from "node:fs";
import { builtinModules, createRequire } from "node:module";
import path from "node:path";
import { fileURLToPath } from "node:url";

import { makeMissing, missing } from "./missing.js";
import { makeUrls } from "./urls.js";
import { makeTransports, transport } from "./winston.js";

const require = createRequire(import.meta.url);
const here = path.dirname(fileURLToPath(import.meta.url));

export const runtime = (name) => path.join(here, "..", "runtime", name);

// Modules of Node.js with a replacement that needs no files, network or timers.
const BUILTINS = {
  assert: () => require.resolve("assert/"),
  "assert/strict": () => runtime("node/assert_strict.cjs"),
  buffer: () => runtime("buffer.js"),
  crypto: () => runtime("node/crypto.cjs"),
  events: () => require.resolve("events/"),
  path: () => require.resolve("path-browserify"),
  "path/posix": () => require.resolve("path-browserify"),
  process: () => runtime("node/process.cjs"),
  stream: () => runtime("node/stream.cjs"),
  string_decoder: () => require.resolve("string_decoder/"),
  tty: () => runtime("node/tty.cjs"),
  url: () => runtime("node/url.cjs"),
  util: () => runtime("node/util.cjs"),
  "util/types": () => runtime("node/util_types.cjs"),
};

// Returns true for a module of Node.js that components have.
export const isKnown = (name) => Object.hasOwn(BUILTINS, name.replace(/^node:/, ""));

// Packages of which a bundle has one copy for all importers.
const SINGLE = /^(fabric-shim|fabric-shim-api|fabric-contract-api|reflect-metadata|google-protobuf)(\/|$)/;

// Fabric's packages accept any 0.4, but work with 0.4.0 only: later versions lack functions that they call.
const TRANSFORMER = /^class-transformer(\/|$)/;

// Files of Fabric's packages that need a process, and their replacements.
const REPLACED = {
  "fabric-shim/lib/handler.js": "shim/handler.js",
  "fabric-shim/lib/iterators.js": "shim/iterators.js",
  "fabric-shim/lib/server.js": "shim/server.cjs",
  "fabric-shim/lib/logger.js": "shim/logger.cjs",
  "fabric-shim/lib/cmds/startCommand.js": "shim/start_command.cjs",
  "fabric-contract-api/lib/logger.js": "shim/logger.cjs",
};
const REPLACED_PACKAGES = {
  "@fidm/x509": "shim/x509.cjs",
  "@hyperledger/fabric-protos": "shim/protos.cjs",
  "@hyperledger/fabric-protos/lib/peer": "shim/peer_protos.cjs",
  yargs: "shim/start_command.cjs",
};
// Built-in modules with a special replacement for one of Fabric's files.
const REPLACED_BUILTINS = {
  util: ["/node_modules/fabric-shim/lib/contract-spi/datamarshall.js", "shim/marshall_util.cjs"],
};
// Packages that do not need the additions of Node.js to the package `util`. They are in every contract, so the
// additions are left out there.
const NEEDS_NO_MORE = /[\\/]node_modules[\\/](fabric-contract-api|fabric-shim|inherits)[\\/]/;
// The package that implements `stream`, in any version.
const OF_STREAMS = /[\\/]node_modules[\\/]readable-stream[\\/]/;
const OF_FABRIC = /[\\/]node_modules[\\/](fabric-shim|fabric-contract-api)[\\/]/;

// The esbuild plugin that resolves modules.
export const modules = {
  name: "modules",
  setup(build) {
    const root = build.initialOptions.absWorkingDir;
    makeMissing(build, runtime("node/naming.cjs"));
    makeTransports(build, runtime);
    makeUrls(build, runtime);
    build.onResolve({ filter: /^(fabric|wasi):/ }, ({ path }) => ({ path, external: true }));
    build.onResolve({ filter: /^\.\.?(\/|$)/ }, (args) => replacedFile(args, root));
    build.onResolve({ filter: /^[^.]/ }, (args) => named(args, root));
  },
};

function replacedFile(args, root) {
  const { path: name, importer, resolveDir } = args;
  if (!OF_FABRIC.test(importer)) return transport(args, root);
  const file = require.resolve(path.resolve(resolveDir, name)).replaceAll("\\", "/");
  const known = Object.keys(REPLACED).find((end) => file.endsWith(`/node_modules/${end}`));
  return known && { path: runtime(REPLACED[known]) };
}

function named({ path: name, importer, kind }, root) {
  if (kind === "entry-point" || path.isAbsolute(name)) return undefined;
  if (REPLACED_PACKAGES[name] && (OF_FABRIC.test(importer) || name.startsWith("@hyperledger/"))) {
    return { path: runtime(REPLACED_PACKAGES[name]) };
  }
  if (name === "buffer/" && importer === runtime("buffer.js")) return { path: require.resolve(name) };
  const builtin = name.replace(/^node:/, "").replace(/\/$/, "");
  const [file, instead] = REPLACED_BUILTINS[builtin] ?? [];
  if (file && importer.replaceAll("\\", "/").endsWith(file)) return { path: runtime(instead) };
  if (builtin === "stream" && OF_STREAMS.test(importer)) return { path: runtime("node/stream_base.cjs") };
  if (builtin === "util" && NEEDS_NO_MORE.test(importer)) return { path: require.resolve("util/") };
  if (BUILTINS[builtin] && (name === builtin || name.startsWith("node:"))) {
    return { path: BUILTINS[builtin]() };
  }
  if (name === "fs" && OF_FABRIC.test(importer)) return { path: runtime("shim/no_files.cjs") };
  if (name.startsWith("node:") || builtinModules.includes(name)) return missing(name, refusal(name), importer, root);
  const isOurs = SINGLE.test(name) || (TRANSFORMER.test(name) && isFabricsTransformer(importer));
  return isOurs ? single(name) : undefined;
}

// Resolves a module of a package with a single copy: other versions may have other modules.
function single(name) {
  try {
    return { path: require.resolve(name) };
  } catch {
    const [needed, ...file] = name.split("/");
    const { version } = require(`${needed}/package.json`);
    const text = `There is no module "${file.join("/")}" in ${needed} ${version}, which the component has`;
    return { errors: [{ text }] };
  }
}

// Returns true if a file gets Fabric's own class-transformer. A contract with the same version shares it, and with it
// the types that its decorators record, as on Node.js.
function isFabricsTransformer(importer) {
  if (OF_FABRIC.test(importer)) return true;
  const version = (require) => JSON.parse(fs.readFileSync(require.resolve("class-transformer/package.json"))).version;
  try {
    return version(createRequire(importer)) === version(require);
  } catch {
    return false;
  }
}

const refusal = (name) => `${name} is not available in a chaincode component: ${reason(name.replace(/^node:/, ""))}`;

function reason(name) {
  if (/^(fs|os)(\/|$)/.test(name)) return "there are no files; import data as JSON or as a module";
  if (/^(net|http|https|http2|tls|dns|dgram)(\/|$)/.test(name)) return "there is no network";
  if (/^(child_process|cluster|worker_threads)$/.test(name)) return "there are no processes and threads";
  if (/^timers/.test(name)) return "a transaction has no timers";
  return `use one of ${Object.keys(BUILTINS).filter((name) => !name.includes("/")).join(", ")}`;
}
