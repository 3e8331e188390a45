// Names that a contract or Fabric's packages read at run time, and the meaning of imports: as with tsc's output on
// Node.js.
import assert from "node:assert/strict";
import fs from "node:fs";
import { createRequire } from "node:module";
import os from "node:os";
import path from "node:path";
import test from "node:test";
import ts from "typescript";

import { MANIFEST, contains, refused } from "./support/refused.js";

const OF_TYPESCRIPT = MANIFEST.replace("index.js", "index.ts");
const sdk = createRequire(import.meta.url);

// Returns what `files` throw when Node.js loads them, compiled by tsc one by one.
function onNode(files, compilerOptions) {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "wasmcc-js-test-"));
  try {
    for (const [name, text] of Object.entries(files)) {
      const isSource = name.endsWith(".ts") && !name.endsWith(".d.ts");
      const to = path.join(folder, isSource ? name.replace(/\.ts$/, ".js") : name);
      fs.mkdirSync(path.dirname(to), { recursive: true });
      const { options } = ts.convertCompilerOptionsFromJson(compilerOptions, folder);
      fs.writeFileSync(to, isSource ? ts.transpileModule(text, { compilerOptions: options }).outputText : text);
    }
    for (const name of ["fabric-contract-api", "reflect-metadata"]) {
      const to = path.join(folder, "node_modules", name);
      fs.mkdirSync(path.dirname(to), { recursive: true });
      fs.symlinkSync(path.dirname(sdk.resolve(`${name}/package.json`)), to);
    }
    createRequire(path.join(folder, "package.json"))("./index.js");
  } catch (error) {
    return error.message;
  } finally {
    fs.rmSync(folder, { recursive: true });
  }
  return assert.fail("nothing is thrown");
}

// Asserts that both throw the same text, which contains `part`.
async function asOnNode(files, compilerOptions, part) {
  const known = onNode(files, compilerOptions);
  contains(known, part);
  const options = JSON.stringify({ compilerOptions });
  contains(await refused({ "package.json": OF_TYPESCRIPT, "tsconfig.json": options, ...files }), known);
}

const COMMONJS = { target: "es2021", module: "commonjs", experimentalDecorators: true, emitDecoratorMetadata: true };

// Names of modules of the runtime and of the contract at the top of the bundle, and the name of a global.
const NAMES = `
import { Context, Contract, Param, Transaction } from "fabric-contract-api";
import * as prices from "./prices";

class Prices extends Contract {
  @Transaction() async Sell(ctx: Context, id: string, price: number, owner: string, peer: string, process: string): Promise<string> {
    return prices.owner + prices.price(price) + id + owner + peer + process;
  }
  @Param("price", "number", "what it costs") @Transaction()
  async Tell(ctx: Context, price: number, query: string): Promise<void> {}
  @Transaction() async Given(ctx: Context, key: string, price: number = prices.price(2)): Promise<void> {}
}
class State { constructor(private peer: string, text: string) {} }
const local = async (peer: string, ...state: string[]) => peer + state;
const metadata = Reflect.getMetadata("fabric:transactions", Prices.prototype);
const parameters = ({ parameters }: any) => parameters.map(({ name, description }: any) => name + ":" + description);
const list = (text: string) => text.slice(Math.max(text.indexOf("constructor("), 0)).match(/\\(.*?\\)/)![0];
class Broken extends Error {}
throw new Error(JSON.stringify([
  metadata.map((one: any) => [one.name, ...parameters(one)]),
  [State, local].map((one) => list(one.toString())), String(local).includes("state)"),
  [State, Prices, Broken, prices.default, prices.price, prices.owner].map((one: any) => one.name),
  Function.prototype.toString.name, Object.keys(Function.prototype),
]));
`;
const PRICES = `
export const owner = "nobody";
export function price(number: number): number { return number * 2; }
export const state = price, key = owner, text = [owner], peer = 1;
export default class {}
`;

test("parameters, functions and classes have the names that the contract's source has", async () => {
  const files = { "index.ts": NAMES, "prices.ts": PRICES };
  await asOnNode(files, COMMONJS, '["Sell","id:","price:","owner:","peer:","process:"]');
  await asOnNode(files, COMMONJS, '["Tell","price:what it costs","query:"]');
  // Modules other than CommonJS share one scope in the bundle.
  const [part] = /"Sell".*?\]/.exec(onNode(files, COMMONJS));
  const modern = JSON.stringify({ compilerOptions: { ...COMMONJS, module: "esnext" } });
  contains(await refused({ "package.json": OF_TYPESCRIPT, "tsconfig.json": modern, ...files }), part);
});

test("parameters in JavaScript have their names, too", async () => {
  const text = await refused({
    "index.js": `
class One { async Get(ctx, peer, process, state = peer.x, text = "*/") {} }
throw new Error(One.prototype.Get);
`,
  });
  contains(text, 'Get(ctx, peer, process, state = peer.x, text = "*\\/") {');
});

const MODULES = {
  "node_modules/add/package.json": '{"name":"add","version":"1.0.0","main":"index.js","types":"index.d.ts"}',
  "node_modules/add/index.js": "module.exports = function add(a, b) { return a + b; };\nmodule.exports.one = 1;\n",
  "node_modules/add/index.d.ts": "declare function add(a: number, b: number): number;\ndeclare namespace add { const one: number; }\nexport = add;\n",
  "node_modules/both/package.json":
    '{"name":"both","version":"1.0.0","exports":{"import":"./index.mjs","require":"./index.js"}}',
  "node_modules/both/index.mjs": "export const kind = 'import';\n",
  "node_modules/both/index.js": "exports.kind = 'require';\n",
  "old.ts": "class Old {}\nexport = Old;\n",
  "lib/x.ts": "export const x = 5;\nexport default 6;\n",
  "data.json": '{"value":7}',
};
const IMPORTS = `
import byDefault from "add";
import * as whole from "add";
import { one } from "add";
import { kind } from "both";
import * as data from "./data.json";
import old = require("./old");
const tried = (call: () => unknown) => { try { return call(); } catch { return "fails"; } };
throw new Error(JSON.stringify([
  typeof byDefault, typeof whole, tried(() => (whole as any)(1, 2)), one, kind, data.value, (old as any).name,
]));
`;

test("an import is what the project's compiler makes of it, with esModuleInterop and without", async () => {
  const files = { ...MODULES, "index.ts": IMPORTS };
  const options = { ...COMMONJS, resolveJsonModule: true };
  await asOnNode(files, options, '["undefined","function",3,1,"require",7,"Old"]');
  await asOnNode(files, { ...options, esModuleInterop: true }, '["function","object","fails",1,"require",7,"Old"]');
});

test("a module that is chosen when the contract runs is found in its folder", async () => {
  const source = `
const loaded: any = [];
const load = async (name: string) =>
  loaded.push((await import("./lib/" + name)).x, (await import(\`./lib/\${name}\`)).default, (await import("./lib/x")).x);
load("x").catch((error) => loaded.push(error.message));
// Read after everything that the module started has run.
export = { get contracts() { throw new Error("loaded " + loaded); } };
`;
  for (const esModuleInterop of [false, true]) {
    const options = JSON.stringify({ compilerOptions: { ...COMMONJS, esModuleInterop } });
    const files = { ...MODULES, "package.json": OF_TYPESCRIPT, "tsconfig.json": options, "index.ts": source };
    contains(await refused(files), "loaded 5,6,5");
  }
});
