// `fs` for the package dotenv: the only file is the `.env` of the contract's folder.
const path = require("path");

const { naming } = require("./naming.cjs");

// `text` is the content of the file; undefined if there is none.
module.exports = (text) => {
  const has = (name) => text !== undefined && path.resolve("/", pathOf(name)) === "/.env";
  const need = (name, call) => {
    if (has(name)) return;
    const message = `ENOENT: no such file or directory, ${call} '${name}'`;
    throw Object.assign(new Error(message), { code: "ENOENT", errno: -2, syscall: call, path: name });
  };
  const stat = (call) => (name) => {
    need(name, call);
    return { isFile: () => true, isDirectory: () => false, isFIFO: () => false, isSymbolicLink: () => false };
  };
  // dotenv keeps variables that are set. Those of the runtime, which are accessors, give way to the file's.
  const giveWay = () => {
    for (const [name, { set }] of Object.entries(Object.getOwnPropertyDescriptors(process.env))) {
      if (set && new RegExp(`^\\s*(?:export\\s+)?${name}\\s*[=:]`, "m").test(text)) delete process.env[name];
    }
  };
  return naming("fs", {
    existsSync: has,
    readFileSync(name) {
      need(name, "open");
      giveWay();
      return text;
    },
    statSync: stat("stat"),
    lstatSync: stat("lstat"),
  });
};

// A name may be a URL.
const pathOf = (name) => String(name).replace(/^file:\/\//, "");
