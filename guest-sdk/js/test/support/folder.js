// Temporary folders for tests.
import fs from "node:fs";
import os from "node:os";
import path from "node:path";

// Calls `use` with a folder that contains these files, and removes it afterwards.
export async function withFiles(files, use) {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "wasmcc-js-test-"));
  try {
    for (const [name, text] of Object.entries(files)) {
      fs.mkdirSync(path.dirname(path.join(folder, name)), { recursive: true });
      fs.writeFileSync(path.join(folder, name), text);
    }
    return await use(folder);
  } finally {
    fs.rmSync(folder, { recursive: true });
  }
}
