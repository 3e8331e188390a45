// Incomplete modules and groups of functions: a missing function throws an error with its name when it is called.

// Properties that other code checks to classify a value.
const ASKED = new Set(["__esModule", "default", "then"]);

// Adds a function to `known` for each missing member. The functions are members of its prototype, because esbuild uses
// it for `import { member } from "module"`, and a class may extend one. Those of `names` are its own members, which
// packages copy.
exports.naming = (name, known, names = []) => {
  const missing = (member) =>
    function () {
      throw new Error(`${name}.${member} is not available in a chaincode component`);
    };
  const get = (target, member) =>
    member in target || typeof member === "symbol" || ASKED.has(member) ? target[member] : missing(member);
  for (const member of names) known[member] ??= missing(member);
  return Object.setPrototypeOf(known, new Proxy({}, { get }));
};

// Returns the error of `require` for a module that a package may not need.
exports.notFound = (text, code = "MODULE_NOT_FOUND") => Object.assign(new Error(text), { code });
