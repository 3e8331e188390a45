// Compiled TypeScript, and messages of the build about it.
import test from "node:test";

import { MANIFEST, contains, refused } from "./support/refused.js";

const OF_TYPESCRIPT = MANIFEST.replace("index.js", "index.ts");

test("decorators are those that the project's compiler makes of them", async () => {
  const source = `import { Contract } from "fabric-contract-api";
function told(method: unknown, context: any): any { throw new Error("kind " + context.kind); }
export class One extends Contract { @told async Get() {} }
`;
  const files = { "package.json": OF_TYPESCRIPT, "index.ts": source };
  const kind = (options) => refused({ ...files, "tsconfig.json": JSON.stringify({ compilerOptions: options }) });
  contains(await kind({}), "kind method");
  contains(await kind({ experimentalDecorators: true }), "kind undefined");
  contains(await refused(files), "kind undefined");
});

test("TypeScript that cannot be read is refused with file and line", async () => {
  const text = await refused({
    "tsconfig.json": "{}",
    "package.json": '{"name":"one","version":"1.0.0","main":"dist/index.js"}',
    "src/index.ts": "export const contracts = [];\nexport const broken: = 5;\n",
  });
  contains(text, "Type expected", "src/index.ts:2:21");
});

test("types of other files are what they are there, as tsc has them", async () => {
  const text = await refused({
    "package.json": OF_TYPESCRIPT,
    "tsconfig.json": JSON.stringify({
      compilerOptions: {
        experimentalDecorators: true,
        emitDecoratorMetadata: true,
        strict: true,
        baseUrl: ".",
        paths: { "@model/*": ["model/*"] },
      },
    }),
    "model/types.ts": `export interface Owner { name: string }
export type Id = string;
export type Count = number | undefined;
export enum Color { Red }
export enum Word { Long = "long" }
export const enum Size { Small = 3, Large = 4 }
export class Asset {}
`,
    "model/index.ts": `export { Asset, Color, Count, Id, Owner, Size, Word } from "./types";
`,
    "node_modules/money/package.json": '{"name":"money","version":"1.0.0","type":"module","main":"index.js","types":"index.d.ts"}',
    "node_modules/money/index.js": "export class Money {}\n",
    "node_modules/money/index.d.ts": "export interface Currency {}\nexport class Money {}\n",
    "index.ts": `import { Context, Contract } from "fabric-contract-api";
import { Currency, Money } from "money";
import { Asset, Color, Count, Id, Owner, Size, Word } from "./model";
import { Asset as ByPath } from "@model/types";

function decorated() {}
export class One extends Contract {
  @decorated
  async Get(
    ctx: Context, id: Id, owner: Owner, asset: Asset, color: Color, word: Word, size: Size, count: Count,
    other: ByPath, currency: Currency, money: Money,
  ): Promise<void> {}
}
const types: { name: string }[] = Reflect.getMetadata("design:paramtypes", One.prototype, "Get");
throw new Error(types.map(({ name }) => name).join() + " " + Size.Large);
`,
  });
  contains(text, "Context,String,Object,Asset,Number,String,Number,Object,Asset,Object,Money 4");
});

test("an import may have the name of a global that decorators need, as Fabric's decorator Object", async () => {
  const text = await refused({
    "package.json": OF_TYPESCRIPT,
    "other.ts": "export default class Reflected {}\n",
    "index.ts": `import { Context, Contract, Object, Property } from "fabric-contract-api";
import Reflect from "./other";
interface Note { text: string }
@Object()
class Thing { @Property() id: string = ""; @decorated note?: Note; }
function decorated(target: unknown, name: string) {}
export { Object, Object as DataType };
export class One extends Contract {
  @decorated
  async Get(ctx: Context, thing: Thing, note: Note): Promise<void> {}
}
const { metadata } = { metadata: globalThis.Reflect as any };
const types: unknown[] = metadata.getMetadata("design:paramtypes", One.prototype, "Get");
const property = metadata.getMetadata("design:type", Thing.prototype, "note");
const { Object: short } = { Object };
const isGlobal = [types[2], property].every((type) => type === globalThis.Object);
throw new Error([types[1] === Thing, isGlobal, short === Object, short === types[2], Reflect.name].join());
`,
  });
  contains(text, "true,true,true,false,Reflected");
});

