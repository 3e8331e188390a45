// node:url: the URL Standard by the package `whatwg-url`, the older functions by the package `url`.
const { Url, format, parse, resolve, resolveObject } = require("url/");

const { toUnicode } = require("./domains.cjs");
const { wrongType, ...files } = require("./url_files.cjs");
const { URL, URLSearchParams } = require("./url_standard.cjs");

// Returns the text of a URL of the standard without the parts that are not asked for.
function shown({ href }, { auth = true, fragment = true, search = true, unicode = false } = {}) {
  const url = new URL(href);
  if (!auth) Object.assign(url, { username: "", password: "" });
  if (!fragment) url.hash = "";
  if (!search) url.search = "";
  const { host, hostname } = url;
  if (!unicode || !hostname) return url.href;
  // The host is the first text after the slashes, or after the credentials.
  const at = url.href.indexOf(host, url.href.indexOf(url.username || url.password ? "@" : "//"));
  return url.href.slice(0, at) + toUnicode(hostname) + url.href.slice(at + hostname.length);
}

const formatAny = (url, options) => {
  if (url instanceof URL) return shown(url, options ?? {});
  if (typeof url === "string" || (typeof url === "object" && url !== null)) return format(url);
  throw wrongType("urlObject", "one of type object or string");
};

module.exports = { Url, parse, resolve, resolveObject, format: formatAny, URL, URLSearchParams, ...files };
