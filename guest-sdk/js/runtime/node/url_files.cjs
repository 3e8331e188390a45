// The functions of node:url for files, domains and options of requests.
const path = require("path");

const { toUnicode } = require("./domains.cjs");
const { URL } = require("./url_standard.cjs");

const encoded = (character) => `%${character.charCodeAt(0).toString(16).toUpperCase().padStart(2, "0")}`;

const failure = (code, text) => Object.assign(new TypeError(text), { code });
const wrongType = (name, kinds) => failure("ERR_INVALID_ARG_TYPE", `The "${name}" argument must be ${kinds}.`);

exports.wrongType = wrongType;

exports.fileURLToPath = (given) => {
  const url = typeof given === "string" ? new URL(given) : given;
  if (!(url instanceof URL)) throw wrongType("path", "of type string or an instance of URL");
  if (url.protocol !== "file:") throw failure("ERR_INVALID_URL_SCHEME", "The URL must be of scheme file");
  if (url.hostname) {
    throw failure("ERR_INVALID_FILE_URL_HOST", 'File URL host must be "localhost" or empty on linux');
  }
  if (/%2f/i.test(url.pathname)) {
    throw failure("ERR_INVALID_FILE_URL_PATH", "File URL path must not include encoded / characters");
  }
  return decodeURIComponent(url.pathname);
};

exports.pathToFileURL = (file) => {
  if (typeof file !== "string") throw wrongType("path", "of type string");
  const whole = path.resolve(file);
  const url = new URL("file://");
  const isFolder = file.endsWith("/") && !whole.endsWith("/");
  url.pathname = `${whole}${isFolder ? "/" : ""}`.replace(/[%\\\n\r\t~[\]|]/g, encoded);
  return url;
};

exports.urlToHttpOptions = (url) => {
  const { protocol, hostname, hash, search, pathname, href, port, username, password } = url;
  const options = Object.assign(Object.create(null), url, {
    protocol,
    hostname: hostname.replace(/^\[(.*)\]$/, "$1"),
    hash,
    search,
    pathname,
    path: pathname + search,
    href,
  });
  if (port !== "") options.port = Number(port);
  if (username || password) options.auth = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  return options;
};

// Returns the host of a URL with this domain; an empty text if there is none.
function hostOf(args) {
  if (args.length === 0) throw failure("ERR_MISSING_ARGS", 'The "domain" argument must be specified');
  // The URL would have another host, credentials or a port.
  const [domain] = String(args[0]).split(/[/?#\\]/);
  if (!domain || /[@:]/.test(domain.replace(/^\[.*\]$/, ""))) return "";
  return URL.parse(`ws://${args[0]}`)?.hostname ?? "";
}
exports.domainToASCII = (...args) => hostOf(args);
exports.domainToUnicode = (...args) => toUnicode(hostOf(args));
