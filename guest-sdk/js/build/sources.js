// Lists the sources of a component, for programs that rebuild it after changes.
import path from "node:path";

import { OURS } from "./trace.js";

// Files of installed packages do not change. A linked package has its real path here, so its files are listed.
const INSTALLED = /[\\/]node_modules[\\/]/;
// Generated modules: those of plugins, and the bundled one.
const MADE = /^([\w-]{2,}:|<)/;

// Returns the absolute paths of the sources among esbuild's `inputs`.
export function sourcesOf({ root }, inputs) {
  const files = Object.keys(inputs).filter((input) => !MADE.test(input)).map((input) => path.resolve(root, input));
  return files.filter((file) => !INSTALLED.test(file) && !file.startsWith(OURS));
}

// Returns the name and the text of a component's `.d` file, in the form of cargo and C compilers.
export function dependencies(component, sources) {
  const { dir, name } = path.parse(component);
  const escaped = sources.map((source) => source.replaceAll(" ", "\\ "));
  return { file: path.join(dir, `${name}.d`), text: `${[`${path.resolve(component)}:`, ...escaped].join(" ")}\n` };
}
