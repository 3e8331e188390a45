// Modules, and groups of functions, that a component lacks parts of: what is missing names itself where it is called.

// What other code looks for to see what a value is.
const ASKED = new Set(["__esModule", "default", "then"]);

// Gives `known` a function for each member that it has not. The functions are those of its prototype, which esbuild
// takes for `import { member } from "module"`; and a class may extend one.
exports.naming = (name, known) => {
  const get = (target, member) =>
    member in target || typeof member === "symbol" || ASKED.has(member)
      ? target[member]
      : function () {
          throw new Error(`${name}.${member} is not available in a chaincode component`);
        };
  return Object.setPrototypeOf(known, new Proxy({}, { get }));
};

// What `require` throws for a module that a package can do without.
exports.notFound = (text) => Object.assign(new Error(text), { code: "MODULE_NOT_FOUND" });
