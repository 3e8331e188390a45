// `X509Certificate` of node:crypto: the contents of a certificate in Node.js's format. Does not verify anything.
const { Buffer } = require("buffer");

const { children, elements, oid, text } = require("../der.cjs");

const NAMES = {
  "2.5.4.3": "CN",
  "2.5.4.4": "SN",
  "2.5.4.5": "serialNumber",
  "2.5.4.6": "C",
  "2.5.4.7": "L",
  "2.5.4.8": "ST",
  "2.5.4.9": "street",
  "2.5.4.10": "O",
  "2.5.4.11": "OU",
  "2.5.4.12": "title",
  "2.5.4.13": "description",
  "2.5.4.15": "businessCategory",
  "2.5.4.17": "postalCode",
  "2.5.4.41": "name",
  "2.5.4.42": "GN",
  "2.5.4.43": "initials",
  "2.5.4.44": "generationQualifier",
  "2.5.4.46": "dnQualifier",
  "2.5.4.65": "pseudonym",
  "2.5.4.97": "organizationIdentifier",
  "0.9.2342.19200300.100.1.1": "UID",
  "0.9.2342.19200300.100.1.25": "DC",
  "1.2.840.113549.1.9.1": "emailAddress",
};
const [ALTERNATIVE_NAMES, BASIC_CONSTRAINTS, EXTENDED_KEY_USAGE] = ["2.5.29.17", "2.5.29.19", "2.5.29.37"];
const [CONTEXT_0, CONTEXT_3, BOOLEAN, UTC_TIME] = [0xa0, 0xa3, 0x01, 0x17];
const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

// Returns one line for each part, escaped as in RFC 2253.
function name(sequence) {
  return children(sequence).map((set) => children(set).map(part).join(" + "));
}

