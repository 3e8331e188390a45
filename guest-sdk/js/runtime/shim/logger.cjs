// The loggers of fabric-shim and fabric-contract-api, without winston: they write to the peer's log.
const { format, write } = require("../console.js");
const { stackOf } = require("../node/format.cjs");

// winston's levels, mapped to levels of the peer's log.
const LEVELS = { fatal: 0, error: 0, warn: 1, info: 2, http: 3, verbose: 4, debug: 5, silly: 6 };
const PEER_LEVELS = ["error", "warn", "info", "debug", "debug", "debug", "debug"];
// Matches a conversion of `util.format`.
const CONVERSION = /%[sdifjoOc%]/;

// Maps Fabric's level names to winston's.
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
// Replaces a log function whose level is off. Fabric's shim logs in most of its calls, and collecting the arguments
// takes longer than testing the level.
function silent() {
  return this;
}

// Formats values after the message like Fabric's loggers: data completely, and the stack of `{ error }`.
function dataText(value) {
  if (typeof value !== "object" || value === null || value instanceof Error) return value;
  try {
    const { error } = value;
    if (!error) return JSON.stringify(value);
    return typeof error.stack === "string" ? stackOf(error) : error.message;
  } catch {
    return value;
  }
}

const isFormat = (first) => typeof first === "string" && CONVERSION.test(first);
const text = (args) => format(...(isFormat(args[0]) ? args : args.map(dataText)));

class Logger {
  // Not private: children inherit it.
  _level;
  _profiles = new Set();
  transports = [];
  constructor(name) {
    this.name = name;
    this.level = winstonLevel(process.env.CORE_CHAINCODE_LOGGING_LEVEL);
  }
  get level() {
    return this._level;
  }
  set level(level) {
    this._level = level;
    for (const name of Object.keys(LEVELS)) this[name] = this.isLevelEnabled(name) ? writers[name] : silent;
  }
  get levels() {
    const { fatal, ...levels } = LEVELS;
    return levels;
  }
  log(level, ...args) {
    if (typeof level === "object") return this.log(level.level, level.message);
    if (this.isLevelEnabled(level)) write(PEER_LEVELS[LEVELS[level]], `[${this.name}] ${text(args)}`);
    return this;
  }
  write(info) {
    this.log(info);
    return true;
  }
  isLevelEnabled(level) {
    return LEVELS[level] <= LEVELS[this.level];
  }
  // Fabric's loggers write no metadata.
  child() {
    return Object.create(this);
  }
  // The clock does not advance, so there are no durations.
  startTimer() {
    return { logger: this, done: ({ level = "info", message } = {}) => this.write({ level, message }) };
  }
  profile(id, { level = "info", message = id } = {}) {
    if (!this._profiles.delete(id)) this._profiles.add(id);
    else this.log(level, message);
    return this;
  }
}

for (const level of Object.keys(LEVELS)) {
  const name = `is${level[0].toUpperCase()}${level.slice(1)}Enabled`;
  Logger.prototype[name] = function () {
    return this.isLevelEnabled(level);
  };
}
// All lines go to one place, and no event ever occurs.
for (const name of ["add", "clear", "close", "configure", "end", "off", "on", "once", "remove", "removeListener"]) {
  Logger.prototype[name] = silent;
}

exports.getLogger = (name = "") => {
  if (!loggers.has(name)) loggers.set(name, new Logger(name));
  return loggers.get(name);
};

exports.setLevel = (level) => {
  for (const logger of loggers.values()) logger.level = winstonLevel(level);
  process.env.CORE_CHAINCODE_LOGGING_LEVEL = winstonLevel(level);
};
