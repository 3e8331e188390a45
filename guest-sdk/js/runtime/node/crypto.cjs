// The part of node:crypto that is the same on every endorser: hashes, and random numbers derived from the transaction.
const { hmac } = require("@noble/hashes/hmac.js");
const { md5, ripemd160, sha1 } = require("@noble/hashes/legacy.js");
const { sha224, sha256, sha384, sha512, sha512_224, sha512_256 } = require("@noble/hashes/sha2.js");
const { sha3_224, sha3_256, sha3_384, sha3_512 } = require("@noble/hashes/sha3.js");
const { Buffer } = require("buffer");

const random = require("../transaction.js");
const { naming } = require("./naming.cjs");

const ALGORITHMS = {
  md5,
  ripemd160,
  rmd160: ripemd160,
  sha1,
  sha224,
  sha256,
  sha384,
  sha512,
  "sha512-224": sha512_224,
  "sha512-256": sha512_256,
  "sha3-224": sha3_224,
  "sha3-256": sha3_256,
  "sha3-384": sha3_384,
  "sha3-512": sha3_512,
};

function algorithm(name) {
  const key = String(name).toLowerCase();
  // Such as `RSA-SHA512/256`.
  const found = ALGORITHMS[key] ?? ALGORITHMS[key.replace(/^rsa-/, "").replace(/^sha-/, "sha").replace("/", "-")];
  if (!found) throw new Error(`Digest method not supported: ${name}`);
  return found;
}

function bytes(data, encoding) {
  if (typeof data === "string") return Buffer.from(data, encoding);
  if (ArrayBuffer.isView(data)) return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  throw new TypeError(
    'The "data" argument must be of type string or an instance of Buffer, TypedArray, or DataView.',
  );
}

