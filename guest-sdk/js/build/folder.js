// The temporary folder of a build.
import fs from "node:fs";
import os from "node:os";
import path from "node:path";

const PREFIX = "wasmcc-js-";
// A killed build leaves its folder: the engine blocks the thread, so signals are not handled. A folder is removable if
// its process has ended. Processes of other containers have other numbers, so the folder must also be this old.
const LEFT_AFTER_MS = 60 * 60 * 1000;

// Makes a folder, and removes the folders of earlier builds.
export function makeFolder(temporary = os.tmpdir(), now = Date.now()) {
  for (const name of fs.readdirSync(temporary)) {
    const [, id] = /^wasmcc-js-(\d+)-\w+$/.exec(name) ?? [];
    if (id && !runs(Number(id))) removeIfOld(path.join(temporary, name), now);
  }
  return fs.mkdtempSync(path.join(temporary, `${PREFIX}${process.pid}-`));
}

function runs(id) {
  try {
    process.kill(id, 0);
    return true;
  } catch (error) {
    return error.code !== "ESRCH";
  }
}

function removeIfOld(folder, now) {
  try {
    if (now - fs.lstatSync(folder).mtimeMs > LEFT_AFTER_MS) fs.rmSync(folder, { recursive: true, force: true });
  } catch {
    // It belongs to another user, or was removed meanwhile.
  }
}
