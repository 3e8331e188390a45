// The command `wasmcc-js`.
import fs from "node:fs";
import { parseArgs } from "node:util";

import { BuildError, ENGINES, build } from "./index.js";
import { dependencies } from "./sources.js";

const USAGE = `usage: wasmcc-js build [DIR] --output FILE [--main FILE] [--engine ${Object.keys(ENGINES).join("|")}]

Builds the chaincode in DIR (this folder), written for fabric-contract-api or fabric-shim, as a component. A file beside
it, with the ending .d, names the sources as cargo does.

  --main FILE    the module to start, in DIR; otherwise package.json names it
  --engine NAME  the JavaScript engine inside the component (quickjs)
`;

// Runs the command and returns the exit code: 0 built, 1 failed, 2 wrong arguments.
export async function main(args) {
  let parsed;
  try {
    const options = {
      output: { type: "string", short: "o" },
      main: { type: "string" },
      engine: { type: "string", default: "quickjs" },
      help: { type: "boolean", short: "h", default: false },
    };
    parsed = parseArgs({ args, options, allowPositionals: true });
  } catch (error) {
    process.stderr.write(`${error.message}\n${USAGE}`);
    return 2;
  }
  const [verb, folder = ".", ...rest] = parsed.positionals;
  if (parsed.values.help) {
    process.stdout.write(USAGE);
    return 0;
  }
  if (verb !== "build" || rest.length > 0 || !parsed.values.output) {
    process.stderr.write(USAGE);
    return 2;
  }
  try {
    const { engine, main, output } = parsed.values;
    const previous = fs.statSync(output, { throwIfNoEntry: false })?.isFile() ? fs.readFileSync(output) : undefined;
    const { component, sources, warnings } = await build(folder, { engine, main, previous });
    if (warnings) process.stderr.write(`${warnings}\n`);
    if (component !== previous) fs.writeFileSync(output, component);
    const { file, text } = dependencies(output, sources);
    if (fs.statSync(output).isFile() && file !== output) fs.writeFileSync(file, text);
    return 0;
  } catch (error) {
    if (!(error instanceof BuildError) && !error.code) throw error;
    process.stderr.write(`error: ${error.message}\n`);
    return 1;
  }
}
