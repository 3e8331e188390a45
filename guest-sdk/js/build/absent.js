// Handles modules that packages name but that are not installed, such as database drivers of a logger. On Node.js a
// call that loads one fails when it runs, which it may never do. esbuild refuses to build.
import fs from "node:fs";
import path from "node:path";

import { withAdvice } from "./advice.js";
import { inPackage, notInstalled } from "./missing.js";

const NAMED = /^Could not resolve "(.+)"$/s;
// A computed name that matches no file, as in `require("./lib/" + name)`.
const COMPUTED = /^Could not resolve (?:require|import)\("/;
const CALL = /\b(require|import)(\s*\(\s*)$/;
const LOADING = ["require-call", "dynamic-import"];
// Some packages hide their requests for modules of Node.js from bundlers in this way.
const HIDDEN = /(?<![.\w$])eval\(\s*(["'])require\(\s*(?!\1)(["'])([\w:/]+)\2\s*\)((?:\.[A-Za-z]\w*)*)\s*\1\s*\)/g;

// Calls `build` with an esbuild plugin. If the build fails for such modules, it is repeated with a plugin by which they
// are not found at run time. `isKnown` returns true for modules of Node.js that components have.
export async function withAbsent(project, isKnown, build) {
  const absent = { names: new Map(), calls: new Map() };
  for (;;) {
    try {
      return await build(pluginOf(absent, isKnown));
    } catch (error) {
      const isNew = (error.errors ?? []).map((message) => collect(absent, message, project));
      if (!isNew.includes(true)) throw error;
    }
  }
}

const key = (importer, name) => JSON.stringify([importer, name]);

// Adds what an error of esbuild says about a package. Returns false if it adds nothing.
function collect({ names, calls }, message, project) {
  const { text, location } = message;
  const file = location && path.resolve(project.root, location.file);
  if (!file || !inPackage(file, project.root)) return false;
  const [, name] = NAMED.exec(text) ?? [];
  if (name !== undefined) {
    const isNew = !names.has(key(file, name));
    names.set(key(file, name), withAdvice([message], project)[0].notes);
    return isNew;
  }
  const known = calls.get(file) ?? [];
  const { line, column } = location;
  if (!COMPUTED.test(text) || known.some((call) => call.line === line && call.column === column)) return false;
  calls.set(file, [...known, { line, column }]);
  return true;
}

const pluginOf = ({ names, calls }, isKnown) => ({
  name: "absent",
  setup(build) {
    build.onResolve({ filter: /^/ }, ({ path: name, importer, kind }) => {
      const notes = LOADING.includes(kind) ? names.get(key(importer, name)) : undefined;
      return notes && notInstalled(name, kind === "dynamic-import", notes);
    });
    build.onLoad({ filter: /[\\/]node_modules[\\/].*\.c?js$/ }, ({ path: file }) => {
      const text = fs.readFileSync(file, "utf8");
      const contents = withHidden(withoutPatterns(text, calls.get(file) ?? []), isKnown);
      return contents === text ? undefined : { contents };
    });
  },
});

// Hides the computed names of these calls from esbuild. Lines do not move.
function withoutPatterns(text, calls) {
  const lines = text.split("\n");
  // esbuild counts columns in bytes.
  const before = (line, bytes) => Buffer.from(line).subarray(0, bytes).toString();
  const offset = ({ line, column }) =>
    [...lines.slice(0, line - 1), before(lines[line - 1], column)].join("\n").length;
  const offsets = calls.map(offset).sort((one, other) => other - one);
  return offsets.reduce(
    (text, at) => text.slice(0, at).replace(CALL, "((name) => $1(name))$2") + text.slice(at),
    text,
  );
}

const withHidden = (text, isKnown) =>
  text.replace(HIDDEN, (found, _outer, _inner, name, members) =>
    isKnown(name) ? `require(${JSON.stringify(name)})${members}` : found,
  );
