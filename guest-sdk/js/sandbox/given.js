// Checks the values of a test and converts them for the pipe. Errors use the test's own names: silently dropping or
// converting a value would change the call's meaning.
import { inspect, types } from "node:util";

const shown = (value) =>
  inspect(value, { depth: 0, breakLength: Infinity, maxArrayLength: 8, maxStringLength: 80 });

const isText = (value) => typeof value === "string";
const isNone = (value) => value === undefined || value === null;

function expect(holds, what, given) {
  if (!holds) throw new TypeError(`${what}, not ${shown(given)}`);
}

// Returns names and values of an object, written as `{ name: value }`.
export function members(what, given) {
  const isOther = Array.isArray(given) || types.isMap(given) || types.isSet(given);
  expect(typeof given === "object" && given !== null && !isOther, `${what} must be an object`, given);
  return Object.entries(given);
}

// Refuses options that are not in `known`.
export function options(of, given, known) {
  const names = members(`the options of ${of}`, given).map(([name]) => name);
  const unknown = names.filter((name) => !known.includes(name));
  if (unknown.length === 0) return;
  throw new TypeError(`${of} has no option ${unknown.join(", ")}; it has ${known.join(", ")}`);
}

// Accepts text or nothing.
export function text(what, value) {
  expect(isNone(value) || isText(value), `${what} must be text`, value);
  return value ?? null;
}

// Accepts a whole number or nothing.
export function whole(what, value, least) {
  const holds = isNone(value) || (Number.isSafeInteger(value) && value >= least);
  expect(holds, `${what} must be a whole number, at least ${least}`, value);
  return value ?? null;
}

// Accepts a list of texts.
export function texts(what, values) {
  expect(Array.isArray(values) && values.every(isText), `${what} must be an array of texts`, values);
  return values;
}

// Accepts text as it is, objects as JSON, or nothing.
export function json(what, value) {
  expect(isNone(value) || isText(value) || typeof value === "object", `${what} must be JSON`, value);
  return isNone(value) || isText(value) ? (value ?? null) : JSON.stringify(value);
}

// Accepts the definitions of several indexes, or nothing.
export function indexes(values) {
  if (isNone(values)) return null;
  expect(Array.isArray(values), "indexes must be an array", values);
  return values.map((value) => json("an index", value));
}

// Accepts clients with attributes.
export function clients(values) {
  expect(Array.isArray(values), "clients must be an array", values);
  return values.map((client) => {
    const [msp_id, name, attributes = {}, ...more] = Array.isArray(client) ? client : [];
    const pairs = members("the attributes of a client", attributes);
    const parts = [msp_id, name, ...pairs.map(([, value]) => value)];
    const holds = parts.every(isText) && more.length === 0;
    expect(holds, "a client must be like ['Org1MSP', 'ann', { role: 'auditor' }]", client);
    return { msp_id, name, attributes: pairs };
  });
}

// Accepts a component.
export function component(value) {
  const what = "a component must be bytes, as `await build()` returns them";
  expect(types.isUint8Array(value), what, value);
  return Buffer.from(value);
}

// Returns the function's name and its arguments as bytes.
export function call(name, args) {
  expect(isText(name), "the name of a function must be text", name);
  expect(Array.isArray(args), `the arguments of ${name} must be an array`, args);
  const all = Array.from(args, (value, at) => bytes(`argument ${at + 1} of ${name}`, value));
  return [Buffer.from(name), ...all];
}

// Encodes as clients of Fabric do: text unchanged, all else as JSON.
export function bytes(what, value) {
  if (types.isUint8Array(value)) return Buffer.from(value);
  // JSON cannot express such numbers: they would become `null`, or an error without a position.
  const hasForm = typeof value === "number" ? Number.isFinite(value) : typeof value !== "bigint";
  const written = isText(value) || !hasForm ? value : JSON.stringify(value);
  expect(isText(written), `${what} must be text, bytes or a JSON value`, value);
  return Buffer.from(written);
}

// Returns seconds and nanoseconds since 1970 for a Date, or for milliseconds with fractions; or nothing.
export function timestamp(value) {
  if (isNone(value)) return null;
  const milliseconds = types.isDate(value) ? value.getTime() : value;
  const holds = typeof milliseconds === "number" && !Number.isNaN(new Date(milliseconds).getTime());
  expect(holds, "timestamp must be a Date or milliseconds since 1970", value);
  const seconds = Math.floor(milliseconds / 1000);
  const nanos = Math.round((milliseconds - seconds * 1000) * 1e6);
  return nanos < 1e9 ? [seconds, nanos] : [seconds + 1, 0];
}

// Returns the numbers of endorsements in the program.
export function kept(values) {
  return [values].flat().map((value) => {
    expect(Number.isSafeInteger(value?.kept), "an endorsement must be what `endorse` returned", value);
    return value.kept;
  });
}
