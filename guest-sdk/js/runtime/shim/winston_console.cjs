// winston's console transport: its lines have their level in the peer's log, like those of `console`.

// The key of a line's original level in winston, even if a format changes `level`.
const LEVEL = Symbol.for("level");
// The levels of npm, of syslog and of others. Unlisted levels become "info".
const NAMES = {
  error: ["emerg", "alert", "crit", "critical", "fatal", "error"],
  warn: ["warn", "warning"],
  debug: ["http", "verbose", "debug", "silly", "trace"],
};
const PEER_LEVELS = new Map(Object.entries(NAMES).flatMap(([level, names]) => names.map((name) => [name, level])));

// `Transport` is the class of the contract's own winston; `write` writes to the peer's log.
module.exports = (Transport, write) =>
  class Console extends Transport {
    #level;
    constructor(options) {
      super(options);
      this._consoleLog = (line) => write(PEER_LEVELS.get(this.#level) ?? "info", String(line));
    }
    log(info, callback) {
      this.#level = info[LEVEL];
      return super.log(info, callback);
    }
  };
