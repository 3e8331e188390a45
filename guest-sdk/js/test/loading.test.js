// Loading of modules. The contracts throw their observations when they are loaded.
import assert from "node:assert/strict";
import fs from "node:fs";
import test from "node:test";

import { bundle } from "../build/bundle.js";
import { readProject } from "../build/project.js";
import { withFiles } from "./support/folder.js";
import { CONTRACT, MANIFEST, contains, refused } from "./support/refused.js";

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

test("names of modules that are not installed may end like those of files", async () => {
  const pk = "const tell = (load) => { try { load(); } catch ({ code }) { return code; } };\nmodule.exports = () => [tell(() => require('sql.js')), tell(() => require('./x.js'))];";
  const files = { "package.json": MANIFEST, "node_modules/pk/index.js": pk };
  const text = await refused({ ...files, "index.js": `${CONTRACT}throw new Error(require("pk")().join());\n` });
  contains(text, "Error: MODULE_NOT_FOUND,MODULE_NOT_FOUND");
  const built = await withFiles({ ...files, "index.js": `${CONTRACT}require("pk")();\n` }, (folder) => bundle(readProject(folder)));
  const { files: names } = JSON.parse(/__wasmccStart\((\{"files".*\}), false\);\n/.exec(built.text)[1]);
  assert.deepEqual(names.filter((name) => name.includes(":")), []);
});

test("a component does not depend on the functions of the builder's fs", async () => {
  const files = { "package.json": MANIFEST, "node_modules/pk/index.js": "exports.fs = require('fs');" };
  const built = () =>
    withFiles({ ...files, "index.js": `${CONTRACT}require("pk");\n` }, (folder) => bundle(readProject(folder)));
  const { text } = await built();
  const { statfs } = fs;
  try {
    delete fs.statfs;
    assert.equal((await built()).text, text);
  } finally {
    fs.statfs = statfs;
  }
});

test("the default of a CommonJS package that is imported at run time is that of Node.js", async () => {
  const pk = 'Object.defineProperty(exports, "__esModule", { value: true });\nexports.default = class {};\nexports.make = () => 1;';
  const use = "import('pk').then((m) => [typeof m.default, typeof m.default.make, typeof m.make])";
  const files = { "node_modules/pk/index.js": pk };
  contains(await refused({ ...files, "index.js": telling(use) }), "object,function,function");
  // As tsc's helper `__importStar`.
  const options = '{"compilerOptions":{"module":"commonjs","esModuleInterop":true}}';
  const typed = { "package.json": MANIFEST.replace(".js", ".ts"), "tsconfig.json": options };
  contains(await refused({ ...files, ...typed, "index.ts": telling(use.replace("(m)", "(m: any)")) }), "function,undefined,function");
});

test("contracts that Fabric's command loads are not the module that is started", async () => {
  const text = await refused({
    "package.json": '{"name":"one","version":"1.0.0","main":"index.js","scripts":{"start":"fabric-chaincode-node start"}}',
    "index.js": `${CONTRACT}if (require.main === module || require.main.filename === __filename) process.exit(1);
throw new Error(\`loaded by \${require.main.filename}, \${require("path").dirname(require.main.filename)}\`);
`,
  });
  contains(text, "Error: loaded by /node_modules/fabric-shim/cli.js, /node_modules/fabric-shim");
});

