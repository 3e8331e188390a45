// Rewrites loops that QuickJS runs incorrectly.
//
// In `for (let ...)` each iteration has its own variables, which closures capture. QuickJS does not make new ones if an
// iteration ends with `continue`. So the body gets a label, and a `break` to it replaces `continue`: the iteration then
// ends normally.
import ts from "typescript";

// Returns the text of a script with these loops rewritten. Lines do not move.
export function withOwnRounds(text) {
  const source = ts.createSourceFile("contract.js", text, ts.ScriptTarget.Latest, true, ts.ScriptKind.JS);
  const edits = [];
  let count = 0;
  const visit = (node) => {
    if (hasRounds(node) && makesFunctions(node)) {
      const ends = continues(node);
      if (ends.length > 0) {
        const label = `__round${count++}`;
        const body = node.statement.getStart(source);
        edits.push({ start: body, end: body, text: `${label}: ` });
        for (const found of ends) edits.push({ start: found.getStart(source), end: found.end, text: `break ${label};` });
      }
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
  return edited(text, edits);
}

function hasRounds(node) {
  const { initializer } = ts.isForStatement(node) ? node : {};
  return initializer !== undefined && ts.isVariableDeclarationList(initializer) && (initializer.flags & ts.NodeFlags.Let) !== 0;
}

function makesFunctions(node) {
  return ts.forEachChild(node, (child) => ts.isFunctionLike(child) || makesFunctions(child)) ?? false;
}

// Returns the statements that end an iteration of this loop.
function continues(loop) {
  const labels = labelsOf(loop);
  const found = [];
  const visit = (node, isNearest) => {
    if (ts.isFunctionLike(node)) return;
    if (ts.isContinueStatement(node)) {
      if (node.label ? labels.has(node.label.text) : isNearest) found.push(node);
      return;
    }
    const isInside = isNearest && !ts.isIterationStatement(node, false);
    ts.forEachChild(node, (child) => visit(child, isInside));
  };
  visit(loop.statement, true);
  return found;
}

function labelsOf(loop) {
  const labels = new Set();
  for (let at = loop.parent; ts.isLabeledStatement(at); at = at.parent) labels.add(at.label.text);
  return labels;
}

function edited(text, edits) {
  edits.sort((one, other) => one.start - other.start);
  let at = 0;
  let all = "";
  for (const { start, end, text: own } of edits) {
    all += text.slice(at, start) + own;
    at = end;
  }
  return all + text.slice(at);
}
