// Checks which version of Fabric's packages a contract is written for.
import fs from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import ts from "typescript";

const require = createRequire(import.meta.url);
const PACKAGES = ["fabric-contract-api", "fabric-shim"];

// Returns esbuild messages if a contract is written for another version than that of its component, which is this
// package's.
export function otherVersions({ root, dependencies }) {
  const others = new Map();
  for (const name of PACKAGES) {
    const own = require(`${name}/package.json`).version;
    const wanted = otherVersion(own, installed(root, name), dependencies[name]);
    if (wanted === undefined) continue;
    const key = `${wanted}, and the component has ${own}`;
    others.set(key, [...(others.get(key) ?? []), name]);
  }
  return [...others].map(([versions, names]) => ({
    text:
      `The contract is written for ${names.join(" and ")} ${versions}: rows of a history have other fields, ` +
      `${isFirst(versions) ? "some functions are gone, " : ""}and errors have other texts. See ` +
      '"Versions of Fabric\'s packages" in docs/javascript.md of wasmcc.',
  }));
}

// Returns true if a contract is written for a release 1.x.
export const isForFirst = ({ root, dependencies }) =>
  PACKAGES.some((name) => isFirst(String(installed(root, name) ?? dependencies[name])));

// Returns true for a version 1.x, or a range of such versions.
const isFirst = (version) => /^[^\d]*1(\.|$|\s)/.test(version);

// Returns the other version: the installed one, as on Node.js; otherwise a `range` that does not include `own`.
function otherVersion(own, installed, range) {
  if (installed !== undefined) return release(installed) === release(own) ? undefined : installed;
  const asked = typeof range === "string" ? ts.VersionRange.tryParse(range) : undefined;
  return asked === undefined || asked.test(own) ? undefined : range;
}

// Releases with the same major and minor version have the same functions.
const release = (version) => version.split(".", 2).join(".");

function installed(root, name) {
  for (let folder = root; ; folder = path.dirname(folder)) {
    try {
      return String(JSON.parse(fs.readFileSync(path.join(folder, "node_modules", name, "package.json"), "utf8")).version);
    } catch {
      // It is not installed here.
    }
    if (folder === path.dirname(folder)) return undefined;
  }
}
