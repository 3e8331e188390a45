// What a component was made of, in a section at its end, so that a build without a change can take it as it is.
//
// The engine's tool keeps random keys of its hash tables in the component: of two builds of one source, each would have
// bytes of its own, and so would the peers' packages.
import { createHash } from "node:crypto";

const NAME = Buffer.from("wasmcc-js");
// A custom section: its size, and its name with the length, are one byte each.
const HASHES = 64;
const BEGIN = Buffer.concat([Buffer.from([0, 1 + NAME.length + HASHES, NAME.length]), NAME]);
const LENGTH = BEGIN.length + HASHES;

const sha256 = (bytes) => createHash("sha256").update(bytes).digest();

// The hash of all that a component is made of, as texts.
export const originOf = (texts) => sha256(JSON.stringify(texts));

// The component with its origin.
export const withOrigin = (component, origin) => Buffer.concat([component, BEGIN, origin, sha256(component)]);

// Whether these bytes are such a component, whole, and of this origin.
export function isOf(bytes, origin) {
  const component = bytes.subarray(0, Math.max(0, bytes.length - LENGTH));
  return withOrigin(component, origin).equals(bytes);
}
