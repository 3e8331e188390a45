// The files that a component was made of, for programs that build it again when one has changed.
import path from "node:path";

import { OURS } from "./trace.js";

// Files of installed packages do not change. Those of a package that is a link have their real path here.
const INSTALLED = /[\\/]node_modules[\\/]/;
// Modules that plugins make, and the one that is bundled.
const MADE = /^([\w-]{2,}:|<)/;

// Those of esbuild's `inputs`, with their whole paths.
export function sourcesOf({ root }, inputs) {
  const files = Object.keys(inputs).filter((input) => !MADE.test(input)).map((input) => path.resolve(root, input));
  return files.filter((file) => !INSTALLED.test(file) && !file.startsWith(OURS));
}

// The file `.d` of a component, and its text, as cargo and compilers of C write them.
export function dependencies(component, sources) {
  const { dir, name } = path.parse(component);
  const escaped = sources.map((source) => source.replaceAll(" ", "\\ "));
  return { file: path.join(dir, `${name}.d`), text: `${[`${path.resolve(component)}:`, ...escaped].join(" ")}\n` };
}
