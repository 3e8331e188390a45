// The loggers of fabric-shim and fabric-contract-api, without winston: lines go to the peer's log.
const { write } = require("../console.js");
const { format } = require("util/");

// winston's levels, and what they are in the peer's log.
const LEVELS = { fatal: 0, error: 0, warn: 1, info: 2, http: 3, verbose: 4, debug: 5, silly: 6 };
const PEER_LEVELS = ["error", "warn", "info", "debug", "debug", "debug", "debug"];

// Fabric's names of levels, as winston's.
function winstonLevel(level) {
  const name = typeof level === "string" ? level.toLowerCase() : "info";
  const known = { critical: "fatal", error: "error", warning: "warn", debug: "debug" };
  return known[name] ?? "info";
}

const loggers = new Map();

const writers = {};
for (const level of Object.keys(LEVELS)) {
  writers[level] = function (...args) {
    return this.log(level, ...args);
  };
}
// In the place of a writer whose lines are not wanted. Fabric's shim has one for most of its calls, and
// gathering their arguments takes longer than to see that.
function silent() {
  return this;
}

class Logger {
  #level;
  constructor(name) {
    this.name = name;
    this.level = winstonLevel(process.env.CORE_CHAINCODE_LOGGING_LEVEL);
  }
  get level() {
    return this.#level;
  }
  set level(level) {
    this.#level = level;
    for (const name of Object.keys(LEVELS)) this[name] = this.isLevelEnabled(name) ? writers[name] : silent;
  }
  log(level, ...args) {
    if (typeof level === "object") return this.log(level.level, level.message);
    if (this.isLevelEnabled(level)) {
      write(PEER_LEVELS[LEVELS[level]], `[${this.name}] ${format(...args)}`);
    }
    return this;
  }
  isLevelEnabled(level) {
    return LEVELS[level] <= LEVELS[this.level];
  }
}

exports.getLogger = (name = "") => {
  if (!loggers.has(name)) loggers.set(name, new Logger(name));
  return loggers.get(name);
};

exports.setLevel = (level) => {
  for (const logger of loggers.values()) logger.level = winstonLevel(level);
  process.env.CORE_CHAINCODE_LOGGING_LEVEL = winstonLevel(level);
};