test("a tsconfig.json that is in no package says so", async () => {
  const text = await refused({
    "package.json": OF_TYPESCRIPT,
    "tsconfig.json": '{"extends":"@tsconfig/node20/tsconfig.json"}',
  });
  contains(text, "File '@tsconfig/node20/tsconfig.json' not found. It may be a package", "npm install");
});

test("messages about TypeScript have the lines of the source", async () => {
  const text = await refused({
    "package.json": OF_TYPESCRIPT,
    "index.ts": `interface Erased {
  name: string;
}
type AsWell = Erased;
import * as fs from "fs";
import gone from "./gone";
export const contracts = [fs, gone];
let x: AsWell; const one = 1; one = 2;
`,
  });
  contains(text, "fs is not available", "index.ts:5:20", 'Could not resolve "./gone"', "index.ts:6:17");
  contains(text, 'Cannot assign to "one"', "index.ts:8:30", "index.ts:8:21");
});

test("packages that have only their TypeScript are compiled, each as the kind of module that it is", async () => {
  const text = await refused({
    "package.json": OF_TYPESCRIPT,
    "tsconfig.json": '{"compilerOptions":{"module":"commonjs","target":"es2021"}}',
    "node_modules/raw/package.json": '{"version":"1.0.0","exports":{".":"./src/index.ts","./*":"./src/*.ts"}}',
    "node_modules/raw/src/index.ts": 'export * from "./base"; export interface Erased {}\n',
    "node_modules/raw/src/base.ts": "export class Base { n: number = 1; }\nexport const enum Size { Small = 3 }\n",
    "node_modules/raw/src/add.ts": "export const add = (a: number, b: number): number => a + b;\n",
    "node_modules/other/package.json": '{"name":"other","version":"1.0.0","type":"module","main":"index.ts"}',
    "node_modules/other/index.ts": 'import { copy } from "raw"; export default copy as string;\n',
    "node_modules/other/node_modules/raw/package.json": '{"name":"raw","version":"1.0.0","main":"index.ts"}',
    "node_modules/other/node_modules/raw/index.ts": 'export const copy: string = "copy";\n',
    "index.ts": `import { Base, Erased, Size } from "raw";
import { add } from "raw/add";
import other from "other";
const erased: Erased = {};
class Derived extends Base {}
throw new Error([new Derived().n, Size.Small, add(1, 2), other, JSON.stringify(erased)].join());
`,
  });
  contains(text, "1,3,3,copy,{}");
});

test("types are those of the module that is taken, and names of the package's own lead to its sources", async () => {
  const manifest = { ...JSON.parse(OF_TYPESCRIPT), imports: { "#lib/*": "./dist/lib/*.js" }, type: "commonjs" };
  const of = (kind) => ({ types: `./${kind}.d.ts`, default: "./index.js" });
  const types = (kind) => `export declare const enum Kind { Of = "${kind}" }\n`;
  const text = await refused({
    "package.json": JSON.stringify({ ...manifest, main: "dist/index.js" }),
    "tsconfig.json": '{"compilerOptions":{"module":"nodenext","target":"es2021","outDir":"dist","rootDir":"src"}}',
    "node_modules/both/package.json": JSON.stringify({ exports: { import: of("import"), require: of("require") } }),
    "node_modules/both/import.d.ts": types("import"),
    "node_modules/both/require.d.ts": types("require"),
    "node_modules/both/index.js": "",
    "src/lib/a.ts": 'export const a: string = "a";\n',
    "src/module.mts": 'import F = require("./f.js"); export const made = new F().name;\n',
    "src/f.ts": 'class F { name = "F"; }\nexport = F;\n',
    "src/index.ts": `import { Kind } from "both";
import { a } from "#lib/a";
import { made } from "./module.mjs";
throw new Error([Kind.Of, a, made].join());
`,
  });
  contains(text, "require,a,F");
});
