// A program that replaces `wasmcc sandbox`: it sends a greeting, records requests, and answers a few.
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { after } from "node:test";

const source = (greeting, asked) => `#!${process.execPath}
const fs = require("node:fs");
const write = (json, blobs = []) => {
  const line = JSON.stringify({ ...json, blobs: blobs.map((blob) => blob.length) }) + "\\n";
  fs.writeSync(1, Buffer.concat([Buffer.from(line), ...blobs]));
};
const response = { status: 200, message: "", payload: 0 };
let kept = 0;
const answers = {
  height: () => process.exit(1),
  get_state: () => fs.writeSync(1, "no JSON\\n"),
  end: () => {},
  endorse: (id) => write({ id, ok: { response, kept: ++kept } }, [Buffer.from("[1]")]),
};
write(${JSON.stringify(greeting)});
let waiting = Buffer.alloc(0);
process.stdin.on("data", (chunk) => {
  waiting = Buffer.concat([waiting, chunk]);
  for (let end; (end = waiting.indexOf(10)) >= 0;) {
    const { blobs, ...request } = JSON.parse(waiting.subarray(0, end).toString());
    const whole = blobs.reduce((sum, length) => sum + length, end + 1);
    if (waiting.length < whole) return;
    let at = end + 1;
    const pieces = blobs.map((length) => waiting.subarray(at, (at += length)).toString("latin1"));
    waiting = waiting.subarray(whole);
    fs.appendFileSync(${JSON.stringify(asked)}, JSON.stringify({ ...request, pieces }) + "\\n");
    (answers[request.do] ?? ((id) => write({ id, ok: null })))(request.id);
  }
});
`;

export const FITS = { wasmcc: "9.9.9", sandbox: 1 };

// Sets the variable WASMCC to such a program. Returns a function that returns the requests since its last call.
export function pretend(greeting = FITS) {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "wasmcc-js-test-"));
  after(() => fs.rmSync(folder, { recursive: true }));
  const [program, asked] = ["program", "asked"].map((name) => path.join(folder, name));
  fs.writeFileSync(program, source(greeting, asked), { mode: 0o755 });
  fs.writeFileSync(asked, "");
  process.env.WASMCC = program;
  return () => {
    const lines = fs.readFileSync(asked, "utf8").trim().split("\n");
    fs.writeFileSync(asked, "");
    return lines.filter((line) => line).map((line) => JSON.parse(line));
  };
}
