// Compiles the contract's own TypeScript: decorators need the types of their parameters, which esbuild drops.
import path from "node:path";
import { TraceMap, originalPositionFor } from "@jridgewell/trace-mapping";
import ts from "typescript";

import { importsByPattern } from "./imports.js";
import { importsBesideGlobals } from "./own_names.js";

const { ModuleKind, ScriptTarget } = ts;
const SOURCE_END = /^\.[cm]?tsx?$/;
const SOURCE = /\.[cm]?tsx?$/;
// The options of a project without a tsconfig.json; decorators are those that Fabric uses.
const DEFAULTS = { experimentalDecorators: true, module: ModuleKind.NodeNext };

// Returns the esbuild plugin for a project with these compiler options, and `inSource`, which maps esbuild's messages
// to places in the source. Decorators and modules are compiled as the project's own compiler does.
export function typescript({ root, title, typescript: own = DEFAULTS }) {
  const compilers = new Map();
  const compilerOf = (file) => {
    // `Preserve` is an ECMAScript module that keeps `import x = require(...)`.
    const module = isCommonJs(file, own, root) ? ModuleKind.CommonJS : ModuleKind.Preserve;
    if (!compilers.has(module)) compilers.set(module, compiler({ ...optionsOf(own), module }, placesOf(own)));
    return compilers.get(module);
  };
  const compiled = new Map();
  const plugin = {
    name: "typescript",
    setup(build) {
      // Resolves names of the package itself (`imports` and `exports` of package.json) to the compiled files' sources.
      build.onResolve({ filter: /^[^.]/ }, ({ path: name, importer }) => {
        const isOwn = name.startsWith("#") || name.startsWith(`${title}/`);
        const source = isOwn && SOURCE.test(importer) ? compilerOf(importer).sourceOf(name, importer) : undefined;
        return source && { path: source };
      });
      build.onLoad({ filter: SOURCE }, ({ path: file }) => {
        const { contents, source, diagnostics } = compilerOf(file).compile(file);
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

function placeInSource({ contents, source }, { line, column, length, lineText }) {
  // A message about the source itself comes from the compiler.
  if (contents.split("\n")[line - 1] !== lineText) return {};
  const [, base64] = /sourceMappingURL=data:application\/json;base64,(\S+)\s*$/.exec(contents);
  const map = new TraceMap(Buffer.from(base64, "base64").toString());
  const original = originalPositionFor(map, { line, column });
  if (original.line === null) return {};
  const found = nameInSource(source, original, lineText.slice(column, column + length));
  return { ...found, lineText: source.text.split(/\r?\n/)[found.line - 1] };
}

// Returns the position of a module's name in the statement at a place. For an import compiled to `require`, tsc only
// provides the begin of the statement.
function nameInSource(source, { line, column }, name) {
  const start = source.getPositionOfLineAndCharacter(line - 1, column);
  const statement = source.statements.find(({ end }) => start < end);
  const at = /^(["'`]).*\1$/.test(name) ? source.text.indexOf(name, start) : -1;
  if (at < 0 || !(at < statement?.end)) return { line, column };
  const found = source.getLineAndCharacterOfPosition(at);
  return { line: found.line + 1, column: found.character };
}

// Returns true if tsc compiles a file to a CommonJS module, as for Fabric's own runtime. The meaning of importing such
// a module then depends on the option `esModuleInterop`, which esbuild ignores.
function isCommonJs(file, { module, target = ScriptTarget.ES5 }, root) {
  if (/\.[cm]tsx?$/.test(file)) return /\.ctsx?$/.test(file);
  const kind = module ?? (target >= ScriptTarget.ES2015 ? ModuleKind.ES2015 : ModuleKind.CommonJS);
  if (kind >= ModuleKind.Node16 && kind <= ModuleKind.NodeNext) return !isOfModules(file);
  // Other packages choose their own kind of modules.
  return kind < ModuleKind.ES2015 && (file.startsWith(root + path.sep) || !isOfModules(file));
}

// Returns true if the package of a file has ECMAScript modules.
const isOfModules = (file) => ts.getImpliedNodeFormatForFile(file, undefined, ts.sys, NODES) === ModuleKind.ESNext;
const NODES = { module: ModuleKind.NodeNext, moduleResolution: ts.ModuleResolutionKind.NodeNext };

// Returns the project's options, without those about output files and those that esbuild handles later.
function optionsOf(own) {
  const { experimentalDecorators = false } = own;
  return {
    esModuleInterop: own.esModuleInterop ?? (own.module ?? 0) >= ModuleKind.Node16,
    allowSyntheticDefaultImports: own.allowSyntheticDefaultImports,
    baseUrl: own.baseUrl,
    paths: own.paths,
    pathsBasePath: own.pathsBasePath,
    customConditions: ["node", ...(own.customConditions ?? [])],
    strictNullChecks: own.strictNullChecks ?? own.strict,
    preserveConstEnums: own.preserveConstEnums,
    verbatimModuleSyntax: own.verbatimModuleSyntax,
    isolatedModules: own.isolatedModules,
    moduleResolution: ts.ModuleResolutionKind.Bundler,
    target: ScriptTarget.ES2022,
    // As with the project's own target.
    useDefineForClassFields: own.useDefineForClassFields ?? (own.target ?? 0) >= ScriptTarget.ES2022,
    experimentalDecorators,
    emitDecoratorMetadata: experimentalDecorators && (own.emitDecoratorMetadata ?? true),
    inlineSourceMap: true,
    // Types are read for the output but not checked, so JavaScript's standard types are not needed.
    noLib: true,
    types: [],
  };
}

// Returns the options by which the compiler finds the source of an output file.
const placesOf = ({ configFilePath, outDir, rootDir }) => ({ configFilePath, outDir, rootDir });

// Modules whose types add nothing to their exports, and take the longest to read.
const FABRICS = /^(fabric-|@hyperledger\/|node:)/;
const NOT_NEEDED = { resolvedModule: undefined };

// tsc writes no output for TypeScript within packages, and one file for two copies of a package. Packages of the
// contract's own repository may consist of sources only.
function withSources({ resolvedModule: found, ...others }) {
  const isSource = found !== undefined && SOURCE_END.test(found.extension);
  const resolvedModule = isSource ? { ...found, isExternalLibraryImport: false, packageId: undefined } : found;
  return { ...others, resolvedModule };
}

// Compiles each file together with its imports: only the imported file determines what a type is at run time, and
// whether a name is a type at all.
function compiler(options, places) {
  const host = ts.createCompilerHost(options);
  const resolving = { ...options, ...places };
  const cache = ts.createModuleResolutionCache(host.getCurrentDirectory(), (name) => name, resolving);
  // The types for the module that esbuild loads: a package may have other types for `require` than for `import`.
  const mode = options.module === ModuleKind.CommonJS ? ModuleKind.CommonJS : ModuleKind.ESNext;
  const resolve = (name, from) =>
    withSources(ts.resolveModuleName(name, from, resolving, host, cache, undefined, mode));
  host.resolveModuleNameLiterals = (modules, from) =>
    modules.map(({ text }) => (FABRICS.test(text) ? NOT_NEEDED : resolve(text, from)));
  let program;
  const sourceOf = (file) => {
    const known = program?.getSourceFile(file);
    if (known) return known;
    const roots = [...(program?.getRootFileNames() ?? []), file];
    program = ts.createProgram(roots, options, host, program);
    return program.getSourceFile(file);
  };
  const compile = (file) => {
    const source = sourceOf(file);
    let contents;
    const write = (_name, text) => {
      contents = text;
    };
    const after = [importsBesideGlobals(program.getTypeChecker()), importsByPattern];
    program.emit(source, write, undefined, false, { after });
    const isLost = contents === undefined && !source.isDeclarationFile;
    const lost = isLost ? [{ messageText: `the compiler of TypeScript makes nothing of ${file}` }] : [];
    return { contents: contents ?? "", source, diagnostics: [...program.getSyntacticDiagnostics(source), ...lost] };
  };
  const sourceOfName = (name, from) => {
    const { resolvedModule: found } = resolve(name, from);
    return found && SOURCE_END.test(found.extension) ? path.normalize(found.resolvedFileName) : undefined;
  };
  return { compile, sourceOf: sourceOfName };
}

function toMessage({ file, start, length, messageText }) {
  const text = ts.flattenDiagnosticMessageText(messageText, "\n");
  if (!file) return { text };
  const { line, character } = file.getLineAndCharacterOfPosition(start);
  const lineText = file.text.split(/\r?\n/)[line];
  return { text, location: { file: file.fileName, line: line + 1, column: character, length, lineText } };
}
