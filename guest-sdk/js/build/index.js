// The library behind the command `wasmcc-js`.
import { bundle, readable } from "./bundle.js";
import { ENGINES, componentize } from "./componentize.js";
import { BuildError } from "./error.js";
import { blamed } from "./missing.js";
import { readProject } from "./project.js";
import { LIMIT, tooLarge } from "./size.js";

export { BuildError, ENGINES };

// Builds the contract in `folder`; `main` overrides its module. Returns the component's bytes, the source files outside
// of installed packages, and human-readable warnings. The bytes are `previous` if its input was the same. Fails with a
// BuildError if the contract cannot be built.
export async function build(folder, { engine = "quickjs", main, previous } = {}) {
  if (!Object.hasOwn(ENGINES, engine)) {
    throw new BuildError(`unknown engine ${engine}: ${Object.keys(ENGINES).join(" or ")}`);
  }
  const { text, inputs, warnings, missing, placeOf, sources } = await bundle(readProject(folder, main));
  let component;
  try {
    component = await componentize(text, engine, previous, placeOf);
  } catch (error) {
    const places = await readable(blamed(missing, error.message), "error");
    if (places) error.message += `\n\n${places}`;
    throw error;
  }
  if (component.length <= LIMIT) return { component, sources, warnings };
  const large = await readable([tooLarge(component.length, inputs)], "warning");
  return { component, sources, warnings: [warnings, large].filter(Boolean).join("\n\n") };
}
