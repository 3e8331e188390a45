// Finds functions and fields of Fabric's shim 1.4 that later releases lack, in the contract's own files.
import ts from "typescript";

import { declarationOf, isAllowed } from "./kept_state.js";
import { messageAt } from "./messages.js";
import { isForFirst } from "./versions.js";

const CERTIFICATE = "getX509Certificate";
// For each lost member: the function that returned its owner, or the owner's own name, and what replaces the member.
const LOST = {
  getX509Certificate: [
    undefined,
    "new X509Certificate(ctx.clientIdentity.getIDBytes()) of the module crypto; its `subject` is a text with lines such " +
      "as CN=name",
  ],
  getIdBytes: ["getCreator", "getCreator().idBytes, a Uint8Array"],
  id_bytes: ["getCreator", "getCreator().idBytes, a Uint8Array"],
  getMspid: ["getCreator", "getCreator().mspid"],
  getSeconds: ["getTxTimestamp", "getTxTimestamp().seconds"],
  getNanos: ["getTxTimestamp", "getTxTimestamp().nanos"],
  toBuffer: ["getTransient", "Buffer.from(value): values of getTransient() are Uint8Arrays"],
  fetched_records_count: ["metadata", "metadata.fetchedRecordsCount"],
  tx_id: ["value", "value.txId"],
  getTxId: ["value", "value.txId"],
  is_delete: ["value", "value.isDelete"],
  getIsDelete: ["value", "value.isDelete"],
};

// Returns esbuild messages for a contract that is written for the shim 1.x: for each file of `files` and each such
// member, one for the first use.
export function lostMembers(project, files, reader) {
  if (!isForFirst(project)) return [];
  return files.flatMap((file) => {
    const { source, checker } = reader(file);
    const found = new Map();
    const visit = (node) => {
      if (isLost(checker, node) && !found.has(node.name.text)) found.set(node.name.text, message(source, node.name));
      ts.forEachChild(node, visit);
    };
    visit(source);
    return [...found.values()].filter((message) => !isAllowed(message));
  });
}

function isLost(checker, node) {
  if (!ts.isPropertyAccessExpression(node) || !Object.hasOwn(LOST, node.name.text)) return false;
  const { expression, name } = node;
  if (name.text === CERTIFICATE) return expression.kind !== ts.SyntaxKind.ThisKeyword;
  const [owner] = LOST[name.text];
  const from = ts.isPropertyAccessExpression(expression) ? expression.name : expression;
  const made = makers(checker, expression);
  // The contract's own data may have a field of the same name.
  return (from.text === owner && !made.includes("parse")) || made.includes(owner);
}

// Returns the names of the functions that an expression calls one after the other, also by variables. `seen` has the
// variables already followed.
function makers(checker, node, seen = new Set()) {
  if (node === undefined) return [];
  if (ts.isAwaitExpression(node) || ts.isParenthesizedExpression(node) || ts.isNonNullExpression(node)) {
    return makers(checker, node.expression, seen);
  }
  if (ts.isCallExpression(node) && ts.isPropertyAccessExpression(node.expression)) {
    const { expression, name } = node.expression;
    return [name.text, ...makers(checker, expression, seen)];
  }
  const declaration = ts.isIdentifier(node) ? declarationOf(checker, node) : undefined;
  if (declaration === undefined || seen.has(declaration) || !ts.isVariableDeclaration(declaration)) return [];
  return makers(checker, declaration.initializer, seen.add(declaration));
}

const message = (source, name) =>
  messageAt(
    source,
    name,
    `${name.text} is of fabric-shim 1.4 and does not exist in a component: use ${LOST[name.text][1]}`,
    name.text.length,
  );
