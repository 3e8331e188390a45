// Finds state outside of the ledger in the contract's own files: module variables and contract fields that functions
// change. Each transaction has a fresh copy of them.
//
// Does not follow values into other variables, arguments or packages.
import ts from "typescript";

import { messageAt } from "./messages.js";

export const ALLOW = "wasmcc: allow";
const CONTAINERS = new Set(["Array", "Map", "Set", "WeakMap", "WeakSet"]);
// Methods that change an object of these classes.
const CHANGING = new Set(
  "add clear copyWithin delete fill pop push reverse set shift sort splice unshift".split(" "),
);
// A value that is computed once and cached is the same in every transaction.
const KEEPING = new Set([ts.SyntaxKind.QuestionQuestionEqualsToken, ts.SyntaxKind.BarBarEqualsToken]);
const GLOBAL = new Set(["global", "globalThis"]);

// Returns esbuild messages: for each such variable or field of `files`, one for the first change.
export function keptState(files, reader = read) {
  return files.flatMap((file) => {
    const module = reader(file);
    const found = new Map();
    const visit = (node) => {
      for (const { target, isCall } of changes(node)) {
        const name = isAtLoad(node) ? undefined : kept(module, target, isCall);
        if (name && !found.has(name)) found.set(name, messageAt(module.source, node, toldOf(name), name.length));
      }
      ts.forEachChild(node, visit);
    };
    visit(module.source);
    return [...found.values()].filter((message) => !isAllowed(message));
  });
}

const toldOf = (name) => `${name} is reset in each transaction; store lasting data on the ledger`;

// Returns true if the line has the comment that allows it.
export const isAllowed = ({ location }) => location.lineText.includes(ALLOW);

// Returns true for an expression with `=`, `+=`, `??=` or another such operator.
export function isAssignment(node) {
  if (!ts.isBinaryExpression(node)) return false;
  const { kind } = node.operatorToken;
  return kind >= ts.SyntaxKind.FirstAssignment && kind <= ts.SyntaxKind.LastAssignment;
}

// Returns a file's syntax tree, with what its names denote. Takes some time.
export function read(file) {
  const options = { allowJs: true, noLib: true, noResolve: true, types: [], target: ts.ScriptTarget.Latest };
  const program = ts.createProgram([file], options);
  return { source: program.getSourceFile(file), checker: program.getTypeChecker() };
}

// Returns the expressions whose value a node changes.
function changes(node) {
  if (ts.isBinaryExpression(node)) {
    return isAssignment(node) && !KEEPING.has(node.operatorToken.kind) ? assigned(node.left) : [];
  }
  if (ts.isPrefixUnaryExpression(node) || ts.isPostfixUnaryExpression(node)) {
    const { PlusPlusToken, MinusMinusToken } = ts.SyntaxKind;
    return [PlusPlusToken, MinusMinusToken].includes(node.operator) ? [{ target: node.operand }] : [];
  }
  if (ts.isDeleteExpression(node)) return [{ target: node.expression }];
  if (ts.isForInStatement(node) || ts.isForOfStatement(node)) {
    return ts.isVariableDeclarationList(node.initializer) ? [] : assigned(node.initializer);
  }
  if (ts.isCallExpression(node) && ts.isPropertyAccessExpression(node.expression)) {
    const { expression: target, name } = node.expression;
    return CHANGING.has(name.text) ? [{ target, isCall: true }] : [];
  }
  return [];
}

// Returns the targets of an assignment, which may be a pattern.
function assigned(left) {
  if (ts.isArrayLiteralExpression(left)) return left.elements.flatMap(assigned);
  if (ts.isSpreadElement(left)) return assigned(left.expression);
  if (ts.isObjectLiteralExpression(left)) {
    return left.properties.flatMap((property) =>
      property.initializer ? assigned(property.initializer) : [{ target: property.name ?? property.expression }],
    );
  }
  // `[a = 5]`: a target with a default value.
  if (ts.isBinaryExpression(left)) return assigned(left.left);
  return [{ target: left }];
}

