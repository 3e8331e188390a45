// Appends a hash of a component's input to it, so that a build without changes can reuse the component.
//
// The engine's tool stores random keys of its hash tables in the component. Without reuse, two builds of the same
// source would differ, and so would the peers' packages.
import { createHash } from "node:crypto";

const NAME = Buffer.from("wasmcc-js");
// A custom section: its size, and its name with length, are one byte each.
const HASHES = 64;
const BEGIN = Buffer.concat([Buffer.from([0, 1 + NAME.length + HASHES, NAME.length]), NAME]);
const LENGTH = BEGIN.length + HASHES;

const sha256 = (bytes) => createHash("sha256").update(bytes).digest();

// Returns the hash of a component's whole input, given as texts.
export const originOf = (texts) => sha256(JSON.stringify(texts));

// Returns the component with its origin.
export const withOrigin = (component, origin) => Buffer.concat([component, BEGIN, origin, sha256(component)]);

// Returns true if the bytes are a complete component with this origin.
export function isOf(bytes, origin) {
  const component = bytes.subarray(0, Math.max(0, bytes.length - LENGTH));
  return withOrigin(component, origin).equals(bytes);
}
