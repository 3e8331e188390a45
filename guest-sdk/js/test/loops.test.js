// Rewritten loops behave like the original loops on Node.js.
import assert from "node:assert/strict";
import test from "node:test";

import { withOwnRounds } from "../build/loops.js";

const LOOPS = [
  "for (let i = 0; i < 4; i++) { later.push(() => i); if (i === 1) continue; later.push(() => i * 10); }",
  "outer: for (let i = 0; i < 3; i++) { for (let j = 0; j < 3; j++) { later.push(() => [i, j]); if (j === 1) continue outer; } }",
  "for (let i = 0, j = 9; i < 3; i++, j--) { const k = i + j; later.push(() => [i, j, k]); switch (i) { case 1: continue; default: i += 0; } }",
  "for (let i = 0; i < 3; i++) { try { later.push(() => i); if (i) continue; } finally { later.push(() => -i); } }",
  "for (let i = 0; i < 3; i++) if (i === 1) continue; else later.push(() => i);",
  "one: two: for (let i = 0; i < 5; i++) { while (true) { later.push(() => i); if (i % 2) continue one; continue two; } }",
  "for (let i = 0; i < 3; i++) { later.push(() => { for (let n = 0; ; n++) { if (n < i) continue; return n; } }); continue }",
  "for (let i = 0, f = () => i; i < 3; i++) { later.push(f, () => i); if (i) { continue; } i++; }",
];

test("each round of a loop has its own variables, also where it ends by continue", () => {
  const run = (loop) => new Function(`const later = []; ${loop}; return later.map((call) => call());`)();
  for (const loop of LOOPS) {
    const rewritten = withOwnRounds(loop);
    assert.notEqual(rewritten, loop);
    assert.deepEqual(run(rewritten), run(loop), rewritten);
    assert.doesNotMatch(rewritten.replace(/while.*/, "").replace(/n < i\) continue/, ""), /continue/);
  }
});

test("other loops stay as they are, and so does every line", () => {
  const others = [
    "for (let i = 0; i < 3; i++) { if (i) continue; }",
    "for (var i = 0; i < 3; i++) { later.push(() => i); continue; }",
    "for (const x of list) { later.push(() => x); continue; }",
    "for (let i = 0; i < 3; i++) { later.push(() => { while (a) continue; }); }",
  ];
  for (const loop of others) assert.equal(withOwnRounds(loop), loop);
  const lines = "a();\nfor (let i = 0; i < 3; i++)\n{\n  f(() => i);\n  continue;\n}\n";
  assert.equal(withOwnRounds(lines).split("\n").length, lines.split("\n").length);
});
