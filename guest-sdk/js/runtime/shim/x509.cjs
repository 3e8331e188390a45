// The names and extensions of a certificate, for `ClientIdentity`. Fabric's shim uses @fidm/x509, which needs Node.js's
// cryptography and network modules; the results are the same.
const { Buffer } = require("buffer");

const { children, elements, oid, text } = require("../der.cjs");

const SHORT_NAMES = {
  "2.5.4.3": "CN",
  "2.5.4.6": "C",
  "2.5.4.7": "L",
  "2.5.4.8": "ST",
  "2.5.4.10": "O",
  "2.5.4.11": "OU",
  "1.2.840.113549.1.9.1": "E",
};
const [CONTEXT_0, CONTEXT_3, BOOLEAN] = [0xa0, 0xa3, 0x01];

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
