// Shows values: text, JSON, binary data, and values that were cut.

import { escaped, unescaped } from "./api.mjs";
import { fill, h, visible } from "./dom.mjs";
import { pretty } from "./json.mjs";

/** The part of a value that the answer has, as text, with its kind. */
export function parts(value) {
  if (value === null || value === undefined) return { kind: "none", text: "" };
  if (typeof value === "string") return { kind: "text", text: value };
  if (typeof value === "object" && "first" in value && "bytes" in value) {
    return { ...parts(value.first), bytes: value.bytes };
  }
  if (typeof value === "object" && typeof value.hex === "string" && Object.keys(value).length === 1) {
    return { kind: "hex", text: value.hex };
  }
  return { kind: "json", text: JSON.stringify(value, null, 2) };
}

/** One line of a value. */
export function brief(value, characters = 90) {
  const { kind, text, bytes } = parts(value);
  if (kind === "none") return "none";
  const line = kind === "hex" ? `0x${text}` : kind === "json" ? JSON.stringify(value) : text;
  const cut = cutTo(visible(line.replaceAll(/\s+/g, " ")), characters);
  return bytes ? `${cut} (${bytes} bytes)` : cut;
}

function cutTo(text, characters) {
  return text.length > characters ? `${text.slice(0, characters)}…` : text;
}

/** A whole value; if the answer has only its first part, with a link to all of it. */
export function show(value, download = null) {
  const { kind, text, bytes } = parts(value);
  if (kind === "none") return h("span", { class: "muted" }, "none");
  const note = bytes && h("p", { class: "muted" }, `The first part of ${bytes} bytes. `,
    download && h("a", { href: download, download: "value" }, "Download the value"));
  if (kind === "hex") return [bytesOf(text), note];
  const shown = bytes ? text : pretty(text);
  return [h("pre", { class: "value", tabindex: "0" }, shown === "" ? "(empty)" : shown), note];
}

/** Bytes in hexadecimal, or in base64. */
function bytesOf(hex) {
  const inHex = hex.replaceAll(/(..)/g, "$1 ").trim();
  const pre = h("pre", { class: "value", tabindex: "0" }, inHex);
  let isHex = true;
  const button = h("button", {
    type: "button",
    onclick: () => {
      isHex = !isHex;
      fill(pre, isHex ? inHex : base64(hex));
      button.textContent = isHex ? "Show as base64" : "Show as hexadecimal";
    },
  }, "Show as base64");
  return h("div", null, h("p", { class: "muted" }, `${hex.length / 2} bytes, not text `, button), pre);
}

/** Turns hexadecimal into base64. */
export function base64(hex) {
  const bytes = (hex.match(/../g) ?? []).map((pair) => String.fromCharCode(parseInt(pair, 16)));
  return btoa(bytes.join(""));
}

/** A text in base64, by its bytes in UTF-8. */
export function toBase64(text) {
  return btoa(Array.from(new TextEncoder().encode(text), (byte) => String.fromCharCode(byte)).join(""));
}

/** The most lines that are compared: the cost grows with the square of their number. */
const LINES = 400;

/** The difference between two values, line by line. */
export function difference(before, after) {
  const isCut = [before, after].some((value) => parts(value).bytes);
  return [lineByLine(before, after), isCut && h("p", { class: "muted" }, "Only the first parts are compared. Download the values to compare all of them.")];
}

function lineByLine(before, after) {
  let [a, b] = [lines(before, pretty), lines(after, pretty)];
  // Indented, they may be equal while the texts differ.
  if (a.join("\n") === b.join("\n")) [a, b] = [lines(before), lines(after)];
  if (a.length > LINES || b.length > LINES) return show(after);
  const common = Array.from({ length: a.length + 1 }, () => new Uint16Array(b.length + 1));
  for (let i = a.length - 1; i >= 0; i -= 1) {
    for (let j = b.length - 1; j >= 0; j -= 1) {
      common[i][j] = a[i] === b[j] ? common[i + 1][j + 1] + 1 : Math.max(common[i + 1][j], common[i][j + 1]);
    }
  }
  const out = [];
  let [i, j] = [0, 0];
  while (i < a.length || j < b.length) {
    if (i < a.length && j < b.length && a[i] === b[j]) {
      out.push(`  ${a[i]}\n`);
      i += 1;
      j += 1;
    } else if (i < a.length && (j === b.length || common[i + 1][j] >= common[i][j + 1])) {
      out.push(h("del", null, `- ${a[i]}\n`));
      i += 1;
    } else {
      out.push(h("ins", null, `+ ${b[j]}\n`));
      j += 1;
    }
  }
  return h("pre", { class: "value", tabindex: "0" }, out);
}

function lines(value, indented = (text) => text) {
  const { kind, text } = parts(value);
  if (kind === "none") return [];
  return kind === "hex" ? [`0x${text}`] : indented(text).split("\n");
}

/** The parts of a composite key; null for another key. */
export function keyParts(key) {
  if (typeof key !== "string" || !key.startsWith("\u0000")) return null;
  return key.slice(1).split("\u0000").slice(0, key.endsWith("\u0000") ? -1 : undefined);
}

/** Reads attributes as a user writes them: `first, second`, or a JSON array of texts. */
export function readAttributes(text) {
  if (text === "") return [];
  try {
    const array = JSON.parse(text);
    if (Array.isArray(array) && array.every((one) => typeof one === "string")) return array;
  } catch {
    // Usually it is not JSON.
  }
  return text.split(/,\s*/);
}

/** Writes attributes so that `readAttributes` returns them: as an array only if the short form would not. */
export function writtenAttributes(attributes) {
  const text = attributes.join(", ");
  const again = readAttributes(text);
  const isSame = again.length === attributes.length && again.every((one, at) => one === attributes[at]);
  return isSame ? text : JSON.stringify(attributes);
}

/** Characters that are invisible or look like a blank, other than the blank itself. */
const HIDDEN = /[\p{C}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}\u2800]|(?! )\p{Zs}/gu;
/** Blanks that can be overlooked, or mistaken for the separator of a composite key. */
const BLANKS = /^ +| +$| {2,}| (?=\/)/g;

/** A key, or a part of one, with every character visible. */
function clear(key) {
  return escaped(key)
    .replace(HIDDEN, (character) => `\\u{${character.codePointAt(0).toString(16)}}`)
    .replace(BLANKS, (blanks) => "\\u{20}".repeat(blanks.length));
}

/** A key; a composite one by its parts. Different keys look different, except for characters that look the same. */
export function showKey(key) {
  if (typeof key !== "string") return h("code", null, brief(key));
  if (key === "") return h("span", { class: "muted" }, "(empty)");
  const segments = keyParts(key);
  // Unusual composite keys would look like usual ones.
  const isUsual = segments && key.endsWith("\u0000") && segments.length > 1 && segments.every((part) => part !== "");
  if (!isUsual) return h("code", null, clear(key));
  const [type, ...attributes] = segments.map(clear);
  return h("code", null, h("span", { class: "type" }, type), attributes.map((part) => [" / ", part]));
}

/** A key in the escaped form of answers, see `escaped`. */
export function showEscapedKey(key) {
  return showKey(typeof key === "string" ? unescaped(key) : key);
}

/** The beginning of a key. */
export function briefKey(key, characters) {
  return typeof key === "string" ? cutTo(showKey(key).textContent, characters) : brief(key, characters);
}
