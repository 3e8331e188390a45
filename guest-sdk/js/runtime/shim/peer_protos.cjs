module.exports = require("./protos.cjs").peer;
