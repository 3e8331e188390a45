// Messages about a component that peers refuse.
import assert from "node:assert/strict";
import test from "node:test";

import { tooLarge } from "../build/size.js";

test("a component that is too large comes with the packages that make it so", () => {
  const inputs = {
    "src/index.ts": { bytesInOutput: 2000 },
    "node_modules/mathjs/lib/one.js": { bytesInOutput: 900_000 },
    "node_modules/mathjs/lib/other.js": { bytesInOutput: 100_000 },
    "node_modules/@named/one/index.js": { bytesInOutput: 30_000 },
    "node_modules/outer/node_modules/inner/a.js": { bytesInOutput: 20_000 },
    "node_modules/small/a.js": { bytesInOutput: 10_000 },
    "node_modules/smallest/a.js": { bytesInOutput: 100 },
  };
  const { text } = tooLarge(44_302_017, inputs);
  assert.match(text, /^The component has 44302017 bytes, and peers accept 33554432 unless /);
  assert.match(text, /: mathjs 977, @named\/one 30, inner 20, small 10, the contract itself 2\.$/);
});
