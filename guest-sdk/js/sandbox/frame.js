// What goes over the pipe of `wasmcc sandbox`: a line of JSON, then the bytes that it speaks of. The
// member `blobs` has the lengths of the pieces that follow. Where a value consists of bytes, the JSON has
// the number of its piece.

const LINE_END = 0x0a;

// The bytes of a message.
export function encode(json, blobs) {
  const line = JSON.stringify({ ...json, blobs: blobs.map(({ length }) => length) });
  return Buffer.concat([Buffer.from(`${line}\n`), ...blobs]);
}

// Returns a function that takes what arrives and calls `received` with each message, as `{ json, blobs }`.
export function decoder(received) {
  let waiting = Buffer.alloc(0);
  let head;
  return (chunk) => {
    waiting = Buffer.concat([waiting, chunk]);
    for (;;) {
      if (!head) {
        const end = waiting.indexOf(LINE_END);
        if (end < 0) return;
        head = JSON.parse(waiting.subarray(0, end).toString());
        waiting = waiting.subarray(end + 1);
      }
      const lengths = head.blobs ?? [];
      const whole = lengths.reduce((sum, length) => sum + length, 0);
      if (waiting.length < whole) return;
      const blobs = [];
      for (const length of lengths) {
        blobs.push(Buffer.from(waiting.subarray(0, length)));
        waiting = waiting.subarray(length);
      }
      const json = head;
      head = undefined;
      received({ json, blobs });
    }
  };
}
