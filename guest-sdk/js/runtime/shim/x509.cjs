// What `ClientIdentity` reads of a certificate: the names and the extensions. Fabric's shim uses
// @fidm/x509, which needs the cryptography and the network modules of Node.js; the results are the same.
const { Buffer } = require("buffer");

const SHORT_NAMES = {
  "2.5.4.3": "CN",
  "2.5.4.6": "C",
  "2.5.4.7": "L",
  "2.5.4.8": "ST",
  "2.5.4.10": "O",
  "2.5.4.11": "OU",
  "1.2.840.113549.1.9.1": "E",
};
const [CONTEXT_0, CONTEXT_3, BOOLEAN, BMP_STRING] = [0xa0, 0xa3, 0x01, 0x1e];

// The elements of DER that `bytes`, a plain Uint8Array, consists of.
function elements(bytes) {
  const found = [];
  for (let at = 0; at < bytes.length; ) {
    const tag = bytes[at++];
    let length = bytes[at++];
    if (length >= 0x80) {
      let width = length & 0x7f;
      if (width === 0 || width > 4) throw new Error("Invalid DER: length");
      for (length = 0; width > 0; width--) length = length * 256 + bytes[at++];
    }
    if (!(at + length <= bytes.length)) throw new Error("Invalid DER: truncated");
    found.push({ tag, value: bytes.subarray(at, at + length) });
    at += length;
  }
  return found;
}

const children = (element) => elements(element.value);

function oid({ value }) {
  const numbers = [];
  let number = 0;
  for (const byte of value) {
    number = number * 128 + (byte & 0x7f);
    if (byte < 0x80) {
      numbers.push(number);
      number = 0;
    }
  }
  const first = Math.min(Math.floor(numbers[0] / 40), 2);
  return [first, numbers[0] - first * 40, ...numbers.slice(1)].join(".");
}

function text({ tag, value }) {
  const bytes = Buffer.from(value);
  return tag === BMP_STRING ? bytes.swap16().toString("utf16le") : bytes.toString();
}

function name(sequence) {
  const attributes = [];
  for (const set of children(sequence)) {
    for (const pair of children(set)) {
      const [type, value] = children(pair);
      const id = oid(type);
      attributes.push({ oid: id, value: text(value), shortName: SHORT_NAMES[id] ?? "" });
    }
  }
  return { attributes };
}

function extension(sequence) {
  const parts = children(sequence);
  const critical = parts[1].tag === BOOLEAN && parts[1].value[0] !== 0;
  return { oid: oid(parts[0]), critical, value: Buffer.from(parts[parts.length - 1].value) };
}

exports.Certificate = class Certificate {
  static fromPEM(pem) {
    const body = /-----BEGIN [^-]*-----([^-]*)-----END/.exec(String(pem));
    if (!body) throw new Error("Invalid PEM");
    return new Certificate(Buffer.from(body[1], "base64"));
  }
  constructor(der) {
    const [certificate] = elements(new Uint8Array(der.buffer, der.byteOffset, der.byteLength));
    const [body] = children(certificate);
    const fields = children(body);
    if (fields[0].tag === CONTEXT_0) fields.shift();
    const [, , issuer, , subject] = fields;
    this.issuer = name(issuer);
    this.subject = name(subject);
    const list = fields.find(({ tag }) => tag === CONTEXT_3);
    this.extensions = list ? children(children(list)[0]).map(extension) : [];
  }
};
