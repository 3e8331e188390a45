// The library behind the command `wasmcc-js`.
import { bundle, readable } from "./bundle.js";
import { ENGINES, componentize } from "./componentize.js";
import { BuildError } from "./error.js";
import { blamed } from "./missing.js";
import { readProject } from "./project.js";
import { LIMIT, tooLarge } from "./size.js";

export { BuildError, ENGINES };

const NOT_LOADED = "the contract does not load";
// The error of a contract that ended its process, as one does that lacks variables.
const ENDED = "the contract ends its process";

// Builds the contract in `folder`; `main` overrides its module. Returns the component's bytes, the source files outside
// of installed packages, and human-readable warnings. The bytes are `previous` if its input was the same. Fails with a
// BuildError if the contract cannot be built.
export async function build(folder, { engine = "quickjs", main, previous } = {}) {
  if (!Object.hasOwn(ENGINES, engine)) {
    throw new BuildError(`unknown engine ${engine}: ${Object.keys(ENGINES).join(" or ")}`);
  }
  const bundled = await bundle(readProject(folder, main));
  const { inputs, warnings, missing, placeOf, sources } = bundled;
  let component;
  try {
    component = await loaded(bundled, (text) => componentize(text, engine, previous, placeOf));
  } catch (error) {
    const places = await readable(blamed(missing, error.message), "error");
    if (places) error.message += `\n\n${places}`;
    throw error;
  }
  if (component.length <= LIMIT) return { component, sources, warnings };
  const large = await readable([tooLarge(component.length, inputs)], "warning");
  return { component, sources, warnings: [warnings, large].filter(Boolean).join("\n\n") };
}

// Loads the contract as one that a peer starts. If that fails, loads it as a service, with the variables of one: it may
// refuse to load without them.
async function loaded(bundled, load) {
  try {
    return await load(bundled.text);
  } catch (error) {
    if (!error.message.startsWith(NOT_LOADED)) throw error;
    return load(bundled.serviceText).catch((ofService) => {
      throw error.message.includes(ENDED) ? ofService : error;
    });
  }
}
