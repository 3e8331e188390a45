#!/usr/bin/env node
let cli;
try {
  cli = await import("../build/cli.js");
} catch (error) {
  // The first for `import`, the second for `require.resolve`, whose text has further lines.
  if (!["ERR_MODULE_NOT_FOUND", "MODULE_NOT_FOUND"].includes(error.code)) throw error;
  process.stderr.write(
    `error: wasmcc-js is here without the packages that it needs: ${error.message.split("\n", 1)[0]}\n` +
      "  hint: install it with `npm install --save-dev --install-links FOLDER`\n",
  );
  process.exit(1);
}
process.exitCode = await cli.main(process.argv.slice(2));
