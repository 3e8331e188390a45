// Lets esbuild see which modules a compiled `import()` may load, in TypeScript that becomes a CommonJS module.
//
// tsc compiles it to `Promise.resolve(`${name}`).then(s => require(s))`. esbuild finds the files of a computed name
// only if the name is in `require`.
import ts from "typescript";

// The tsc transformer that moves the name into `require`.
export const importsByPattern = (context) => (file) => {
  const { factory } = context;
  const visit = (node) => {
    const parts = importOf(node);
    if (!parts) return ts.visitEachChild(node, visit, context);
    const { promise, then, name, parameter, load } = parts;
    const replace = (inner) =>
      ts.isIdentifier(inner) && inner.text === parameter ? ts.visitNode(name, visit) : ts.visitEachChild(inner, replace, context);
    const loader = factory.createArrowFunction(undefined, undefined, [], undefined, undefined, replace(load));
    const begun = factory.createCallExpression(promise, undefined, []);
    return factory.createCallExpression(factory.createPropertyAccessExpression(begun, then), undefined, [loader]);
  };
  return ts.visitEachChild(file, visit, context);
};

// Returns the parts of a compiled `import()` with a computed name.
function importOf(node) {
  if (!ts.isCallExpression(node) || !ts.isPropertyAccessExpression(node.expression)) return undefined;
  const { expression: begun, name: then } = node.expression;
  const [loader] = node.arguments;
  if (then.text !== "then" || !loader || !ts.isArrowFunction(loader) || !ts.isCallExpression(begun)) return undefined;
  const { expression: promise, arguments: given } = begun;
  const [template] = given;
  if (!isResolve(promise) || !template || !ts.isTemplateExpression(template) || template.head.text !== "") return undefined;
  const [span, ...others] = template.templateSpans;
  const parameter = loader.parameters.length === 1 ? loader.parameters[0].name.text : undefined;
  if (others.length > 0 || span.literal.text !== "" || !isLoad(loader.body, parameter)) return undefined;
  return { promise, then, name: span.expression, parameter, load: loader.body };
}

const isResolve = (node) =>
  ts.isPropertyAccessExpression(node) && node.name.text === "resolve" && node.expression.text === "Promise";

// Returns true for `require(s)`, which may be the argument of tsc's helper.
function isLoad(node, parameter) {
  if (!ts.isCallExpression(node) || node.arguments.length !== 1) return false;
  const [argument] = node.arguments;
  if (node.expression.text === "require") return argument.text === parameter;
  return isLoad(argument, parameter);
}
