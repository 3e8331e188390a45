// node:url without the functions that are older than the URL Standard.
const { URL, URLSearchParams } = require("whatwg-url");

const { naming } = require("./naming.cjs");

module.exports = naming("url", { URL, URLSearchParams });
