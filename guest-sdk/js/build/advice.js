// Hints for a package that is not found. esbuild's own hint (mark it as external) does not apply: this build has no
// such option.
import fs from "node:fs";
import path from "node:path";

const NOT_FOUND = /^Could not resolve "([^"]+)"$/;
const WAITING = /^Top-level await is not available/;
const OF_ESBUILD = /^You can mark the path /;
// The package in a name such as `@scope/package/file`; names of files do not match.
const PACKAGE = /^(@[\w.~-]+\/)?[\w~][\w.~-]*(?=\/|$)/;

// The name of the bundled module in messages.
export const START = "<component>";

const NO_WAITING =
  "A module cannot await outside of functions in a chaincode component. Call an async function instead: the " +
  "variables that it sets at the build have these values in each transaction";

// Adds helpful notes to esbuild's messages about missing modules, and replaces its text about `await` outside of
// functions.
export function withAdvice(messages, { root, dependencies }) {
  for (const message of messages) {
    if (WAITING.test(message.text)) Object.assign(message, { text: NO_WAITING, notes: [] });
    const [, name] = NOT_FOUND.exec(message.text) ?? [];
    const [needed] = PACKAGE.exec(name ?? "") ?? [];
    // Notes about the start module do not help either: the contract's author has not written it.
    message.notes = message.notes.filter(({ text, location }) => !OF_ESBUILD.test(text) && location?.file !== START);
    // Other notes explain a defect of an installed package.
    if (needed === undefined || message.notes.length > 0) continue;
    const from = message.location ? path.resolve(root, message.location.file) : root;
    message.notes.push({ text: advice(needed, name, from, dependencies) });
  }
  return messages;
}

function advice(needed, name, from, dependencies) {
  if (isInstalled(needed, from)) {
    return `The package ${needed} is installed, and no module "${name}" is in it: see \`main\` in its package.json.`;
  }
  const command = Object.hasOwn(dependencies, needed) ? "npm install" : `npm install ${needed}`;
  return `The package ${needed} is not installed: type \`${command}\` in the contract's folder.`;
}

function isInstalled(needed, from) {
  for (let folder = path.dirname(from); ; folder = path.dirname(folder)) {
    if (fs.existsSync(path.join(folder, "node_modules", needed))) return true;
    if (folder === path.dirname(folder)) return false;
  }
}
