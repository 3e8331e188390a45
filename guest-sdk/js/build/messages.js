// esbuild messages about the contract's own files.

// Returns a message about `node` of a TypeScript source file; its first `length` characters are marked.
export function messageAt(source, node, text, length) {
  const { line, character } = source.getLineAndCharacterOfPosition(node.getStart());
  return {
    text,
    location: {
      file: source.fileName,
      line: line + 1,
      column: character,
      length,
      lineText: source.text.split(/\r?\n/)[line],
    },
  };
}
