// `util` for Fabric's data marshaller, which inspects each argument for a debug line even if the line is not written.
const { inspect } = require("util/");
const { getLogger } = require("./logger.cjs");

const logger = getLogger("contracts-spi/datamarshall.js");

exports.inspect = (value) => (logger.isLevelEnabled("debug") ? inspect(value) : "");
