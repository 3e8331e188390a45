// Messages of esbuild about the contract's own files.

// One about `node` of a file that TypeScript has read, of which the first `length` characters are marked.
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
