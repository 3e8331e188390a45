// Messages over the pipe of `wasmcc sandbox`: a line of JSON, followed by bytes. The member `blobs` has the lengths of
// the pieces that follow. Where a value consists of bytes, the JSON has the number of its piece.

const LINE_END = 0x0a;

// Returns the bytes of a message.
export function encode(json, blobs) {
  const line = JSON.stringify({ ...json, blobs: blobs.map(({ length }) => length) });
  return Buffer.concat([Buffer.from(`${line}\n`), ...blobs]);
}

// Returns a function that accepts arriving bytes and calls `received` with each message, as `{ json, blobs }`. A large
// message arrives in many pieces, which are joined when all are there.
export function decoder(received) {
  let pieces = [];
  let length = 0;
  let head;
  // What the next step needs: a whole line (0), or this many bytes.
  let wanted = 0;
  const joined = () => {
    if (pieces.length !== 1) pieces = [Buffer.concat(pieces)];
    return pieces[0];
  };
  const take = (count) => {
    const all = joined();
    pieces = [all.subarray(count)];
    length -= count;
    return all.subarray(0, count);
  };
  return (chunk) => {
    pieces.push(chunk);
    length += chunk.length;
    // Without a head, the earlier chunks contain no end of a line.
    if (!head && !chunk.includes(LINE_END)) return;
    for (;;) {
      if (!head) {
        const end = joined().indexOf(LINE_END);
        if (end < 0) return;
        head = JSON.parse(take(end + 1).toString());
        wanted = (head.blobs ?? []).reduce((sum, length) => sum + length, 0);
      }
      if (length < wanted) return;
      // Copies, so that one piece does not keep the others in memory.
      const blobs = (head.blobs ?? []).map((length) => Buffer.from(take(length)));
      const json = head;
      head = undefined;
      received({ json, blobs });
    }
  };
}
