// The folder in which a component is made.
import fs from "node:fs";
import os from "node:os";
import path from "node:path";

const PREFIX = "wasmcc-js-";
// A build that is ended from outside leaves its folder: the engine keeps the thread busy, which hears of it no more.
// Its process has gone; or it is of another container, with numbers of its own, so it has to be of some age as well.
const LEFT_AFTER_MS = 60 * 60 * 1000;

// Makes one, and removes those that earlier builds have left.
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
    // It is somebody else's, or has been removed just now.
  }
}
