// Loading of modules. The contracts throw their observations when they are loaded.
import test from "node:test";

import { CONTRACT, contains, refused } from "./support/refused.js";

test("a module that is not installed is not found in `try`, with the code of Node.js", async () => {
  const text = await refused({
    "node_modules/tries/index.js": `try { require("optional-missing"); } catch ({ code, message }) { module.exports = [code, message]; }`,
    "index.js": `${CONTRACT}let local;
try { local = require("./local.json"); } catch ({ code }) { local = code; }
throw new Error([local, ...require("tries")].join());
`,
  });
  contains(text, "Error: MODULE_NOT_FOUND,MODULE_NOT_FOUND,Cannot find module 'optional-missing'");
});

test("a name that is put together and leads to no module is not found either", async () => {
  const text = await refused({
    "config/prod.json": "{}",
    "index.js": `${CONTRACT}let found;
const name = "dev";
try { found = require(\`./config/\${name}.json\`); } catch ({ code, message }) { found = [code, message]; }
throw new Error(found.join());
`,
  });
  contains(text, "Error: MODULE_NOT_FOUND,Cannot find module './config/dev.json'");
});

test("contracts that Fabric's command loads are not the module that is started", async () => {
  const text = await refused({
    "package.json": '{"name":"one","version":"1.0.0","main":"index.js","scripts":{"start":"fabric-chaincode-node start"}}',
    "index.js": `${CONTRACT}if (require.main === module) process.exit(1);
throw new Error("loaded");
`,
  });
  contains(text, "Error: loaded");
});

test("the module that is started is `require.main`, and no other one is", async () => {
  const text = await refused({
    "other.js": "exports.isMain = require.main === module;",
    "index.js": `'use strict';${CONTRACT}
const { isMain } = require("./other");
throw new Error([require.main === module, require.main.exports === exports, isMain].join());
`,
  });
  contains(text, "Error: true,true,false", "index.js:7");
});

test("no module is left out because a package.json says that it has no effects", async () => {
  const text = await refused({
    "package.json": '{"name":"one","version":"1.0.0","main":"index.mjs","sideEffects":false}',
    "node_modules/pure/package.json": '{"name":"pure","main":"index.js","sideEffects":false}',
    "node_modules/pure/index.js": "globalThis.pure = 1;",
    "register.mjs": "globalThis.registered = 1;",
    "index.mjs": "import './register.mjs';\nimport 'pure';\nthrow new Error([globalThis.registered, globalThis.pure].join());",
  });
  contains(text, "Error: 1,1");
});

test("`buffer` has a default import, in ECMAScript and in TypeScript", async () => {
  const used = "throw new Error([buffer.Buffer === Buffer, buffer.isUtf8(Buffer.from('a')), buffer.atob('YQ=='), typeof buffer.constants].join());";
  const files = { "index.mjs": `import buffer from "node:buffer";\n${used}` };
  const manifest = (main) => JSON.stringify({ name: "one", version: "1.0.0", main });
  contains(await refused({ "package.json": manifest("index.mjs"), ...files }), "Error: true,true,a,object");
  const tsconfig = '{"compilerOptions":{"esModuleInterop":true,"module":"commonjs"}}';
  const typed = { "index.ts": `import buffer from "buffer";\n${used}`, "tsconfig.json": tsconfig };
  contains(await refused({ "package.json": manifest("index.ts"), ...typed }), "Error: true,true,a,object");
  const required = `const buffer = require("buffer");\n${used}`;
  contains(await refused({ "index.js": `${CONTRACT}${required}` }), "Error: true,true,a,object");
});
