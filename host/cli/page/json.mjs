// Indents JSON. Numbers, names and strings are copied, not parsed.

/** The most levels that are indented: the added blanks grow with the square of the depth. */
const LEVELS = 100;
const BLANKS = " \t\r\n";
const MARKS = "{}[],:";

/** Returns JSON with one element a line, and other text unchanged. */
export function pretty(text) {
  const start = text.trimStart()[0];
  if ((start !== "{" && start !== "[") || !isJson(text)) return text;
  const out = [];
  let [depth, before] = [0, ""];
  for (const token of tokens(text)) {
    const closes = token === "}" || token === "]";
    const follows = before === "{" || before === "[";
    if (closes) depth -= 1;
    if (closes ? !follows : follows || before === ",") out.push(`\n${"  ".repeat(depth)}`);
    out.push(token === ":" ? ": " : token);
    if (token === "{" || token === "[") depth += 1;
    if (depth > LEVELS) return text;
    before = token;
  }
  return out.join("");
}

function isJson(text) {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/** The tokens of a JSON text. */
function* tokens(text) {
  let at = 0;
  while (at < text.length) {
    let end = at + 1;
    if (text[at] === "\"") {
      while (text[end] !== "\"") end += text[end] === "\\" ? 2 : 1;
      end += 1;
    } else if (!MARKS.includes(text[at]) && !BLANKS.includes(text[at])) {
      while (end < text.length && !MARKS.includes(text[end]) && !BLANKS.includes(text[end])) end += 1;
    }
    if (!BLANKS.includes(text[at])) yield text.slice(at, end);
    at = end;
  }
}
