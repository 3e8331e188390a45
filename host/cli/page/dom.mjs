// Makes elements. Data of a channel only ever becomes text nodes and attribute values: nothing is parsed as
// markup. The content security policy makes the browser refuse it, too.

/** Makes an element. Attributes that begin with "on" are listeners; children are elements or texts. */
export function h(tag, attributes, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? "" : String(value));
  }
  add(element, children);
  return element;
}

function add(element, children) {
  for (const child of children.flat(Infinity)) {
    if (child === null || child === undefined || child === false) continue;
    element.append(child instanceof Node ? child : visible(String(child)));
  }
}

/** Characters that are invisible, look like a blank, or change how others are shown. */
const HIDDEN = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00a0\u2000-\u200f\u2028-\u202f\u205f-\u206f\ufff9-\ufffb\p{Default_Ignorable_Code_Point}]/gu;

/** Replaces such characters in a text by their codes. */
export function visible(text) {
  return text.replace(HIDDEN, (character) => {
    if (character === "\u0000") return "\\0";
    return `\\u{${character.codePointAt(0).toString(16)}}`;
  });
}

/** Replaces the content of an element. */
export function fill(element, ...children) {
  element.replaceChildren();
  add(element, children);
  return element;
}

/** A table with a caption; cells are elements or texts. On a narrow screen rows become cards. */
export function table(caption, heads, rows, empty = "Nothing.") {
  if (rows.length === 0) return h("p", { class: "muted" }, empty);
  const cell = (content, index) => h("td", { "data-label": heads[index] }, h("span", null, content));
  return h("div", { class: "scroll", role: "region", "aria-label": caption, tabindex: "0" },
    h("table", null,
      h("caption", { class: "hidden" }, caption),
      h("thead", null, h("tr", null, heads.map((head) => h("th", { scope: "col" }, head)))),
      h("tbody", null, rows.map((row) => h("tr", null, row.map(cell))))));
}

/** A list of terms with their descriptions; empty ones are left out. */
export function terms(pairs) {
  const known = pairs.filter(([, value]) => value !== null && value !== undefined && value !== false && value !== "");
  return h("dl", { class: "terms" }, known.map(([term, value]) => [h("dt", null, term), h("dd", null, value)]));
}

/** A verdict in words and color. */
export function verdict(code) {
  const good = ["VALID", "evaluated", "same", "endorsed"];
  const kind = good.includes(code) ? (code === "VALID" || code === "same" ? "good" : "plain") : "bad";
  return h("span", { class: `badge ${kind}` }, code || "not judged");
}

/** A number with its digits in groups. */
export function grouped(number) {
  return number === null || number === undefined ? "" : Number(number).toLocaleString("en-US");
}

/** Seconds since 1970 as date and time in UTC, to the millisecond. A number that is not a valid date is shown as it is. */
export function date(seconds) {
  const at = new Date(seconds * 1000);
  return Number.isNaN(at.getTime()) ? `${seconds} seconds since 1970` : at.toISOString().replace("T", " ").replace("Z", "");
}

/** A date without the fraction of a second. */
export function dateInSeconds(seconds) {
  return date(seconds).replace(/\.\d+$/, "");
}

/** A duration in milliseconds, with few digits. */
export function milliseconds(ms) {
  if (ms === null || ms === undefined) return "";
  return ms < 10 ? `${ms.toFixed(2)} ms` : ms < 1000 ? `${ms.toFixed(0)} ms` : `${(ms / 1000).toFixed(1)} s`;
}

/** An id that is too long for a table. */
export function shortened(id) {
  return id.length > 16 ? `${id.slice(0, 12)}…` : id;
}

/** Shows an error. */
export function problem(error) {
  return h("p", { class: "problem", role: "alert" }, error.message ?? String(error));
}
