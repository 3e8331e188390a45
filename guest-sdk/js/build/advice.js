// What to do about a package that is not there. esbuild's own advice, to leave it out of the bundle, is none
// that a build has an option for.
import fs from "node:fs";
import path from "node:path";

const NOT_FOUND = /^Could not resolve "([^"]+)"$/;
const OF_ESBUILD = /^You can mark the path /;
// The package in a name such as `@scope/package/file`; names of files begin otherwise.
const PACKAGE = /^(@[\w.~-]+\/)?[\w~][\w.~-]*(?=\/|$)/;

// The module that is bundled, in messages.
export const START = "<component>";

// Gives esbuild's messages about what was not found the notes that help.
export function withAdvice(messages, { root, dependencies }) {
  for (const message of messages) {
    const [, name] = NOT_FOUND.exec(message.text) ?? [];
    const [needed] = PACKAGE.exec(name ?? "") ?? [];
    // Nor has a contract's author written the module that starts the contract.
    message.notes = message.notes.filter(({ text, location }) => !OF_ESBUILD.test(text) && location?.file !== START);
    // Other notes tell what is wrong with a package that is there.
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
