// Compares parts of the runtime that need no peer with Node.js.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import crypto from "node:crypto";
import { createRequire } from "node:module";
import test from "node:test";
import { fileURLToPath } from "node:url";
import util from "node:util";

import { build } from "esbuild";

import { CERTIFICATES } from "./support/certificates.js";
import { statusOf } from "../runtime/status.js";
import { structuredClone as ours } from "../runtime/structured_clone.js";
import { TextDecoder as OurDecoder, TextEncoder as OurEncoder } from "../runtime/text_coding.js";
import { decodeLossy } from "../runtime/utf8.js";

const require = createRequire(import.meta.url);

test("bytes that are no UTF-8 become the text of Node.js", () => {
  let seed = 1;
  const random = () => (seed = (seed * 48271) % 0x7fffffff);
  const odd = [0x00, 0x41, 0x80, 0xbf, 0xc0, 0xc2, 0xdf, 0xe0, 0xa0, 0x9f, 0xed, 0xef, 0xf0, 0x90, 0xf4, 0x8f, 0xf5, 0xff];
  for (let round = 0; round < 20_000; round++) {
    const bytes = Uint8Array.from({ length: random() % 9 }, () => odd[random() % odd.length]);
    assert.equal(decodeLossy(bytes), Buffer.from(bytes).toString(), Buffer.from(bytes).toString("hex"));
  }
  const large = Buffer.concat(Array.from({ length: 3000 }, (_, at) => Buffer.from([0x61, 0xf0, 0x9f, 0x98, 0x80, 0xff, at & 0xff])));
  assert.equal(decodeLossy(large), large.toString());
});

test("structuredClone clones what the standard clones, and refuses what it refuses", () => {
  const ring = { list: [1, , undefined] };
  ring.self = ring;
  const shared = new Uint8Array([1, 2, 3, 4]);
  const values = [
    1, "s", null, undefined, 5n, true, new Date(7), /a+/gi, ring, [[]], new Map([[{ a: 1 }, new Set([1])]]),
    shared.subarray(1, 3), new DataView(shared.buffer, 1, 2), new Float64Array([1.5]), shared.buffer,
    Object("s"), Object(5), { buffer: Buffer.from("b") }, { a: shared, b: shared },
  ];
  for (const value of values) assert.deepStrictEqual(ours(value), structuredClone(value));
  const error = ours(new TypeError("t"));
  assert.deepEqual([error instanceof TypeError, error.message], [true, "t"]);
  const both = ours({ a: shared, b: shared });
  assert.equal(both.a, both.b);
  for (const value of [() => {}, Symbol("s"), { f() {} }, new WeakMap(), Promise.resolve()]) {
    assert.throws(() => ours(value), { name: "DataCloneError" });
  }
});

test("certificates are read as @fidm/x509 reads them", () => {
  const { Certificate } = require("../runtime/shim/x509.cjs");
  const theirs = require("@fidm/x509").Certificate.fromPEM(Buffer.from(CERTIFICATE));
  const mine = Certificate.fromPEM(CERTIFICATE);
  for (const name of ["subject", "issuer"]) {
    const names = ({ attributes }) => attributes.map(({ oid, value, shortName }) => [oid, value, shortName]);
    assert.deepEqual(names(mine[name]), names(theirs[name]));
  }
  const extensions = (list) => list.map(({ oid, critical, value }) => [oid, Boolean(critical), value.toString("hex")]);
  assert.deepEqual(extensions(mine.extensions), extensions(theirs.extensions));
  for (const broken of ["", "-----BEGIN X-----\nMIIB\n-----END X-----", "no"]) {
    assert.throws(() => Certificate.fromPEM(broken));
  }
});

test("promises settle in the order of the engine's", () => {
  const script = fileURLToPath(new URL("support/order.js", import.meta.url));
  const run = (...args) => execFileSync(process.execPath, [script, ...args]).toString();
  const native = run();
  assert.ok(native.split("\n").length > 35, native);
  assert.equal(run("ours"), native);
});

test("a rejection that nobody hears of is known, as to Node.js", () => {
  const script = fileURLToPath(new URL("support/lost.js", import.meta.url));
  const run = (...args) => execFileSync(process.execPath, [script, ...args]).toString().trim().split("\n").sort();
  const native = run();
  assert.deepEqual(native, ["adopted", "alone", "derived", "finally", "first of all", "thrown"]);
  assert.deepEqual(run("ours"), native);
});

