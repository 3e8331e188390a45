// esbuild messages about the contract's own files.

// Returns a message about `node` of a TypeScript source file; its first `length` characters are marked.
export function messageAt(source, node, text, length) {
  const { line, character } = source.getLineAndCharacterOfPosition(node.getStart());
  // TypeScript also ends lines at a lone CR, U+2028 and U+2029.
  const [begin, end] = source.getLineStarts().slice(line, line + 2);
  return {
    text,
    location: {
      file: source.fileName,
      line: line + 1,
      column: character,
      length,
      lineText: source.text.slice(begin, end).replace(/[\r\n\u2028\u2029]+$/, ""),
    },
  };
}
