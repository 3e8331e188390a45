// The loggers of fabric-shim and fabric-contract-api, without winston: lines go to the peer's log.
const { format, write } = require("../console.js");

// winston's levels, and what they are in the peer's log.
const LEVELS = { fatal: 0, error: 0, warn: 1, info: 2, http: 3, verbose: 4, debug: 5, silly: 6 };
const PEER_LEVELS = ["error", "warn", "info", "debug", "debug", "debug", "debug"];
// A conversion of `util.format`.
const CONVERSION = /%[sdifjoOc%]/;

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

// As Fabric's loggers write what follows the message: data whole, and of `{ error }` the stack.
function dataText(value) {
  if (typeof value !== "object" || value === null || value instanceof Error) return value;
  try {
    return value.error ? (value.error.stack ?? value.error.message) : JSON.stringify(value);
  } catch {
    return value;
  }
}

const text = (args) => format(...(CONVERSION.test(args[0]) ? args : args.map(dataText)));

class Logger {
  // No private member: children inherit it.
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
  // The clock stands still, so there are no durations.
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
// There is one place for all lines, and nothing that happens later.
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
