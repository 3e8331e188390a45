// Compiles the contract's own TypeScript: decorators need the types of their parameters, which esbuild
// leaves out.
import path from "node:path";
import { TraceMap, originalPositionFor } from "@jridgewell/trace-mapping";
import ts from "typescript";

import { importsBesideGlobals } from "./own_names.js";

// For a project with these compiler options, if it has any: the plugin of esbuild, and `inSource`, which
// gives esbuild's messages about what was compiled their places in the source. Decorators are those that the
// project's compiler makes of them; a project without options has Fabric's.
export function typescript(own) {
  const compile = compiler(optionsOf(own ?? { experimentalDecorators: true }));
  const compiled = new Map();
  const plugin = {
    name: "typescript",
    setup(build) {
      build.onLoad({ filter: /\.[cm]?tsx?$/ }, ({ path: file }) => {
        const { contents, source, diagnostics } = compile(file);
        compiled.set(file, { contents, source });
        return { contents, loader: "js", resolveDir: path.dirname(file), errors: diagnostics.map(toMessage) };
      });
    },
  };
  const inSource = (messages, root) => {
    for (const { location, notes } of messages) {
      for (const place of [location, ...notes.map(({ location }) => location)]) {
        const found = place && compiled.get(path.resolve(root, place.file));
        if (found) Object.assign(place, placeInSource(found, place));
      }
    }
    return messages;
  };
  return { plugin, inSource };
}

function placeInSource({ contents, source }, { line, column, lineText }) {
  // A message about the source itself: the compiler's.
  if (contents.split("\n")[line - 1] !== lineText) return {};
  const [, base64] = /sourceMappingURL=data:application\/json;base64,(\S+)\s*$/.exec(contents);
  const map = new TraceMap(Buffer.from(base64, "base64").toString());
  const original = originalPositionFor(map, { line, column });
  if (original.line === null) return {};
  const { line: inSource, column: at } = original;
  return { line: inSource, column: at, lineText: source.text.split(/\r?\n/)[inSource - 1] };
}

// The project's options, but for those about what is written where, and for what esbuild does later.
function optionsOf(own) {
  const { experimentalDecorators = false } = own;
  return {
    allowSyntheticDefaultImports: own.allowSyntheticDefaultImports,
    baseUrl: own.baseUrl,
    paths: own.paths,
    pathsBasePath: own.pathsBasePath,
    strictNullChecks: own.strictNullChecks ?? own.strict,
    preserveConstEnums: own.preserveConstEnums,
    verbatimModuleSyntax: own.verbatimModuleSyntax,
    isolatedModules: own.isolatedModules,
    module: ts.ModuleKind.ESNext,
    moduleResolution: ts.ModuleResolutionKind.Bundler,
    target: ts.ScriptTarget.ES2022,
    // As the project's own target has it.
    useDefineForClassFields: own.useDefineForClassFields ?? (own.target ?? 0) >= ts.ScriptTarget.ES2022,
    experimentalDecorators,
    emitDecoratorMetadata: experimentalDecorators && (own.emitDecoratorMetadata ?? true),
    inlineSourceMap: true,
    // Types are looked at for what a file becomes, not checked: what JavaScript has by itself is not needed.
    noLib: true,
    types: [],
  };
}

// Modules whose types say nothing more than what they export, and take most of the time to read.
const FABRICS = /^(fabric-|@hyperledger\/|node:)/;
const NOT_NEEDED = { resolvedModule: undefined };

// Compiles files one by one, each with all that it imports: what a type of another file is at run time, and
// whether a name is a type at all, only that file says.
function compiler(options) {
  const host = ts.createCompilerHost(options);
  const cache = ts.createModuleResolutionCache(host.getCurrentDirectory(), (name) => name, options);
  host.resolveModuleNameLiterals = (modules, from) =>
    modules.map(({ text }) =>
      FABRICS.test(text) ? NOT_NEEDED : ts.resolveModuleName(text, from, options, host, cache),
    );
  let program;
  const sourceOf = (file) => {
    const known = program?.getSourceFile(file);
    if (known) return known;
    const roots = [...(program?.getRootFileNames() ?? []), file];
    program = ts.createProgram(roots, options, host, program);
    return program.getSourceFile(file);
  };
  return (file) => {
    const source = sourceOf(file);
    let contents = "";
    const write = (_name, text) => {
      contents = text;
    };
    program.emit(source, write, undefined, false, { after: [importsBesideGlobals(program.getTypeChecker())] });
    return { contents, source, diagnostics: program.getSyntacticDiagnostics(source) };
  };
}

function toMessage({ file, start, length, messageText }) {
  const text = ts.flattenDiagnosticMessageText(messageText, "\n");
  if (!file) return { text };
  const { line, character } = file.getLineAndCharacterOfPosition(start);
  const lineText = file.text.split(/\r?\n/)[line];
  return { text, location: { file: file.fileName, line: line + 1, column: character, length, lineText } };
}
