// The pipe to `wasmcc sandbox`, with a program that only records the requests.
import assert from "node:assert/strict";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import test from "node:test";
import { fileURLToPath } from "node:url";

import ts from "typescript";

import * as sandboxes from "../sandbox/index.js";
import { Sandbox, SandboxError } from "../sandbox/index.js";
import { FITS, pretend } from "./support/program.js";

delete process.env.WASMCC_TWICE;

const asked = pretend();
const COMPONENT = Buffer.from([0, 0xff]);
const ended = { kind: "program", message: /^the program wasmcc has ended/ };

async function sandbox(options) {
  const made = await Sandbox.create(options);
  return [made, asked()[0]];
}

test("a sandbox has organizations, peers, and clients with attributes", async () => {
  const clients = [["Org1MSP", "ann", { role: "auditor" }], ["Org2MSP", "bob"]];
  const [, request] = await sandbox({ orgs: 2, peers: ["Org2MSP"], timeoutMs: 500, clients });
  assert.deepEqual(request.network.orgs.map(({ msp_id }) => msp_id), ["Org1MSP", "Org2MSP"]);
  assert.deepEqual([request.orgs, request.execute_timeout_ms], [["Org2MSP"], 500]);
  const ann = { msp_id: "Org1MSP", name: "ann", attributes: [["role", "auditor"]] };
  assert.deepEqual(request.clients, [ann, { msp_id: "Org2MSP", name: "bob", attributes: [] }]);
});

test("collections, indexes and a policy go together, by either lifecycle", async () => {
  const [made] = await sandbox();
  const index = { index: { fields: ["owner"] } };
  const options = { collections: [{ name: "c" }], indexes: ["{}", index], policy: "P" };
  await made.deploy("assets", COMPONENT, options);
  await made.deployByLifecycle("assets", COMPONENT, options);
  const members = { name: "assets", component: 0, collections: '[{"name":"c"}]', indexes: ["{}", JSON.stringify(index)], policy: "P" };
  const requests = asked();
  assert.deepEqual(requests.map((request) => request.do), ["deploy", "deploy_by_lifecycle"]);
  for (const { id, do: verb, sandbox: number, pieces, ...request } of requests) {
    assert.deepEqual([request, pieces], [members, ["\0\xff"]]);
  }
  await made.deploy("assets", COMPONENT, { collections: null });
  assert.equal(asked()[0].collections, null);
});

test("a call has bytes as they are, text as it is, and all else as JSON", async () => {
  const [made] = await sandbox();
  const transient = { price: { value: 7 } };
  await made.submit("cc", "F", ["a", 5, COMPONENT, [1], null], { org: "Org2MSP", user: "ann", transient, nonce: "n" });
  const [{ call, pieces }] = asked();
  assert.deepEqual(pieces, ["F", "a", "5", "\0\xff", "[1]", "null", '{"value":7}', "n"]);
  const { args, timestamp, ...rest } = call;
  assert.deepEqual([args, timestamp], [[0, 1, 2, 3, 4, 5], null]);
  assert.deepEqual(rest, { chaincode: "cc", transient: { price: 6 }, org: "Org2MSP", user: "ann", nonce: 7 });
});

test("a time may have fractions, and lie before 1970", async () => {
  const [made] = await sandbox();
  for (const [timestamp, expected] of [
    [1_500_000_000_000.125, [1_500_000_000, 125_000]],
    [-1500, [-2, 500_000_000]],
    [999.9999999, [1, 0]],
    [new Date(1234), [1, 234_000_000]],
    [0, [0, 0]],
  ]) {
    await made.evaluate("cc", "F", [], { timestamp });
    assert.deepEqual(asked()[0].call.timestamp, expected);
  }
});

