#!/usr/bin/env node
let cli;
try {
  cli = await import("../build/cli.js");
} catch (error) {
  if (error.code !== "ERR_MODULE_NOT_FOUND") throw error;
  process.stderr.write(
    `error: wasmcc-js is here without the packages that it needs: ${error.message}\n` +
      "  hint: install it with `npm install --save-dev --install-links FOLDER`\n",
  );
  process.exit(1);
}
process.exitCode = await cli.main(process.argv.slice(2));
