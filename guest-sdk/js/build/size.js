// Finds the reason for a large component: nine tenths of it are the memory of loaded modules.

// The size limit of peers in bytes; --component-mib and programs that embed a peer may set another.
export const LIMIT = 32 * 2 ** 20;
// The number of packages in the message.
const NAMED = 5;
const PACKAGE = /.*(?:^|\/)node_modules\/((?:@[^/]+\/)?[^/]+)/;

// Returns an esbuild message about a component of this size; `inputs` are esbuild's statistics of the bundle's modules.
export function tooLarge(bytes, inputs) {
  const sizes = new Map();
  for (const [file, { bytesInOutput }] of Object.entries(inputs)) {
    const name = PACKAGE.exec(file.replaceAll("\\", "/"))?.[1] ?? "the contract itself";
    sizes.set(name, (sizes.get(name) ?? 0) + bytesInOutput);
  }
  const largest = [...sizes].sort(([, one], [, other]) => other - one).slice(0, NAMED);
  const shown = largest.map(([name, size]) => `${name} ${Math.ceil(size / 1024)}`);
  return {
    text:
      `The component has ${bytes} bytes, and peers accept ${LIMIT} unless they have another --component-mib: it contains the memory of all modules that it has loaded. ` +
      `The largest packages, in KiB of their source: ${shown.join(", ")}.`,
  };
}
