// Replaces winston's transports: the console writes to the peer's log. Transports that need files or a network throw an
// error with their name when they are constructed.
import path from "node:path";

// The file that exports all transports.
const TRANSPORTS = /[\\/]node_modules[\\/]winston[\\/]lib[\\/]winston[\\/]transports[\\/]index\.js$/;
const [CONSOLE, NAMING] = ["winston-console", "winston-naming"];
const KINDS = { "./console": CONSOLE, "./file": NAMING, "./http": NAMING };
const NAMES = { file: "File", http: "Http" };

// Resolves a transport for esbuild that the file `importer` imports; undefined to use the file itself.
export function transport({ path: name, importer, resolveDir }, root) {
  if (!TRANSPORTS.test(importer) || !Object.hasOwn(KINDS, name)) return undefined;
  const file = path.join(resolveDir, name);
  return { path: path.relative(root, file), namespace: KINDS[name], pluginData: file };
}

// Makes these modules with esbuild; `runtime` returns the path of a file of the runtime.
export function makeTransports(build, runtime) {
  const make = (namespace, contents) =>
    build.onLoad({ filter: /^/, namespace }, ({ pluginData: file }) => ({
      contents: `module.exports = ${contents(file)};`,
      resolveDir: path.dirname(file),
    }));
  const from = (file) => `require(${JSON.stringify(file)})`;
  const own = from(runtime("shim/winston_console.cjs"));
  const log = from(runtime("console.js"));
  const naming = from(runtime("node/naming.cjs"));
  make(CONSOLE, (file) => `${own}(${from(file)}, ${log}.write)`);
  make(NAMING, (file) => `${naming}.naming("winston.transports", {}).${NAMES[path.basename(file)]}`);
}
