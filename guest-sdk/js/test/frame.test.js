import assert from "node:assert/strict";
import test from "node:test";

import { decoder, encode } from "../sandbox/frame.js";

const MESSAGES = [
  { json: { id: 1 }, blobs: [] },
  { json: { id: 2, text: "é\n" }, blobs: [Buffer.from("a\nb"), Buffer.alloc(0), Buffer.from("{}")] },
  { json: { id: 3 }, blobs: [Buffer.alloc(300, 10)] },
];

test("messages are the same in whatever pieces they come", () => {
  const bytes = Buffer.concat(MESSAGES.map(({ json, blobs }) => encode(json, blobs)));
  for (const size of [1, 2, 7, 64, bytes.length]) {
    const received = [];
    const receive = decoder(({ json: { blobs: _, ...json }, blobs }) => received.push({ json, blobs }));
    for (let at = 0; at < bytes.length; at += size) receive(bytes.subarray(at, at + size));
    assert.deepEqual(received, MESSAGES, `${size}`);
  }
});

test("the pieces of a large message are copied a fixed number of times", (context) => {
  const concat = Buffer.concat;
  context.after(() => (Buffer.concat = concat));
  const bytes = encode({}, [Buffer.alloc(4 << 20)]);
  let copied = 0;
  Buffer.concat = (pieces, ...more) => {
    const joined = concat(pieces, ...more);
    copied += joined.length;
    return joined;
  };
  let received = 0;
  const receive = decoder(() => (received += 1));
  for (let at = 0; at < bytes.length; at += 4096) receive(bytes.subarray(at, at + 4096));
  assert.equal(received, 1);
  assert.ok(copied < 2 * bytes.length, `${copied}`);
});