// Returns the name of the module variable or contract field that a target belongs to; undefined for others.
function kept({ checker }, target, isCall) {
  const path = [];
  let root = target;
  for (;;) {
    if (ts.isPropertyAccessExpression(root) || ts.isElementAccessExpression(root)) path.push(root);
    else if (!ts.isParenthesizedExpression(root) && !ts.isAsExpression(root) && !ts.isNonNullExpression(root)) break;
    root = root.expression;
  }
  const first = path.at(-1);
  if (root.kind === ts.SyntaxKind.ThisKeyword) return first && keptField(first, isCall && path.length === 1);
  if (!ts.isIdentifier(root)) return undefined;
  const declaration = declarationOf(checker, root);
  if (!declaration) return GLOBAL.has(root.text) && first ? first.getText() : undefined;
  if (!isOfModule(declaration)) return undefined;
  return !isCall || isChangedByCalls(declaration, path.length) ? root.text : undefined;
}

export function declarationOf(checker, name) {
  const symbol = ts.isShorthandPropertyAssignment(name.parent)
    ? checker.getShorthandAssignmentValueSymbol(name.parent)
    : checker.getSymbolAtLocation(name);
  return symbol?.declarations?.[0];
}

// For imports, returns true for the contract's own modules.
function isOfModule(declaration) {
  for (let node = declaration; node; node = node.parent) {
    if (ts.isImportDeclaration(node)) return node.moduleSpecifier.text.startsWith(".");
    if (ts.isSourceFile(node)) return true;
    if (node !== declaration && (ts.isFunctionLike(node) || ts.isClassLike(node))) return false;
    if (ts.isParameter(node) || ts.isCatchClause(node)) return false;
  }
  return false;
}

// Returns true if a method such as `set` changes the value: a container, or one in an object `depth` levels deep.
function isChangedByCalls(declaration, depth) {
  if (!ts.isVariableDeclaration(declaration)) return depth > 0;
  const { initializer } = declaration;
  return depth > 0 ? initializer && ts.isObjectLiteralExpression(initializer) : isContainer(initializer);
}

function isContainer(value) {
  if (!value) return false;
  if (ts.isArrayLiteralExpression(value)) return true;
  return ts.isNewExpression(value) && ts.isIdentifier(value.expression) && CONTAINERS.has(value.expression.text);
}

// Returns the contract field that a method changes, as in `this.count`.
function keptField(access, isCall) {
  let method = access.parent;
  while (!ts.isSourceFile(method) && (!ts.isFunctionLike(method) || ts.isArrowFunction(method))) method = method.parent;
  const owner = method.parent;
  if (!ts.isMethodDeclaration(method) || !ts.isClassLike(owner) || !isContract(owner)) return undefined;
  const field = access.name?.text;
  const declared = owner.members.find(({ name }) => field && name?.text === field);
  return !isCall || isContainer(declared?.initializer) ? access.getText() : undefined;
}

// Returns true for a class that extends Fabric's contract, or has the functions of a chaincode.
function isContract(owner) {
  const base = owner.heritageClauses?.find(({ token }) => token === ts.SyntaxKind.ExtendsKeyword)?.types[0];
  const isInvoke = ({ name }) => name?.getText() === "Invoke";
  return base?.expression.getText().endsWith("Contract") || owner.members.some(isInvoke);
}

// Returns true if a node runs only when the contract is loaded: outside of functions, in the constructor of a contract, or
// in a callback of a call there.
function isAtLoad(node) {
  for (let inner = node; inner; inner = inner.parent) {
    if (ts.isConstructorDeclaration(inner) && isContract(inner.parent)) return true;
    if (ts.isFunctionLike(inner) && !isGivenToCall(inner)) return false;
  }
  return true;
}

function isGivenToCall(inner) {
  let outer = inner.parent;
  while (ts.isParenthesizedExpression(outer)) outer = outer.parent;
  return ts.isCallExpression(outer) || ts.isNewExpression(outer);
}
