// // Requests to the program.

let about = null;

/** The program's facts: version, channels, organizations, users. Asked once; `anew` asks again. */
export async function getAbout(anew = false) {
  if (!about || anew) about = await get("/api/about");
  return about;
}

/** The URL of a request. */
export function address(path, parameters = {}) {
  const given = Object.entries(parameters).filter(([, value]) => value !== null && value !== undefined);
  const query = new URLSearchParams(given.map(([name, value]) => [name, String(value)])).toString();
  return query ? `${path}?${query}` : path;
}

/** Returns the JSON of an answer; fails with the program's error text. */
export async function get(path, parameters) {
  return read(await fetch(address(path, parameters), { headers: { accept: "application/json" } }));
}

/** Calls a chaincode. */
export async function call(path, body) {
  const send = ({ token }) => fetch(path, {
    method: "POST",
    headers: { "content-type": "application/json", "x-wasmcc-token": token ?? "" },
    body: JSON.stringify(body),
  });
  const response = await send(await getAbout());
  // A restarted program has another token. It refuses the call before making it, so a retry is safe.
  return read(response.status === 403 ? await send(await getAbout(true)) : response);
}

async function read(response) {
  let json;
  try {
    json = await response.json();
  } catch {
    throw new Error(`the program answers ${response.status}, and not with JSON`);
  }
  if (!response.ok) throw new Error(json.error ?? `the program answers ${response.status}`);
  return json;
}

/** The address of a view of this page: segments, and parameters behind a question mark. */
export function place(segments, parameters = {}) {
  const given = Object.entries(parameters).filter(([, value]) => value !== null && value !== undefined && value !== "");
  const query = new URLSearchParams(given).toString();
  return `#/${segments.map((segment) => encodeURIComponent(segment)).join("/")}${query ? `?${query}` : ""}`;
}

/** The elements that the answer has of a list, and their number in all: the program cuts long lists. */
export function list(value) {
  if (Array.isArray(value)) return { items: value, total: value.length };
  if (value && Array.isArray(value.first)) return { items: value.first, total: value.elements };
  return { items: [], total: 0 };
}

/** Undoes the escaping of a key in an answer: `\0` is a zero byte, `\\` a backslash. */
export function unescaped(key) {
  return typeof key === "string" ? key.replace(/\\([0\\])/g, (_, what) => (what === "0" ? "\u0000" : "\\")) : "";
}

/** Escapes a key as answers do. */
export function escaped(key) {
  return key.replaceAll("\\", "\\\\").replaceAll("\u0000", "\\0");
}
