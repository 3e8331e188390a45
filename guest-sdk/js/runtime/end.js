// Ends a transaction without a response, like a process of Node.js: with a text on standard error.
import { exit } from "wasi:cli/exit@0.2.12";
import { getStderr } from "wasi:cli/stderr@0.2.12";
import { Buffer } from "buffer";

// Bytes per call of the stream.
const PIECE = 4096;
// Lines of a stack that are not the contract's own.
const NOT_OWN = /^ +at .*(\(native\)|wasmcc-js:\d+:\d+\)?)$/;

// Ends the transaction with the text of an error and its calls in the contract's own files. StarlingMonkey's stacks
// contain only the calls.
export function end(error) {
  const { message, stack } = error;
  const lines = (stack.includes(message) ? stack : `${error}\n${stack}`).split("\n");
  const bytes = Buffer.from(lines.filter((line) => !NOT_OWN.test(line)).join("\n"));
  const stderr = getStderr();
  for (let at = 0; at < bytes.length; at += PIECE) stderr.blockingWriteAndFlush(bytes.subarray(at, at + PIECE));
  exit({ tag: "err" });
}
