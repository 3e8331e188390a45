// node:tty where there is no terminal. Packages that write in colours ask when they are loaded.
const { naming } = require("./naming.cjs");

module.exports = naming("tty", { isatty: () => false });
