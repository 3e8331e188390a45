// Stacks in the lines of the contract's own files instead of those of the bundle.

// `[{ from, file, line }]`, ordered by `from`: the lines of the bundle from there on are those of `file`
// from `line` on; without a file, they are no lines of the contract. Set by the bundle's last line.
let runs = [];
export function setTrace(table) {
  runs = table.runs.map(([from, file, line]) => ({ from, file: table.files[file], line }));
}

// The error with a stack that names the contract's lines; what is thrown and is no error becomes one.
export function traced(error) {
  if (!(error instanceof Error)) return new Error(`thrown: ${String(error)}`);
  try {
    error.stack = error.stack.replace(/\(?([^\s()]+):(\d+)(:\d+)?\)?$/gm, place);
  } catch {
    // A stack is only a help.
  }
  return error;
}

function place(all, bundle, number, column = "") {
  const run = runs.findLast(({ from }) => from <= Number(number));
  return run?.file ? `(${run.file}:${run.line + Number(number) - run.from}${column})` : all;
}
