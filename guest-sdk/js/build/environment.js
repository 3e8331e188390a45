// The environment variables of a contract: those of the file `.env` that the package dotenv reads.
import fs from "node:fs";
import path from "node:path";
import ts from "typescript";

import { ALLOW, declarationOf, isAllowed, isAssignment, read } from "./kept_state.js";
import { messageAt } from "./messages.js";
import { isFile } from "./tsconfig.js";

const NAME = ".env";
const OF_DOTENV = /[\\/]node_modules[\\/]dotenv[\\/]/;
const NAMESPACE = "dotenv-files";
// The names in such a file, as dotenv reads them.
const LINE = /^\s*(?:export\s+)?([\w.-]+)(?:\s*=|:\s)/gm;
// Variables of the process that Fabric starts: the runtime has them or replaces their use.
const OF_FABRIC = /^(CORE|CHAINCODE)_/;

// The esbuild plugin that adds the file `.env` beside package.json to contracts with dotenv. `runtime` returns the path
// of a file of the runtime.
export const dotenv = (runtime) => ({
  name: "dotenv",
  setup(build) {
    const root = build.initialOptions.absWorkingDir;
    const file = path.join(root, NAME);
    build.onResolve({ filter: /^(node:)?fs$/ }, ({ importer }) =>
      OF_DOTENV.test(importer) ? { path: NAME, namespace: NAMESPACE } : undefined,
    );
    const from = (file) => `require(${JSON.stringify(file)})`;
    build.onLoad({ filter: /^/, namespace: NAMESPACE }, () => ({
      contents: `module.exports = ${from(runtime("node/env_file.cjs"))}(${isFile(file) ? from(file) : ""});`,
      resolveDir: root,
    }));
    // It keeps its name if it is a symbolic link.
    build.onResolve({ filter: /[\\/]\.env$/, namespace: NAMESPACE }, (args) =>
      args.path === file ? { path: file } : undefined,
    );
    // As a file of its own, it is one of the component's sources.
    build.onLoad({ filter: /[\\/]\.env$/ }, (args) =>
      args.path === file ? { contents: fs.readFileSync(file, "utf8"), loader: "text" } : undefined,
    );
  },
});

// Returns the names of the variables that a contract has, by esbuild's list of its modules.
export function variablesOf({ root }, { inputs }) {
  return [...textOf(root, inputs).matchAll(LINE)].map(([, name]) => name);
}

const textOf = (root, inputs) =>
  Object.hasOwn(inputs, NAME) ? fs.readFileSync(path.join(root, NAME), "utf8") : "";

// Returns an esbuild message about the file if it is in the component and does not allow that: all values in a
// component can be read, also of variables that the contract does not use.
export function included(project, metafile) {
  const content = textOf(project.root, metafile.inputs);
  const names = [...new Set(variablesOf(project, metafile))];
  const isComment = (line) => line.trimStart().startsWith("#");
  const allows = content.split("\n").some((line) => isComment(line) && line.includes(ALLOW));
  if (names.length === 0 || allows) return [];
  const text =
    `the component contains the whole file .env, and all organizations that install it can read: ${names.join(", ")}. ` +
    `Keep secrets elsewhere, or allow it by a line "# ${ALLOW}"`;
  const [first] = content.matchAll(LINE);
  const line = content.slice(0, first.index + first[0].length).split("\n").length;
  // The warning shows no value.
  const [lineText] = names;
  const file = path.join(project.root, NAME);
  return [{ text, location: { file, line, column: 0, length: lineText.length, lineText } }];
}

// Returns esbuild messages: for each file of `files` and each variable that is not set, one for the first use. `known`
// has the names of variables that are set.
export function unsetVariables(files, known, reader = read) {
  const texts = files.map((file) => [file, fs.readFileSync(file, "utf8")]);
  const uses = texts.filter(([, text]) => /\benv\b/.test(text)).map(([file]) => usesIn(reader(file)));
  const set = new Set([...known, ...uses.flatMap(({ assigned }) => assigned)]);
  return uses.flatMap(({ source, found }) => {
    const isUnset = ([name]) => !set.has(name) && !OF_FABRIC.test(name);
    const messages = [...found].filter(isUnset).map(([name, node]) => message(source, node, name));
    return messages.filter((message) => !isAllowed(message));
  });
}

// Returns the first use of each variable in a file, and the names of those that it assigns.
function usesIn({ source, checker }) {
  const found = new Map();
  const assigned = [];
  const visit = (node) => {
    assigned.push(...assignedByCall(checker, node));
    for (const [name, use] of variables(checker, node)) {
      if (isAssigned(use)) assigned.push(name);
      else if (ts.isDeleteExpression(use.parent)) continue;
      else if (!found.has(name)) found.set(name, use);
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
  return { source, found, assigned };
}

// Returns the variables that a node reads, as pairs of the name and the node.
function variables(checker, node) {
  if (ts.isPropertyAccessExpression(node)) return isEnv(checker, node.expression) ? [[node.name.text, node]] : [];
  if (ts.isElementAccessExpression(node)) {
    const { expression, argumentExpression: name } = node;
    return ts.isStringLiteralLike(name) && isEnv(checker, expression) ? [[name.text, node]] : [];
  }
  const isPattern = ts.isVariableDeclaration(node) && ts.isObjectBindingPattern(node.name);
  if (!isPattern || !isEnv(checker, node.initializer)) return [];
  const elements = node.name.elements.filter(({ dotDotDotToken }) => !dotDotDotToken);
  return elements.map((element) => [(element.propertyName ?? element.name).text, element]).filter(([name]) => name);
}

// Returns true for `process.env`, also by a variable.
function isEnv(checker, node) {
  if (node === undefined) return false;
  if (ts.isPropertyAccessExpression(node)) return /^(global(This)?\.)?process\.env$/.test(node.getText());
  const declaration = ts.isIdentifier(node) ? declarationOf(checker, node) : undefined;
  if (declaration === undefined) return false;
  if (ts.isVariableDeclaration(declaration)) return isProcessEnv(declaration);
  return ts.isBindingElement(declaration) && isOfProcess(declaration);
}

// `const env = process.env`
const isProcessEnv = ({ initializer }) => initializer !== undefined && /^process\.env$/.test(initializer.getText());

// `const { env } = process`
function isOfProcess({ propertyName, name, parent }) {
  const initializer = parent.parent.initializer;
  return (propertyName ?? name).getText() === "env" && initializer?.getText() === "process";
}

// `process.env.NAME = "x"`, also by `??=` and similar operators
const isAssigned = (node) => isAssignment(node.parent) && node.parent.left === node;

// `Object.assign(process.env, { NAME: "x" })`
function assignedByCall(checker, node) {
  if (!ts.isCallExpression(node) || node.expression.getText() !== "Object.assign") return [];
  const [target, ...sources] = node.arguments;
  if (!isEnv(checker, target)) return [];
  const properties = sources.filter(ts.isObjectLiteralExpression).flatMap((source) => [...source.properties]);
  return properties.map(({ name }) => name?.text).filter((name) => name !== undefined);
}

const message = (source, node, name) =>
  messageAt(
    source,
    node,
    `process.env.${name} is not set in a chaincode component: write the value in the source, or in a file .env beside ` +
      "package.json that the contract reads by the package dotenv",
    node.getText().length,
  );
