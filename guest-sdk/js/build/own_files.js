// Warnings about the contract's own files, and its file `.env`.
import { included, unsetVariables, variablesOf } from "./environment.js";
import { keptState, read } from "./kept_state.js";
import { otherLocales } from "./locales.js";
import { missingMembers } from "./members.js";
import { lostMembers } from "./old_shim.js";

// Returns esbuild messages about `files` for what differs from Fabric's own runtime. `metafile` is esbuild's list of
// modules.
export function differences(project, files, metafile) {
  const reader = once(read);
  return [
    ...missingMembers(files, reader),
    ...lostMembers(project, files, reader),
    ...unsetVariables(files, variablesOf(project, metafile), reader),
    ...included(project, metafile),
    ...otherLocales(files),
    ...keptState(files, reader),
  ];
}

// Returns a function that calls `make` once for each argument.
function once(make) {
  const made = new Map();
  return (given) => made.get(given) ?? made.set(given, make(given)).get(given);
}
