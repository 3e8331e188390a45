// console and Fabric's loggers write to the peer's log.
import assert from "node:assert/strict";
import { Console } from "node:console";
import { createRequire } from "node:module";
import { Writable } from "node:stream";
import test from "node:test";
import { fileURLToPath } from "node:url";

import { build } from "esbuild";

const runtime = (name) => JSON.stringify(fileURLToPath(new URL(`../runtime/${name}`, import.meta.url)));

// Returns the runtime's console and loggers in a transaction; `lines` has what they wrote.
async function running() {
  const stubs = {
    "fabric:chaincode/log@0.2.0": "export const log = (level, text) => lines.push([level, text]);",
    "./transaction.js": "export const isRunning = () => true;",
  };
  const { outputFiles } = await build({
    stdin: {
      contents: `export { console } from ${runtime("console.js")}; export * from ${runtime("shim/logger.cjs")};`,
      resolveDir: fileURLToPath(new URL("..", import.meta.url)),
    },
    bundle: true,
    format: "cjs",
    platform: "node",
    write: false,
    plugins: [{
      name: "stubs",
      setup({ onResolve, onLoad }) {
        const named = ({ path }) => (stubs[path] ? { path, namespace: "stub" } : undefined);
        onResolve({ filter: /^fabric:|transaction\.js$/ }, named);
        onLoad({ filter: /./, namespace: "stub" }, ({ path }) => ({ contents: stubs[path] }));
      },
    }],
  });
  const lines = [];
  const module = { exports: {} };
  new Function("module", "require", "lines", outputFiles[0].text)(module, createRequire(import.meta.url), lines);
  return { ...module.exports, lines };
}

test("console writes the texts of Node.js", async () => {
  const own = await running();
  const texts = [];
  const into = new Writable({ write: (chunk, _encoding, done) => done(null, texts.push(String(chunk).slice(0, -1))) });
  const known = new Console({ stdout: into, stderr: into, colorMode: false });
  const failure = new RangeError("too much");
  const calls = [
    ["log"], ["log", ""], ["log", "a", 1, { b: 2 }], ["log", "100%%"], ["error", failure], ["log", "failed:", failure],
    ["log", 5n], ["log", Symbol("s")], ["log", "%i %f %o %O %c.", 5.5, "1.5", [], { a: 1 }, "color: red"], ["log", "%s", { a: 1 }],
    ["log", new Date(0)], ["warn", "%d%%", 5], ["dir", { a: { b: { c: 1 } } }, { depth: 0 }], ["dir", 5n], ["assert", false, "%s", 5n],
    ["assert", true, "x"], ["count"], ["count"], ["countReset"], ["count"],
    ["group", "outer"], ["log", "a\nb"], ["group", "in", failure], ["error", failure], ["count", "in"], ["dir", { a: 1 }],
    ["groupEnd"], ["log", "a"], ["groupEnd"], ["log", "a\nb"],
  ];
  for (const [name, ...args] of calls) {
    own.console[name](...args);
    known[name](...args);
  }
  assert.deepEqual(own.lines.map(([, text]) => text), texts);
});

test("a value whose text cannot be made fails no transaction", async () => {
  const { console, getLogger, lines } = await running();
  const odd = { toString: () => "odd", get error() { throw new Error("no"); }, get a() { throw new Error("no"); } };
  console.log("%j", 5n);
  console.dir(odd);
  getLogger("L").info("of", odd);
  for (const first of [odd, Symbol("s"), Object.create(null), "a-b".match(/(?<one>a)/).groups]) getLogger("L").info(first);
  assert.equal(lines.length, 7);
});

test("the text of an error whose stack has the calls alone has its message", async () => {
  const { console, getLogger, lines } = await running();
  const error = Object.assign(new RangeError("too much"), { stack: "put@contract.js:3:9\ncall@contract.js:9:1" });
  console.error(error);
  getLogger("L").error("failed", { error });
  const text = `RangeError: too much\n${error.stack}`;
  assert.deepEqual(lines.map(([, text]) => text), [text, `[L] failed ${text}`]);
});

test("Fabric's loggers write data whole and the stacks of errors", async () => {
  const { getLogger, lines } = await running();
  const logger = getLogger("L");
  const error = new Error("boom");
  const ring = {};
  ring.ring = ring;
  logger.info("t", { a: { b: { c: { d: [1] } } } }, "x", 5);
  logger.error("failed", { error });
  logger.error("failed", { error: { message: "only words" } });
  logger.error(error);
  logger.info("%s has %j", "a", { b: 1 });
  logger.info("ring", ring);
  logger.log({ level: "warn", message: "m" });
  assert.deepEqual(lines.map(([level, text]) => `${level} ${text}`), [
    'info [L] t {"a":{"b":{"c":{"d":[1]}}}} x 5',
    `error [L] failed ${error.stack}`,
    "error [L] failed only words",
    `error [L] ${error.stack}`,
    'info [L] a has {"b":1}',
    "info [L] ring { ring: [Circular] }",
    "warn [L] m",
  ]);
});

test("Fabric's loggers have the functions of winston's", async () => {
  const { getLogger, setLevel, lines } = await running();
  const logger = getLogger("L");
  const enabled = ["Error", "Warn", "Info", "Http", "Verbose", "Debug", "Silly"].map((name) => logger[`is${name}Enabled`]());
  assert.deepEqual(enabled, [true, true, true, false, false, false, false]);
  const child = logger.child({ id: 5 });
  child.info("of the child");
  child.level = "debug";
  child.debug("shown");
  logger.debug("hidden");
  assert.deepEqual([child.level, logger.level, child.isDebugEnabled(), logger.isDebugEnabled()], ["debug", "info", true, false]);
  logger.startTimer().done({ message: "done" });
  logger.profile("p").profile("p", { level: "warn" });
  assert.equal(logger.write({ level: "error", message: "written" }), true);
  assert.equal(logger.on("finish", () => {}).add({}).configure({}), logger);
  assert.deepEqual([logger.levels.silly, logger.levels.fatal, logger.transports], [6, undefined, []]);
  setLevel("DEBUG");
  logger.debug("now");
  setLevel("INFO");
  const texts = ["info of the child", "debug shown", "info done", "warn p", "error written", "debug now"];
  assert.deepEqual(lines.map(([level, text]) => `${level} ${text.replace("[L] ", "")}`), texts);
});
