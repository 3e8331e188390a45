// Warnings about state that is not on the ledger.
import assert from "node:assert/strict";
import path from "node:path";
import test from "node:test";

import { bundle } from "../build/bundle.js";
import { keptState } from "../build/kept_state.js";
import { readProject } from "../build/project.js";
import { withFiles } from "./support/folder.js";

// Returns the places of the warnings about one file, such as `4 count`.
const warned = (name, text) =>
  withFiles({ [name]: text }, (folder) =>
    keptState([path.join(folder, name)]).map(({ text, location }) => `${location.line} ${text.split(" ")[0]}`),
  );

test("variables of modules and fields of contracts that functions change are found", async () => {
  const source = `import { Contract } from "fabric-contract-api";
import { shared } from "./shared";
let count = 0;
var last;
const seen: string[] = [];
const cache = new Map<string, number>();
const settings = { limit: 5, names: [] as string[] };
class Stats { static total = 0; }
export class One extends Contract {
  private calls = 0;
  readonly #list: string[] = [];
  async Get(ctx, id) {
    count += 1;
    ({ last } = id);
    seen.push(id);
    cache.set(id, 1);
    settings.names.push(id);
    Stats.total++;
    this.calls++;
    [1].forEach(() => this.#list.push(id));
    shared.number = 1;
    globalThis.other = 1;
    count += 1;
  }
}
`;
  const found = "13 count,14 last,15 seen,16 cache,17 settings,18 Stats,19 this.calls,20 this.#list,21 shared";
  assert.equal(String(await warned("one.ts", source)), `${found},22 globalThis.other`);
  const shim = `const state = require("./state");
class Chaincode {
  async Init() {}
  async Invoke(stub) { this.calls = 1; delete state.old; for (state.last of []); }
}
`;
  assert.equal(String(await warned("shim.js", shim)), "4 this.calls,4 state");
});

test("what is set when a module is loaded, or belongs to one transaction, is not", async () => {
  const source = `import { Context, Contract } from "fabric-contract-api";
import { library } from "library";
const NAMES = ["a"];
const byName: Record<string, number> = {};
NAMES.forEach((name, at) => { byName[name] = at; });
(function () { byName.z = 1; })();
let memo: number | undefined;
let silent = 0;
class OwnContext extends Context {
  read = 0;
  count() { this.read += 1; }
}
export class One extends Contract {
  kind = "";
  constructor() { super("One"); this.kind = "one"; }
  createContext() { return new OwnContext(); }
  async Get(ctx: OwnContext, memory: number, seen: string[]) {
    memory += 1;
    seen.push("x");
    memo ??= 5;
    silent += 1; // wasmcc: allow
    const byName: Record<string, number> = {};
    byName.x = 1;
    NAMES.map((name) => name).sort();
    for (let at = 0; at < 5; at++) ctx.read += at;
    for (const NAMES of [[1]]) NAMES.push(2);
    library.setting = 1;
    let inner = 0;
    return () => { inner++; };
  }
}
`;
  assert.deepEqual(await warned("one.ts", source), []);
});

test("a contract's constructor runs when the contract is loaded", async () => {
  const source = `const { Contract } = require("fabric-contract-api");
let made = 0;
class Helper { constructor() { made += 1; } }
class One extends Contract {
  constructor() {
    super("One");
    global.organization = "Org1MSP";
    ["a"].forEach((name) => { globalThis[name] = made = 1; });
    this.later = () => { global.late = 1; };
  }
  async Get() { global.organization = "Org2MSP"; }
}
`;
  assert.deepEqual(await warned("one.js", source), ["3 made", "9 global.late", "11 global.organization"]);
});

test("lines end as in TypeScript", async () => {
  const source = "let a = 0; const text = '\u2028';\rexports.f = () => { a++; };\rlet b = 0;\u2029exports.g = () => { b++; }; // wasmcc: allow\r\n";
  assert.deepEqual(await warned("one.js", source), ["3 a"]);
});

test("a build warns with file and line", async () => {
  const files = {
    "package.json": '{"name":"one","version":"1.0.0","main":"index.js"}',
    "index.js": `const { Contract } = require("fabric-contract-api");
let next = 0;
class One extends Contract { async Next() { return next++; } }
module.exports.contracts = [One];
`,
  };
  const { warnings } = await withFiles(files, (folder) => bundle(readProject(folder)));
  assert.match(warnings, /next is reset in each transaction; store lasting data on the ledger/);
  assert.match(warnings, /index\.js:3:51/);
});
