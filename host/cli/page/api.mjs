// Asks the program.

let about = null;

/** What the program is and who may call; asked once, and `anew` when that may have changed. */
export async function getAbout(anew = false) {
  if (!about || anew) about = await get("/api/about");
  return about;
}

/** The address of an answer. */
export function address(path, parameters = {}) {
  const given = Object.entries(parameters).filter(([, value]) => value !== null && value !== undefined);
  const query = new URLSearchParams(given.map(([name, value]) => [name, String(value)])).toString();
  return query ? `${path}?${query}` : path;
}

/** An answer; fails with the program's words. */
export async function get(path, parameters) {
  return read(await fetch(address(path, parameters), { headers: { accept: "application/json" } }));
}

/** A call of a chaincode. */
export async function call(path, body) {
  const send = ({ token }) => fetch(path, {
    method: "POST",
    headers: { "content-type": "application/json", "x-wasmcc-token": token ?? "" },
    body: JSON.stringify(body),
  });
  const response = await send(await getAbout());
  // A program that was started again has another token. It has not made a call that it forbids.
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

/** A place of this page: segments, and parameters behind a question mark. */
export function place(segments, parameters = {}) {
  const given = Object.entries(parameters).filter(([, value]) => value !== null && value !== undefined && value !== "");
  const query = new URLSearchParams(given).toString();
  return `#/${segments.map((segment) => encodeURIComponent(segment)).join("/")}${query ? `?${query}` : ""}`;
}

/** The elements of a list, and how many there are; a long one is cut. */
export function list(value) {
  if (Array.isArray(value)) return { items: value, total: value.length };
  if (value && Array.isArray(value.first)) return { items: value.first, total: value.elements };
  return { items: [], total: 0 };
}

/** A key as answers show it (0 bytes as \0, backslashes twice), as it is. */
export function unescaped(key) {
  return typeof key === "string" ? key.replace(/\\([0\\])/g, (_, what) => (what === "0" ? "\u0000" : "\\")) : "";
}

/** A key as answers show it. */
export function escaped(key) {
  return key.replaceAll("\\", "\\\\").replaceAll("\u0000", "\\0");
}