function part(pair) {
  const [type, value] = children(pair);
  const id = oid(type);
  const escaped = text(value)
    .replace(/[,+"\\<>;]|^[# ]| $/g, "\\$&")
    .replace(/[\x00-\x1f\x7f]/g, (letter) => `\\${hex([letter.charCodeAt(0)])}`);
  return `${NAMES[id] ?? id}=${escaped}`;
}

const hex = (bytes) => Buffer.from(bytes).toString("hex").toUpperCase();

function time({ tag, value }) {
  const digits = String.fromCharCode(...value);
  const century = tag === UTC_TIME ? (digits < "5" ? "20" : "19") : "";
  const [, year, month, day, hour, minute, second] =
    /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)/.exec(century + digits);
  return `${MONTHS[month - 1]} ${String(Number(day)).padStart(2)} ${hour}:${minute}:${second} ${year} GMT`;
}

function alternativeName({ tag, value, whole }) {
  const quoted = (kind) => {
    const said = Buffer.from(value).toString("latin1");
    return `${kind}:${/^[ !#-&(-+\--[\]-~]*$/.test(said) ? said : JSON.stringify(said).replaceAll(",", "\\u002c")}`;
  };
  switch (tag & 0x1f) {
    case 1:
      return quoted("email");
    case 2:
      return quoted("DNS");
    case 4:
      return `DirName:${name(elements(value)[0]).reverse().join(",")}`;
    case 6:
      return quoted("URI");
    case 7:
      return `IP Address:${value.length === 4 ? value.join(".") : groups(value)}`;
    case 8:
      return `Registered ID:${oid({ value })}`;
    default:
      return `${whole[0] === CONTEXT_0 ? "othername" : "X400Name"}:<unsupported>`;
  }
}

function groups(bytes) {
  const pair = (_, at) => hex(bytes.subarray(2 * at, 2 * at + 2)).replace(/^0{1,3}/, "");
  return Array.from({ length: bytes.length / 2 }, pair).join(":");
}

function derOf(input) {
  if (typeof input !== "string" && !ArrayBuffer.isView(input)) {
    const error = new TypeError(
      'The "buffer" argument must be of type string or an instance of Buffer, TypedArray, or DataView.',
    );
    throw Object.assign(error, { code: "ERR_INVALID_ARG_TYPE" });
  }
  const { buffer, byteOffset, byteLength } = typeof input === "string" ? Buffer.from(input) : input;
  const bytes = Buffer.from(buffer, byteOffset, byteLength);
  const pem = /-----BEGIN (?:X509 |TRUSTED )?CERTIFICATE-----([^-]*)-----END/.exec(bytes.toString("latin1"));
  return new Uint8Array(pem ? Buffer.from(pem[1], "base64") : bytes);
}

function read(input) {
  const der = derOf(input);
  try {
    const [certificate] = elements(der);
    const fields = children(children(certificate)[0]);
    if (fields[0].tag === CONTEXT_0) fields.shift();
    const [serial, , issuer, validity, subject] = fields;
    const list = fields.find(({ tag }) => tag === CONTEXT_3);
    const extensions = new Map();
    for (const extension of list ? children(children(list)[0]) : []) {
      const parts = children(extension);
      extensions.set(oid(parts[0]), parts.at(-1).value);
    }
    const [from, to] = children(validity).map(time);
    const [raw, names] = [certificate.whole, { issuer: name(issuer), subject: name(subject) }];
    return { raw, serial, ...names, from, to, extensions };
  } catch {
    const error = new Error("error:0480006C:PEM routines::no start line");
    throw Object.assign(error, { code: "ERR_OSSL_PEM_NO_START_LINE" });
  }
}

const MISSING = ["checkEmail", "checkHost", "checkIP", "checkIssued", "checkPrivateKey", "toLegacyObject", "verify"];

exports.ofCrypto = (createHash) => {
  class X509Certificate {
    #said;
    constructor(buffer) {
      this.#said = read(buffer);
    }
    #extension(id) {
      const value = this.#said.extensions.get(id);
      return value && elements(value)[0];
    }
    #fingerprint(algorithm) {
      const digest = createHash(algorithm).update(this.#said.raw).digest();
      return Array.from(digest, (byte) => hex([byte])).join(":");
    }
    get raw() {
      return Buffer.from(this.#said.raw);
    }
    get subject() {
      return this.#said.subject.join("\n") || undefined;
    }
    get issuer() {
      return this.#said.issuer.join("\n") || undefined;
    }
    get subjectAltName() {
      const names = this.#extension(ALTERNATIVE_NAMES);
      return names && children(names).map(alternativeName).join(", ");
    }
    get validFrom() {
      return this.#said.from;
    }
    get validTo() {
      return this.#said.to;
    }
    get validFromDate() {
      return new Date(this.validFrom);
    }
    get validToDate() {
      return new Date(this.validTo);
    }
    get serialNumber() {
      return hex(this.#said.serial.value).replace(/^(00)+(?=..)/, "").replace(/^00$/, "0");
    }
    get fingerprint() {
      return this.#fingerprint("sha1");
    }
    get fingerprint256() {
      return this.#fingerprint("sha256");
    }
    get fingerprint512() {
      return this.#fingerprint("sha512");
    }
    get keyUsage() {
      const usages = this.#extension(EXTENDED_KEY_USAGE);
      return usages && children(usages).map(oid);
    }
    get ca() {
      const constraints = this.#extension(BASIC_CONSTRAINTS);
      const [isCa] = constraints ? children(constraints) : [];
      return isCa?.tag === BOOLEAN && isCa.value[0] !== 0;
    }
    toString() {
      const lines = this.raw.toString("base64").match(/.{1,64}/g);
      return ["-----BEGIN CERTIFICATE-----", ...lines, "-----END CERTIFICATE-----", ""].join("\n");
    }
    toJSON() {
      return this.toString();
    }
    get [Symbol.toStringTag]() {
      return "X509Certificate";
    }
  }
  const missing = (name) => {
    throw new Error(`crypto.X509Certificate.${name} is not available in a chaincode component`);
  };
  Object.defineProperty(X509Certificate.prototype, "publicKey", { get: () => missing("publicKey") });
  for (const name of MISSING) X509Certificate.prototype[name] = () => missing(name);
  return X509Certificate;
};
