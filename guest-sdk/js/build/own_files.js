// Warnings about the contract's own files, and its file `.env`.
import { included, unsetVariables, variablesOf } from "./environment.js";
import { keptState } from "./kept_state.js";
import { otherLocales } from "./locales.js";
import { missingMembers } from "./members.js";
import { lostMembers } from "./old_shim.js";

// Returns esbuild messages about `files` for what differs from Fabric's own runtime. `metafile` is esbuild's list of
// modules.
export function differences(project, files, metafile) {
  return [
    ...missingMembers(files),
    ...lostMembers(project, files),
    ...unsetVariables(files, variablesOf(project, metafile)),
    ...included(project, metafile),
    ...otherLocales(files),
    ...keptState(files),
  ];
}