// A certificate with the names and attributes that fabric-ca writes.
const CERTIFICATE = `-----BEGIN CERTIFICATE-----
MIICVzCCAf2gAwIBAgIUFfhUFHgRIJPckdcDA+DZlKEnPvIwCgYIKoZIzj0EAwIw
dzELMAkGA1UEBhMCVVMxFzAVBgNVBAgMDk5vcnRoIENhcm9saW5hMRQwEgYDVQQK
DAtIeXBlcmxlZGdlcjEPMA0GA1UECwwGY2xpZW50MRIwEAYDVQQDDAnDhC9iIHVz
ZXIxFDASBgkqhkiG9w0BCQEWBWFAYi5jMCAXDTI2MTEyOTA0MjkyMVoYDzIxMjYx
MTA1MDQyOTIxWjB3MQswCQYDVQQGEwJVUzEXMBUGA1UECAwOTm9ydGggQ2Fyb2xp
bmExFDASBgNVBAoMC0h5cGVybGVkZ2VyMQ8wDQYDVQQLDAZjbGllbnQxEjAQBgNV
BAMMCcOEL2IgdXNlcjEUMBIGCSqGSIb3DQEJARYFYUBiLmMwWTATBgcqhkjOPQIB
BggqhkjOPQMBBwNCAAQTMFdru/LgQd1jq8wKsJZCDUeKIW30/OtSPWzTC7bs8/+W
CUOvHgrpVLZ/8eBTIbDdIdB1lCcKsGaDFq+3ImHwo2UwYzAOBgNVHQ8BAf8EBAMC
B4AwDAYDVR0TAQH/BAIwADAdBgNVHQ4EFgQUzH9PMMkTsNU6mA4Qr6UPDN2+hUow
JAYIKgMEBQYHCAEEGAwWe2F0dHJzOntyb2xlOmF1ZGl0b3J9fTAKBggqhkjOPQQD
AgNIADBFAiEA/XFQN8K1UhMQ+7PFEt3A7895MyDJ+daUNoiuPtjOkMsCIFABuXAO
Lcowty8wZA3sFO7bw+l4zoJrtF6u83ofyCbI
-----END CERTIFICATE-----
`;

test("a certificate says what it says on Node.js", () => {
  const X509Certificate = require("../runtime/node/x509.cjs").ofCrypto(crypto.createHash);
  const names = [
    "subject", "issuer", "subjectAltName", "validFrom", "validTo", "serialNumber", "fingerprint",
    "fingerprint256", "fingerprint512", "keyUsage", "ca", "raw",
  ];
  for (const pem of CERTIFICATES) {
    const [own, known] = [X509Certificate, crypto.X509Certificate].map((Certificate) => new Certificate(pem));
    for (const name of names) assert.deepStrictEqual(own[name], known[name], name);
    assert.equal(own.toString(), pem);
    assert.equal(JSON.stringify([new X509Certificate(own.raw)]), JSON.stringify([known]));
    assert.equal(own.validToDate.getTime(), Date.parse(known.validTo));
    assert.throws(() => own.verify(), /crypto.X509Certificate.verify is not available/);
    assert.throws(() => own.publicKey, /publicKey is not available/);
  }
  for (const wrong of ["", "x", 5, undefined]) {
    assert.throws(() => new X509Certificate(wrong), { code: codeOf(() => new crypto.X509Certificate(wrong)) });
  }
  for (const wrong of [Buffer.from([0x30, 0x03, 1]), CERTIFICATES[0].slice(0, 200)]) {
    assert.throws(() => new X509Certificate(wrong), { code: /^ERR_OSSL_/ });
  }
});

function codeOf(refused) {
  try {
    return refused();
  } catch ({ code }) {
    return code;
  }
}

