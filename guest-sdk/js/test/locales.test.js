// Texts that depend on a locale.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import path from "node:path";
import test from "node:test";

import { otherLocales } from "../build/locales.js";
import { withFiles } from "./support/folder.js";
import { CONTRACT, refused } from "./support/refused.js";

const TEXTS = `
const times = [0, 1e12, 43200000, 46799000, 951782400000, -1, -1e14, -62135596800001, 8.64e15, -8.64e15, NaN];
const numbers = [
  0, -0, 1, 999, 1000, -1234.5, 1234567.891, 1.0005, 1.2345, 0.0005, 0.00049, -0.0001, 999.9995, 1e21, 123456789012345680000, 5e-324,
  1.7976931348623157e308, NaN, Infinity, -Infinity, 0.1 + 0.2, 1e6 / 3, 2 ** 53, 12345678901234567890n, -5n,
];
const names = ["toLocaleString", "toLocaleDateString", "toLocaleTimeString"];
const given = [[], ["en-US"], ["en"], [["en-US"]], [undefined, {}], ["en-US", { timeZone: "UTC" }]];
const text = JSON.stringify([
  times.map((time) => names.map((name) => given.map((args) => new Date(time)[name](...args)))),
  numbers.map((number) => [number.toLocaleString(), number.toLocaleString("en-US")]),
  [1234.5, new Date(0), null, ["x", 1000]].toLocaleString(), new Float64Array([1234.5, 1]).toLocaleString("en-US"),
  ["Iß".toLocaleUpperCase(), "I".toLocaleLowerCase("de"), "i".toLocaleUpperCase(["en-US"])],
  names.map((name) => [Date.prototype[name].name, Date.prototype[name].length, Object.keys(Date.prototype).length]),
]);
`;

test("dates and numbers are written as on Node.js in the locale en-US", async () => {
  const own = await refused({ "index.js": `${CONTRACT}${TEXTS}throw new Error(text);\n` });
  const env = { ...process.env, TZ: "UTC", LC_ALL: "en_US.UTF-8" };
  // Some releases of Node.js write a narrow space before AM and PM.
  const known = execFileSync(process.execPath, ["-e", `${TEXTS}console.log(text);`], { env }).toString().replaceAll("\u202f", " ");
  assert.deepEqual(JSON.parse(/Error: (.*)/.exec(own)[1]), JSON.parse(known));
});

test("other locales, time zones and options fail with their name", async () => {
  const calls = `new Date(0).toLocaleDateString("en-CA")
new Date(0).toLocaleString("en-US", { timeZone: "Asia/Kolkata" })
new Date(0).toLocaleTimeString([], { hour: "2-digit" })
(1.5).toLocaleString("de-DE")
(1.5).toLocaleString(undefined, { style: "percent" })
[1.5].toLocaleString("de-DE")
new Int8Array(1).toLocaleString("de-DE")
"i".toLocaleUpperCase("tr")`;
  const tried = calls.split("\n").map((call) => `try { ${call}; } catch ({ message }) { said.push(message); }`);
  const text = await refused({ "index.js": `${CONTRACT}const said = [];\n${tried.join("\n")}\nthrow new Error(JSON.stringify(said));\n` });
  const found = JSON.parse(/Error: (.*)/.exec(text)[1]).map((message) => message.split(" is not available")[0]);
  assert.deepEqual(found, [
    "Date.toLocaleDateString with the locale en-CA",
    "Date.toLocaleString with the time zone Asia/Kolkata",
    "Date.toLocaleTimeString with the option hour",
    "Number.toLocaleString with the locale de-DE",
    "Number.toLocaleString with the option style",
    "Array.toLocaleString with the locale de-DE",
    "TypedArray.toLocaleString with the locale de-DE",
    "String.toLocaleUpperCase with the locale tr",
  ]);
});

test("the build finds such calls in the contract's own files", async () => {
  const source = `export const f = (date: Date, locale: string) => [
  date.toLocaleString(), date.toLocaleDateString("en-US"), date.toLocaleTimeString([]), (5).toLocaleString(undefined),
  date.toLocaleString('en', { timeZone: 'UTC' }),
  date.toLocaleDateString("en-CA"),
  date?.toLocaleString(locale),
  date.toLocaleTimeString("en-US", { hour: "2-digit" }),
  date.toLocaleTimeString("de-DE"), // wasmcc: allow
  date.toLocaleString(["en-US"]), date.toLocaleString(void 0, {}), new Money().toLocaleString("de"),
  date.toLocaleString("en-US", { timeZone: "UTC", hour12: undefined }), new Date(0).toLocaleString("de"),
];
`;
  const found = await withFiles({ "one.ts": source }, (folder) =>
    otherLocales([path.join(folder, "one.ts")]).map(({ text, location }) => `${location.line} ${text.split(" ")[0]}`),
  );
  assert.deepEqual(found, ["4 toLocaleDateString", "5 toLocaleString", "6 toLocaleTimeString", "9 toLocaleString"]);
});