class Digest {
  #state;
  #done = false;
  #isEnded = false;
  #read = null;
  #encoding;
  constructor(state) {
    this.#state = state;
  }
  update(data, encoding) {
    if (this.#done) throw new Error("Digest already called");
    this.#state.update(bytes(data, encoding));
    return this;
  }
  digest(encoding) {
    if (this.#done) throw new Error("Digest already called");
    this.#done = true;
    const digest = Buffer.from(this.#state.digest());
    return encoding === undefined || encoding === "buffer" ? digest : digest.toString(encoding);
  }
  copy() {
    return new Digest(this.#state.clone());
  }
  // The functions of a stream that are used without events.
  write(data, encoding, done) {
    if (this.#isEnded) throw new Error("write after end");
    const [given, then] = typeof encoding === "function" ? [undefined, encoding] : [encoding, done];
    this.update(data, given);
    if (then) queueMicrotask(() => then());
    return true;
  }
  end(...args) {
    const at = args.findIndex((arg) => typeof arg === "function");
    const [data, encoding] = at < 0 ? args : args.slice(0, at);
    if (data !== undefined && data !== null) this.update(data, encoding);
    this.#isEnded = true;
    this.#read = this.copy().digest();
    if (at >= 0) queueMicrotask(() => args[at]());
    return this;
  }
  setEncoding(encoding) {
    this.#encoding = encoding;
    return this;
  }
  // Returns the digest once after the end.
  read() {
    const digest = this.#read;
    this.#read = null;
    return digest && this.#encoding ? digest.toString(this.#encoding) : digest;
  }
}

const createHash = (name) => new Digest(algorithm(name).create());

// A secret key, the only supported kind. Packages that sign with HMAC make one of their secret.
class KeyObject {
  #secret;
  constructor(secret) {
    this.#secret = secret;
  }
  get type() {
    return "secret";
  }
  get symmetricKeySize() {
    return this.#secret.length;
  }
  export({ format } = {}) {
    return format === "jwk" ? { kty: "oct", k: this.#secret.toString("base64url") } : Buffer.from(this.#secret);
  }
  equals(other) {
    return other instanceof KeyObject && this.#secret.equals(other.#secret);
  }
}

const keyBytes = (key, encoding) => (key instanceof ArrayBuffer ? new Uint8Array(key) : bytes(key, encoding));
const createSecretKey = (key, encoding) => new KeyObject(Buffer.from(keyBytes(key, encoding)));

const secretOf = (key) => (key instanceof KeyObject ? key.export() : keyBytes(key));
const createHmac = (name, key) => new Digest(hmac.create(algorithm(name), secretOf(key)));

const hash = (name, data, encoding = "hex") => createHash(name).update(data).digest(encoding);

const getHashes = () => Object.keys(ALGORITHMS);

function randomBytes(size, callback) {
  if (typeof size !== "number") throw new TypeError('The "size" argument must be of type number.');
  const drawn = Buffer.from(random.randomBytes(size));
  if (!callback) return drawn;
  queueMicrotask(() => callback(null, drawn));
}

// Offset and size count elements of the array.
function randomFillSync(target, offset = 0, size = (target.length ?? target.byteLength) - offset) {
  const { buffer = target, byteOffset = 0, byteLength, BYTES_PER_ELEMENT: width = 1 } = target;
  if (!(offset >= 0 && size >= 0 && (offset + size) * width <= byteLength)) {
    const wrong = offset >= 0 && offset * width <= byteLength ? "size" : "offset";
    throw new RangeError(`The value of "${wrong}" is out of range.`);
  }
  new Uint8Array(buffer, byteOffset + offset * width, size * width).set(random.randomBytes(size * width));
  return target;
}

const getRandomValues = (target) => {
  new Uint8Array(target.buffer, target.byteOffset, target.byteLength).set(
    random.randomBytes(target.byteLength),
  );
  return target;
};

function randomInt(...args) {
  const callback = typeof args.at(-1) === "function" ? args.pop() : undefined;
  const [min, max] = args.length > 1 ? args : [0, ...args];
  for (const [name, value] of Object.entries({ min, max })) {
    if (!Number.isSafeInteger(value)) throw new TypeError(`The "${name}" argument must be a safe integer.`);
  }
  if (max <= min || max - min >= 2 ** 48) {
    throw new RangeError(`The value of "max" is out of range: greater than ${min}, by less than 2 ** 48.`);
  }
  const drawn = min + Math.floor(Math.random() * (max - min));
  if (!callback) return drawn;
  queueMicrotask(() => callback(null, drawn));
}

function randomUUID() {
  const drawn = random.randomBytes(16);
  drawn[6] = (drawn[6] & 0x0f) | 0x40;
  drawn[8] = (drawn[8] & 0x3f) | 0x80;
  const hex = Buffer.from(drawn).toString("hex");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}

function timingSafeEqual(a, b) {
  for (const value of [a, b]) {
    if (typeof value === "string") {
      throw new TypeError("timingSafeEqual takes instances of ArrayBuffer, Buffer, TypedArray, or DataView.");
    }
  }
  if (a.byteLength !== b.byteLength) {
    throw new RangeError("Input buffers must have the same byte length");
  }
  return Buffer.compare(bytes(a), bytes(b)) === 0;
}

// Packages check whether the global has `subtle`, and work without it.
globalThis.crypto ??= { getRandomValues, randomUUID };
const subtle = naming("crypto.subtle", {});
const webcrypto = { getRandomValues, randomUUID, subtle };

const known = {
  KeyObject, createHash, createHmac, createSecretKey, getHashes, getRandomValues, hash, randomBytes, randomFillSync, randomInt,
  randomUUID, subtle, timingSafeEqual, webcrypto,
};

// Loaded on demand: every contract has this module, since Fabric's shim hashes, but few read certificates.
let certificates;
Object.defineProperty(known, "X509Certificate", {
  get: () => (certificates ??= require("./x509.cjs").ofCrypto(createHash)),
});

module.exports = naming("crypto", known);
