// What makes a component too large: nine tenths of one are the memory of the modules that it has loaded.

// What peers take, in bytes, unless a program that embeds one says otherwise.
export const LIMIT = 32 * 2 ** 20;
// How many packages are named.
const NAMED = 5;
const PACKAGE = /.*(?:^|\/)node_modules\/((?:@[^/]+\/)?[^/]+)/;

// A message of esbuild about a component of so many bytes; `inputs` are the modules of its bundle, as esbuild counts them.
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
      `The component has ${bytes} bytes, and peers take ${LIMIT}: it holds the memory of all modules that it has loaded. ` +
      `The largest packages, in KiB of their source: ${shown.join(", ")}.`,
  };
}
