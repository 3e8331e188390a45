// The library behind the command `wasmcc-js`.
import { bundle } from "./bundle.js";
import { ENGINES, componentize } from "./componentize.js";
import { BuildError } from "./error.js";
import { readProject } from "./project.js";

export { BuildError, ENGINES };

// Builds the contract in `folder`, from its module `main` if that is given. Returns the component's bytes and warnings for a person. Fails with a
// BuildError if the contract cannot be built.
export async function build(folder, { engine = "quickjs", main } = {}) {
  if (!Object.hasOwn(ENGINES, engine)) {
    throw new BuildError(`unknown engine ${engine}: ${Object.keys(ENGINES).join(" or ")}`);
  }
  const { text, warnings } = await bundle(readProject(folder, main));
  return { component: await componentize(text, engine), warnings };
}