test("the module that is started is `require.main`, and no other one is", async () => {
  const text = await refused({
    "other.js": "exports.isMain = require.main === module;",
    "index.js": `'use strict';${CONTRACT}
const { isMain } = require("./other");
throw new Error([require.main === module, require.main.exports === exports, isMain, require.main.filename === __filename].join());
`,
  });
  contains(text, "Error: true,true,false,true", "index.js:7");
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

// Writes what a promise of the contract becomes. The build fails with it.
const telling = (promise) => `${promise}.then((seen) => { console.log(seen.join()); process.exit(1); });\n`;

test("`import()` of a module that is not found rejects, with the code of Node.js", async () => {
  const text = await refused({
    "node_modules/tries/index.js": `exports.tried = async () => {
  try { return await import("optional-missing"); } catch ({ code }) { return code; }
};
exports.caught = () => import("optional-missing").catch(({ code }) => code);
`,
    "known/a.js": "module.exports = 5;",
    "index.js": `const { tried, caught } = require("tries");
const any = (name) => import(name).catch(({ code }) => code);
const known = (name) => import(\`./known/\${name}.js\`).then((found) => found.default).catch(({ message }) => message);
${telling('Promise.all([tried(), caught(), any("none"), known("a"), known("b")])')}`,
  });
  const code = "ERR_MODULE_NOT_FOUND";
  contains(text, `after it wrote "${[code, code, code, 5, "Cannot find module './known/b.js'"].join()}"`);
});

const LOGGER = {
  "node_modules/logger/index.js": `exports.appender = (name) => require("./appenders/" + name);
exports.native = (name) => { try { return require("./build/" + name + "/binding"); } catch ({ code }) { return code; } };
exports.later = (name) => import(
  \`./ä/\${name}.js\`);
exports.driver = () => require("driver-missing");
exports.typed = () => import("driver-missing/typed");
exports.covered = () => /* ä */ require("./lib-covered");
`,
  "node_modules/logger/appenders/console.js": "exports.name = 'console';",
  "node_modules/logger/appenders/chat.js": "exports.name = require('chat-missing');",
};
const MODULE = { "node_modules/logger/package.json": '{"name":"logger","type":"module","main":"index.js"}' };

test("a module that a package names and that is not installed is not found when it is loaded", async () => {
  const calls = 'appender("console").name|appender("chat")|native("x")|driver()|covered()'.split("|");
  const tried = calls.map((call) => `() => logger.${call}`).join();
  const text = await refused({
    ...LOGGER,
    "index.js": `const logger = require("logger");
const told = ({ code, message }) => code + " " + message;
const seen = [${tried}].map((call) => { try { return call(); } catch (error) { return told(error); } });
${telling('Promise.all([...seen, logger.typed().catch(told), logger.later("y").catch(({ code }) => code)])')}`,
  });
  const missing = (name) => `MODULE_NOT_FOUND Cannot find module '${name}'`;
  const names = ["chat-missing", "driver-missing", "./lib-covered"].map(missing);
  const known = ["console", names[0], "MODULE_NOT_FOUND", names[1], names[2], `ERR_${missing("driver-missing/typed")}`];
  contains(text, [...known, "ERR_MODULE_NOT_FOUND"].join());
});

test("a package that cannot be loaded without another one comes with the command that installs it", async () => {
  const loading = (call) => refused({ ...LOGGER, "index.js": `${CONTRACT}require("logger").${call};\n` });
  const text = await loading("driver()");
  contains(text, "the contract does not load: Error: Cannot find module 'driver-missing'", "at index.js (index.js:5)");
  contains(text, "node_modules/logger/index.js:5:31", "driver-missing is not installed: type `npm install driver-missing`");
  assert.doesNotMatch(text, /chat-missing|external/);
  const module = { "node_modules/logger/index.js": 'import "driver-missing";', ...MODULE };
  const stated = await refused({ ...module, "index.js": `${CONTRACT}require("logger");\n` });
  contains(stated, 'Could not resolve "driver-missing"', "npm install driver-missing");
});

test("packages that hide modules of Node.js in `eval` get those that components have", async () => {
  const text = await refused({
    "node_modules/hides/index.js": `exports.seen = [
  typeof eval("require('crypto')").createHash, typeof eval('require("buffer").Buffer.from'),
];
try { eval("require('fs')"); } catch ({ name }) { exports.seen.push(name); }
`,
    "index.js": `${CONTRACT}throw new Error(require("hides").seen.join());\n`,
  });
  contains(text, "Error: function,function,ReferenceError");
});

test("a contract that serves finds the variables of a service when it is loaded", async () => {
  const names = '"CHAINCODE_ID", "CHAINCODE_SERVER_ADDRESS", "CORE_CHAINCODE_ID_NAME"';
  const thrown = `throw new Error([${names}].map((name) => process.env[name]).join());\n`;
  const text = await refused({ "index.js": `if (!process.env.CHAINCODE_ID) process.exit(1);\n${thrown}` });
  contains(text, "Error: chaincode,0.0.0.0:9999,chaincode");
  contains(await refused({ "index.js": thrown }), "Error: ,,\n");
});

test("a contract that ends its process when it is loaded fails with what it wrote", async () => {
  const caught = `async function main() { throw new RangeError("no settings"); }
console.log("begins");
main().catch((error) => { console.error(error.message + "\\nat"); process.exit(1); });
`;
  const ends = "the contract ends its process while it is loaded, by process.exit(1)";
  contains(await refused({ "index.js": caught }), `${ends}, after it wrote "begins", "no settings"\n`, "index.js:3");
  const uncaught = caught.replace(/\.catch.*/, ";");
  contains(await refused({ "index.js": uncaught }), "does not load: RangeError: no settings", "at main (index.js:1)");
  const text = await refused({ "index.js": `${CONTRACT}process.exit(1);\n` });
  assert.equal(text, `the contract does not load: Error: ${ends}\n    at index.js (index.js:5)`);
});
