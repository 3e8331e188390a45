// Keeps the original parameters of the contract's functions readable at run time: Fabric's decorators find the names of
// a transaction's parameters in the text of its function.
//
// esbuild renames a parameter if a name at the top of the bundle or a global is the same. It also moves parameters of
// asynchronous functions into an inner function. So the bundle has the originals in a comment beside such parameters;
// runtime/parameters.js reads it.
import { TraceMap, eachMapping } from "@jridgewell/trace-mapping";
import ts from "typescript";

import { ownName } from "./trace.js";

// Matches a bundle with asynchronous functions whose parameters moved to inner functions.
const FORWARDING = /\b__async(Generator)?\((this|null), (arguments|\[)/;

// Adds these comments to the text of a bundle with the source map `map`. Lines do not move.
export function withOwnParameters(text, map, root) {
  const { names, lines } = originals(map, root);
  if (names.size === 0 && !FORWARDING.test(text)) return text;
  const source = ts.createSourceFile("contract.js", text, ts.ScriptTarget.Latest, true, ts.ScriptKind.JS);
  const place = (at) => source.getLineAndCharacterOfPosition(at);
  const inserted = [];
  const visit = (node) => {
    const isMarked = isFunction(node) && mark(node);
    ts.forEachChild(node, (child) => (isMarked && ts.isParameter(child) ? undefined : visit(child)));
  };
  const mark = (node) => {
    const { pos, end } = node.parameters;
    if (text[pos - 1] !== "(" || !lines.has(place(pos).line + 1)) return false;
    const written = asWritten(text, (innerOf(node) ?? node).parameters, (at) => names.get(keyOf(place(at))));
    if (written === text.slice(pos, end)) return false;
    inserted.push({ at: pos, text: `/*<${inComment(written)}*/` }, { at: end, text: "/*>*/" });
    return true;
  };
  visit(source);
  return insert(text, inserted);
}

// Returns the names that esbuild replaced in the contract's own files, by place in the bundle, and the lines of these
// files.
function originals(map, root) {
  const names = new Map();
  const lines = new Set();
  const own = new Set(map.sources.filter((source) => ownName(source, root) !== undefined));
  eachMapping(new TraceMap(map), ({ generatedLine, generatedColumn, source, name }) => {
    if (!own.has(source)) return;
    lines.add(generatedLine);
    if (name !== null) names.set(keyOf({ line: generatedLine - 1, character: generatedColumn }), name);
  });
  return { names, lines };
}

const keyOf = ({ line, character }) => `${line}:${character}`;

const isFunction = (node) => ts.isFunctionLike(node) && node.body !== undefined;

// Returns the generator with an asynchronous function's parameters: `__async(this, arguments, function* (...) {})`.
function innerOf({ body }) {
  const [only, ...others] = ts.isBlock(body) ? body.statements : [];
  const isAlone = only !== undefined && others.length === 0 && ts.isReturnStatement(only);
  const call = ts.isBlock(body) ? isAlone && only.expression : body;
  if (!call || !ts.isCallExpression(call) || !/^__async(Generator)?$/.test(call.expression.text)) return undefined;
  const [, forwarded, inner] = call.arguments;
  const isForwarding = forwarded !== undefined && forwarded.kind !== ts.SyntaxKind.NullKeyword;
  return isForwarding && inner && ts.isFunctionExpression(inner) ? inner : undefined;
}

// Returns the text of parameters with their names in the contract.
function asWritten(text, parameters, nameAt) {
  const renamed = [];
  const visit = (node) => {
    const name = ts.isIdentifier(node) ? nameAt(node.getStart()) : undefined;
    if (name !== undefined) renamed.push({ start: node.getStart(), end: node.end, name });
    ts.forEachChild(node, visit);
  };
  parameters.forEach(visit);
  let at = parameters.pos;
  let written = "";
  for (const { start, end, name } of renamed) {
    written += text.slice(at, start) + name;
    at = end;
  }
  return written + text.slice(at, parameters.end);
}

// The backslash has no effect in strings and patterns, the only places where the end of a comment can occur.
const inComment = (text) => text.replaceAll("*/", "*\\/").replace(/\s*\n\s*/g, " ");

function insert(text, inserted) {
  inserted.sort((one, other) => one.at - other.at);
  let at = 0;
  let all = "";
  for (const { at: next, text: own } of inserted) {
    all += text.slice(at, next) + own;
    at = next;
  }
  return all + text.slice(at);
}