test("organizations that are chosen endorse too", async () => {
  const [made] = await sandbox({ orgs: 3 });
  const [one, two] = [await made.endorse("cc", "F"), await made.endorse("cc", "G")];
  assert.deepEqual(one.json(), [1]);
  await made.endorseAlso("Org2MSP", one);
  await made.endorseAlso("Org3MSP", [one, two]);
  await made.commit(two);
  const requests = asked().slice(2).map(({ do: verb, org, endorsed }) => [verb, org, endorsed]);
  const expected = [["endorse_also", "Org2MSP", [1]], ["endorse_also", "Org3MSP", [1, 2]], ["commit", undefined, [2]]];
  assert.deepEqual(requests, expected);
});

test("what would be dropped or split into pieces is refused by its name, before anything is sent", async () => {
  const [made] = await sandbox();
  const call = (args, options) => made.submit("cc", "Create", args, options);
  for (const [attempt, message] of [
    [() => Sandbox.create({ organizations: 2 }), /^Sandbox.create has no option organizations; it has orgs, peers, /],
    [() => Sandbox.create({ orgs: ["Org1MSP"] }), /^orgs, .* must be a whole number, at least 1, not \[ 'Org1MSP' \]$/],
    [() => Sandbox.create({ peers: "Org1MSP" }), /^peers must be an array of texts, not 'Org1MSP'$/],
    [() => Sandbox.create({ timeoutMs: 0.5 }), /^timeoutMs must be a whole number, at least 0, not 0.5$/],
    [() => Sandbox.create({ clients: [["Org1MSP", "ann", { level: 5 }]] }), /^a client must be like \['Org1MSP', /],
    [() => Sandbox.create({ clients: [["Org1MSP", "ann", "role"]] }), /^the attributes of a client must be an object, /],
    [() => made.deploy("cc", COMPONENT, { index: [] }), /^a deployment of cc has no option index; it has collections, /],
    [() => made.deploy("cc", COMPONENT, { indexes: "{}" }), /^indexes must be an array, not '{}'$/],
    [() => made.deployByLifecycle("cc", COMPONENT, { policy: [] }), /^policy must be text, not \[\]$/],
    [() => made.deploy("cc", "contract.wasm"), /^a component must be bytes, as `await build\(\)` returns them, not 'con/],
    [() => call("asset1"), /^the arguments of Create must be an array, not 'asset1'$/],
    [() => call({ org: "Org2MSP" }), /^the arguments of Create must be an array, not { org: 'Org2MSP' }$/],
    [() => call(["a", undefined]), /^argument 2 of Create must be text, bytes or a JSON value, not undefined$/],
    [() => call([NaN]), /^argument 1 of Create .* not NaN$/],
    [() => call([5n]), /^argument 1 of Create .* not 5n$/],
    [() => call([], { msp: "x" }), /^a call of Create has no option msp; it has org, user, transient, timestamp, nonce$/],
    [() => call([], { transient: "price" }), /^transient must be an object, not 'price'$/],
    [() => call([], { transient: new Map([["a", 1]]) }), /^transient must be an object, not Map/],
    [() => call([], { timestamp: "2024-01-01" }), /^timestamp must be a Date or milliseconds since 1970, not '2024-01-01'$/],
    [() => call([], { timestamp: NaN }), /^timestamp must be a Date .* not NaN$/],
    [() => made.submit("cc"), /^the name of a function must be text, not undefined$/],
    [() => made.commit([{}]), /^an endorsement must be what `endorse` returned, not {}$/],
    [() => made.endorseAlso("Org2MSP", {}), /^an endorsement must be what `endorse` returned, not {}$/],
  ]) {
    await assert.rejects(attempt, { name: "TypeError", message });
  }
  assert.deepEqual(asked(), []);
});

test("when the program has ended all calls fail, and the next sandbox starts it again", async () => {
  const [first] = await sandbox();
  const [other] = await sandbox();
  // The program ends at this request.
  const inFlight = [first.height(), other.submit("cc", "F")];
  for (const call of inFlight) await assert.rejects(call, ended);
  await assert.rejects(first.submit("cc", "F"), ended);
  await assert.rejects(other.getState("cc", "k"), ended);
  first.close();
  asked();
  const [next, request] = await sandbox();
  assert.equal(request.do, "new");
  await next.submit("cc", "F");
  await assert.rejects(first.height(), ended);
});

test("an answer that cannot be read ends the program", async () => {
  const [made] = await sandbox();
  const unreadable = { kind: "program", message: /does not answer `wasmcc sandbox`/ };
  await assert.rejects(made.getState("cc", "k"), unreadable);
  await assert.rejects(made.submit("cc", "F"), unreadable);
  await sandbox();
});

test("a program that is missing or does not fit is told each time", async () => {
  const [made] = await sandbox();
  await assert.rejects(made.height(), ended);
  for (const [greeting, message] of [
    [{ ...FITS, sandbox: 0 }, /the program is older/],
    [{ ...FITS, sandbox: 99 }, /the package wasmcc-js is older/],
    [{ hello: 1 }, /does not answer `wasmcc sandbox`/],
  ]) {
    pretend(greeting);
    for (let twice = 0; twice < 2; twice++) await assert.rejects(Sandbox.create(), { kind: "program", message });
  }
  process.env.WASMCC = "/nowhere/wasmcc";
  await assert.rejects(Sandbox.create(), (error) => error instanceof SandboxError && /cannot be run/.test(error.message));
});

// Compiled as a project's own compiler would, with its strictest rules.
const IN_TYPESCRIPT = `
import { Sandbox, SandboxError, build, type Endorsed } from "wasmcc-js/sandbox";
export async function story(): Promise<number> {
  const sandbox = await Sandbox.create({ orgs: 2, clients: [["Org1MSP", "ann", { role: "auditor" }]] });
  await sandbox.deployByLifecycle("cc", await build(), { indexes: ["{}", { index: {} }], policy: "P" });
  const one: Endorsed = await sandbox.endorse("cc", "F", ["a", 5], { org: "Org2MSP", timestamp: new Date() });
  await sandbox.endorseAlso("Org2MSP", one);
  const [{ code, endorsed }] = await sandbox.commit([one]);
  const written: string | undefined = endorsed.rwset?.["cc"].writes[0].value.toString("hex");
  const { kind } = new Error() as SandboxError;
  return (await sandbox.submit("cc", "F")).json<number>() + (kind === "refused" ? code + written : "").length;
}
// @ts-expect-error
export const misspelled = (sandbox: Sandbox) => sandbox.submit("cc", "F", [], { organization: "Org2MSP" });
// @ts-expect-error
export const split = (sandbox: Sandbox) => sandbox.submit("cc", "F", "asset1");
`;

test("a test in TypeScript finds the types, and all that there is has one", () => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "wasmcc-js-test-"));
  const own = fileURLToPath(new URL("..", import.meta.url));
  const write = (name, text) => {
    fs.writeFileSync(path.join(folder, name), text);
    return path.join(folder, name);
  };
  const said = (module, moduleResolution) => {
    const file = write("story.ts", IN_TYPESCRIPT);
    const typeRoots = [path.join(own, "node_modules", "@types")];
    const options = { module, moduleResolution, strict: true, noEmit: true, types: ["node"], typeRoots };
    const program = ts.createProgram([file], { target: ts.ScriptTarget.ES2022, ...options });
    return ts.getPreEmitDiagnostics(program).map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, "\n"));
  };
  try {
    fs.mkdirSync(path.join(folder, "node_modules"));
    fs.symlinkSync(own, path.join(folder, "node_modules", "wasmcc-js"));
    assert.deepEqual(said(ts.ModuleKind.CommonJS, ts.ModuleResolutionKind.Node10), []);
    assert.deepEqual(said(ts.ModuleKind.ESNext, ts.ModuleResolutionKind.Bundler), []);
  } finally {
    fs.rmSync(folder, { recursive: true });
  }
  const types = fs.readFileSync(new URL("../sandbox/index.d.ts", import.meta.url), "utf8");
  const names = [...Object.keys(sandboxes), ...Object.getOwnPropertyNames(Sandbox.prototype)];
  for (const name of names.filter((name) => name !== "constructor")) assert.match(types, new RegExp(`\\b${name}\\b`));
});
