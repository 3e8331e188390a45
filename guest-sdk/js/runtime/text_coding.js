// Encodes and decodes UTF-8 as in the Encoding Standard.
import { Buffer } from "buffer";

export class TextEncoder {
  get encoding() {
    return "utf-8";
  }
  encode(text = "") {
    const bytes = Buffer.from(String(text), "utf8");
    return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }
  // Writes as many whole characters as fit.
  encodeInto(text, target) {
    if (typeof text !== "string") throw wrongType('"src" argument must be of type string');
    if (!(target instanceof Uint8Array)) throw wrongType('"dest" argument must be an instance of Uint8Array');
    let [read, written] = [0, 0];
    for (const symbol of text) {
      const size = sizeOf(symbol.codePointAt(0));
      if (written + size > target.length) break;
      read += symbol.length;
      written += size;
    }
    target.set(this.encode(text.slice(0, read)));
    return { read, written };
  }
}

const wrongType = (text) => Object.assign(new TypeError(`The ${text}.`), { code: "ERR_INVALID_ARG_TYPE" });

// The number of a character's bytes in UTF-8. Half of a surrogate pair becomes U+FFFD, which has as many.
function sizeOf(code) {
  if (code < 0x80) return 1;
  if (code < 0x800) return 2;
  return code < 0x10000 ? 3 : 4;
}

export class TextDecoder {
  constructor(label = "utf-8", { fatal = false, ignoreBOM = false } = {}) {
    if (!/^(utf-?8|unicode-1-1-utf-8)$/i.test(label)) {
      throw new RangeError(`The "${label}" encoding is not supported`);
    }
    Object.assign(this, { fatal, ignoreBOM });
  }
  get encoding() {
    return "utf-8";
  }
  decode(input = new Uint8Array()) {
    const view = ArrayBuffer.isView(input)
      ? Buffer.from(input.buffer, input.byteOffset, input.byteLength)
      : Buffer.from(input);
    const text = view.toString("utf8");
    if (this.fatal && !Buffer.from(text, "utf8").equals(view)) {
      throw new TypeError("The encoded data was not valid for encoding utf-8");
    }
    return !this.ignoreBOM && text.startsWith("\uFEFF") ? text.slice(1) : text;
  }
}
