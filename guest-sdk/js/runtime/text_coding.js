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
