// Compiles the contract's own TypeScript: decorators need the types of their parameters, which esbuild
// leaves out.
import fs from "node:fs";
import path from "node:path";
import ts from "typescript";

// The plugin of esbuild for a project with these compiler options, if it has any. Decorators are those that
// its compiler makes of them; a project without options has Fabric's.
export function typescript(own) {
  const options = own ?? { experimentalDecorators: true };
  const { experimentalDecorators = false } = options;
  // Of the project's options, those that decide what a file does. The others are about files and checks.
  const compilerOptions = {
    module: ts.ModuleKind.ESNext,
    target: ts.ScriptTarget.ES2022,
    // As the project's own target has it.
    useDefineForClassFields:
      options.useDefineForClassFields ?? (options.target ?? 0) >= ts.ScriptTarget.ES2022,
    experimentalDecorators,
    emitDecoratorMetadata: experimentalDecorators && (options.emitDecoratorMetadata ?? true),
    preserveConstEnums: options.preserveConstEnums,
    verbatimModuleSyntax: options.verbatimModuleSyntax,
    inlineSourceMap: true,
  };
  return {
    name: "typescript",
    setup(build) {
      build.onLoad({ filter: /\.[cm]?tsx?$/ }, ({ path: file }) => {
        const source = fs.readFileSync(file, "utf8");
        const compiled = ts.transpileModule(source, {
          compilerOptions,
          fileName: file,
          reportDiagnostics: true,
        });
        return {
          contents: compiled.outputText,
          loader: "js",
          resolveDir: path.dirname(file),
          errors: (compiled.diagnostics ?? []).map(toMessage),
        };
      });
    },
  };
}

function toMessage({ file, start, length, messageText }) {
  const text = ts.flattenDiagnosticMessageText(messageText, "\n");
  if (!file) return { text };
  const { line, character } = file.getLineAndCharacterOfPosition(start);
  const lineText = file.text.split(/\r?\n/)[line];
  return { text, location: { file: file.fileName, line: line + 1, column: character, length, lineText } };
}
