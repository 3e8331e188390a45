// Contracts that log with winston. Log lines at the build are dropped, so these contracts throw their observations.
import assert from "node:assert/strict";
import { createRequire } from "node:module";
import test from "node:test";

import { CONTRACT, contains, refused } from "./support/refused.js";

const require = createRequire(import.meta.url);
// Fabric's packages depend on it.
const WINSTON = JSON.stringify(require.resolve("winston"));
const LOADED = `${CONTRACT}const { createLogger, format, transports } = require(${WINSTON});\n`;

test("a contract logs with winston, and all lines are there before the answer", async () => {
  const text = await refused({
    "index.js": `${LOADED}const { Readable, Writable, pipeline } = require("stream");
const said = [];
const into = new Writable({ write: (chunk, _encoding, done) => done(null, said.push(String(chunk))) });
const console = new transports.Console();
console.on("logged", (info) => said.push(info[Symbol.for("message")]));
const line = format.printf(({ timestamp, level, message, by, id }) => [timestamp, level, message, by, id].join(" "));
const logger = createLogger({
  defaultMeta: { by: "assets" },
  format: format.combine(format.timestamp(), format.splat(), line),
  transports: [new transports.Stream({ stream: into }), console],
});
for (let at = 0; at < 20; at++) logger.info("line %d", at);
logger.child({ id: 5 }).warn("careful");
logger.debug("hidden");
logger.level = "debug";
logger.debug("shown");
logger.add(new transports.Stream({ stream: process.stdout }));
logger.on("finish", () => {
  pipeline(Readable.from(["piped"]), into, () => setImmediate(() => {
    throw new Error(JSON.stringify(said));
  }));
});
logger.end();
`,
  });
  const lines = Array.from({ length: 20 }, (_, at) => `info line ${at}`);
  const known = [...lines, "warn careful", "debug shown"].map((line) => `1970-01-01T00:00:00.000Z ${line} assets `);
  known[20] += "5";
  const said = JSON.parse(/Error: (.*)/.exec(text)[1]);
  assert.deepEqual(said.filter((line) => line.endsWith("\n")), known.map((line) => `${line}\n`));
  assert.deepEqual(said.filter((line) => !line.endsWith("\n")), ["piped", ...known]);
});

test("lines of winston keep their level in the peer's log", () => {
  const { config, createLogger, format, transports } = require("winston");
  const written = [];
  const write = (...line) => written.push(line);
  const Console = require("../runtime/shim/winston_console.cjs")(transports.Console, write);
  for (const levels of [config.npm.levels, config.syslog.levels, { fatal: 0, own: 1 }]) {
    // On Node.js, the transport would otherwise bypass `console`.
    const console = new Console({ forceConsole: true });
    const shouting = format((info) => ({ ...info, level: info.level.toUpperCase() }))();
    const names = Object.keys(levels);
    const logger = createLogger({ levels, level: names.at(-1), format: format.combine(shouting, format.simple()) });
    logger.add(console);
    for (const level of names) logger.log(level, "50%%");
  }
  const ofLevel = (wanted) => written.filter(([level]) => level === wanted).map(([, line]) => line.toLowerCase());
  const named = (names) => names.split(" ").map((name) => `${name}: 50%%`);
  assert.deepEqual(ofLevel("error"), named("error emerg alert crit error fatal"));
  assert.deepEqual(ofLevel("warn"), named("warn warning"));
  assert.deepEqual(ofLevel("info"), named("info notice info own"));
  assert.deepEqual(ofLevel("debug"), named("http verbose debug silly debug"));
});

test("transports of winston that need files or a network name themselves where they are made", async () => {
  for (const kind of ["File", "Http"]) {
    const made = `new transports.${kind}({ filename: "x" })`;
    const text = await refused({ "index.js": `${LOADED}createLogger({ transports: [${made}] });` });
    contains(text, `Error: winston.transports.${kind} is not available in a chaincode component`, "index.js:6");
  }
});
