// Renames imports that hide globals in the output of tsc: its decorator helpers and the types of decorated parameters
// use globals such as `Object`. Fabric has a decorator `Object`.
//
// In CommonJS modules, which tsc makes for Node.js, such an import is a property and hides nothing.
import ts from "typescript";

const GLOBALS = new Set(
  "Array BigInt Boolean Error Function Number Object Promise Reflect String SuppressedError Symbol TypeError".split(" "),
);

// The tsc transformer that renames them in the compiled file.
export const importsBesideGlobals = (checker) => (context) => (file) => {
  const { factory } = context;
  const names = new Map();
  for (const name of file.statements.filter(ts.isImportDeclaration).flatMap(bindings)) {
    if (!GLOBALS.has(name.text)) continue;
    const symbol = checker.getSymbolAtLocation(ts.getOriginalNode(name));
    if (symbol) names.set(symbol, factory.createUniqueName(name.text));
  }
  if (names.size === 0) return file;
  const visit = (node) => {
    const name = names.get(symbolOf(checker, node));
    if (name === undefined) return ts.visitEachChild(node, visit, context);
    if (ts.isImportSpecifier(node)) {
      return factory.updateImportSpecifier(node, node.isTypeOnly, node.propertyName ?? node.name, name);
    }
    if (ts.isExportSpecifier(node)) return factory.updateExportSpecifier(node, node.isTypeOnly, name, node.name);
    if (ts.isShorthandPropertyAssignment(node)) return factory.createPropertyAssignment(node.name, name);
    return name;
  };
  return ts.visitEachChild(file, visit, context);
};

// Returns the names that an import declares.
function bindings({ importClause }) {
  const { name, namedBindings } = importClause ?? {};
  const named = namedBindings && (ts.isNamespaceImport(namedBindings) ? [namedBindings] : namedBindings.elements);
  return [...(name ? [name] : []), ...(named ?? []).map(({ name }) => name)];
}

// Returns the symbol of a node that may be an import. Nodes that tsc made have no symbol.
function symbolOf(checker, node) {
  const original = ts.getOriginalNode(node);
  if (ts.isImportSpecifier(node)) return checker.getSymbolAtLocation(original.name);
  if (ts.isExportSpecifier(node)) return checker.getExportSpecifierLocalTargetSymbol(original);
  if (ts.isShorthandPropertyAssignment(node)) return checker.getShorthandAssignmentValueSymbol(original);
  return ts.isIdentifier(node) && GLOBALS.has(node.text) ? checker.getSymbolAtLocation(original) : undefined;
}