test("Buffers search and copy as on Node.js", async () => {
  const entryPoints = [fileURLToPath(new URL("../runtime/buffer.js", import.meta.url))];
  const { outputFiles } = await build({ entryPoints, bundle: true, format: "cjs", platform: "neutral", mainFields: ["main"], write: false });
  const module = { exports: {} };
  new Function("module", outputFiles[0].text)(module);
  const { Buffer: OurBuffer } = module.exports;
  const results = (Buffer) => {
    const bytes = Buffer.from("aXbXc");
    const target = new Uint8Array(4);
    const found = ["", "X", "Xc", "nope"].flatMap((text) => [
      ...[undefined, 0, 2, 9, -2, -9, NaN, "utf8"].flatMap((at) => [bytes.indexOf(text, at), bytes.lastIndexOf(text, at)]),
      bytes.includes(text), bytes.indexOf(new TextEncoder().encode(text)), bytes.lastIndexOf(Buffer.from(text)),
    ]);
    return [found, bytes.copy(target, 1, 2), [...target], bytes.copy(Buffer.alloc(2))];
  };
  assert.deepEqual(results(OurBuffer), results(Buffer));
  for (const value of [Symbol("s"), () => {}]) assert.throws(() => OurBuffer.from(value), TypeError);
});

test("a status is what Fabric's protobuf takes for an int32", () => {
  assert.deepEqual([200, "200", true, 500.5, -1].map(statusOf), [200, 200, 1, 500, -1]);
  for (const status of ["abc", {}, NaN, 2 ** 31, 1e300]) assert.throws(() => statusOf(status), /which is not an int32$/);
});

test("util has what it has on Node.js", () => {
  const own = require("../runtime/node/util.cjs");
  assert.deepEqual([own.TextDecoder, own.TextEncoder], [OurDecoder, OurEncoder]);
  assert.equal(new own.TextDecoder().decode(new own.TextEncoder().encode("é€")), "é€");
  for (const [a, b] of [[{ a: [1] }, { a: [1] }], [1, "1"], [new Map([[1, 2]]), new Map([[1, 3]])], [NaN, NaN]]) {
    assert.equal(own.isDeepStrictEqual(a, b), util.isDeepStrictEqual(a, b));
  }
  const [colored, half] = ["\u001b[31mred\u001b[39m", "a\ud800"];
  assert.equal(own.stripVTControlCharacters(colored), util.stripVTControlCharacters(colored));
  assert.equal(own.toUSVString(half), util.toUSVString(half));
  assert.equal(own.formatWithOptions({}, "%s %d", "a", 1), "a 1");
});

test("text is encoded into an array as on Node.js", () => {
  const [own, node] = [new OurEncoder(), new TextEncoder()];
  const text = "aé€💩x\ud800";
  for (let size = 0; size < 17; size++) {
    const [into, known] = [new Uint8Array(size), new Uint8Array(size)];
    assert.deepEqual(own.encodeInto(text, into), node.encodeInto(text, known));
    assert.deepEqual(into, known);
  }
  for (const args of [["a", 5], [5, new Uint8Array(3)]]) {
    assert.throws(() => own.encodeInto(...args), { name: "TypeError", code: codeOf(() => node.encodeInto(...args)) });
  }
});

test("util.format makes the texts of Node.js", () => {
  const own = require("../runtime/node/util.cjs");
  const ring = { a: 1 };
  ring.ring = ring;
  class Money {
    toString() {
      return "5 EUR";
    }
  }
  const calls = [
    [], ["a"], ["%%"], ["%s%%", 1], ["%% %s", 1], ["%z%%", 1], ["%", 1], ["%s %s", "a"], ["%s", "x", "y", 3], ["a", "b", { c: 1 }],
    ["%i", 42.5], ["%i", "7 days"], ["%i", 5n], ["%i", Symbol("s")], ["%f", "1.5"], ["%f", Symbol("s")], ["%d", 5n], ["%d", "-0"], ["%d", {}],
    ["%s", { a: 1 }], ["%s", { a: { b: 1 } }], ["%s", [1, 2]], ["%s", -0], ["%s", 5n], ["%s", Symbol("s")], ["%s", null], ["%s", undefined],
    ["%s", new Money()], ["%s", new Date(0)], ["%s", new Date(NaN)], ["%s", new RangeError("r")], ["%s", () => 1], ["%s", /a/g],
    ["%j", { a: [1] }], ["%j", ring], ["%j", undefined], ["%o", { a: [1] }], ["%O", { a: { b: { c: {} } } }], ["%c.", "color: red"],
    [{ a: 1 }, "b"], [1, 2, "x"], [5n], [null], [undefined, Symbol("s")], ["x", new Date(0)],
  ];
  for (const call of calls) assert.equal(own.format(...call), util.format(...call), util.inspect(call));
  assert.throws(() => own.format("%j", 5n), TypeError);
});
