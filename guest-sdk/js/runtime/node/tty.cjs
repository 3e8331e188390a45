// node:tty without a terminal. Packages with coloured output query it when they are loaded.
const { naming } = require("./naming.cjs");

module.exports = naming("tty", { isatty: () => false });
