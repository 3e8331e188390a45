// What a test gives, checked and brought into the form that goes over the pipe. A mistake is named in the
// words of the test: what is dropped, or turned into text by itself, makes a call with another meaning.
import { inspect, types } from "node:util";

const shown = (value) =>
  inspect(value, { depth: 0, breakLength: Infinity, maxArrayLength: 8, maxStringLength: 80 });

const isText = (value) => typeof value === "string";
const isNone = (value) => value === undefined || value === null;

function expect(holds, what, given) {
  if (!holds) throw new TypeError(`${what}, not ${shown(given)}`);
}

// Names and values of an object that somebody has written as `{ name: value }`.
export function members(what, given) {
  const isOther = Array.isArray(given) || types.isMap(given) || types.isSet(given);
  expect(typeof given === "object" && given !== null && !isOther, `${what} must be an object`, given);
  return Object.entries(given);
}

// Refuses options that `known` does not name.
export function options(of, given, known) {
  const names = members(`the options of ${of}`, given).map(([name]) => name);
  const unknown = names.filter((name) => !known.includes(name));
  if (unknown.length === 0) return;
  throw new TypeError(`${of} has no option ${unknown.join(", ")}; it has ${known.join(", ")}`);
}

// Text, or nothing.
export function text(what, value) {
  expect(isNone(value) || isText(value), `${what} must be text`, value);
  return value ?? null;
}

// A number without fractions, or nothing.
export function whole(what, value, least) {
  const holds = isNone(value) || (Number.isSafeInteger(value) && value >= least);
  expect(holds, `${what} must be a whole number, at least ${least}`, value);
  return value ?? null;
}

// Texts.
export function texts(what, values) {
  expect(Array.isArray(values) && values.every(isText), `${what} must be an array of texts`, values);
  return values;
}

// Text as it is, objects as JSON, or nothing.
export function json(what, value) {
  expect(isNone(value) || isText(value) || typeof value === "object", `${what} must be JSON`, value);
  return isNone(value) || isText(value) ? (value ?? null) : JSON.stringify(value);
}

// The definitions of several indexes, or nothing.
export function indexes(values) {
  if (isNone(values)) return null;
  expect(Array.isArray(values), "indexes must be an array", values);
  return values.map((value) => json("an index", value));
}

// Clients with attributes.
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

// A component.
export function component(value) {
  const what = "a component must be bytes, as `await build()` returns them";
  expect(types.isUint8Array(value), what, value);
  return Buffer.from(value);
}

// The function's name and its arguments, as bytes.
export function call(name, args) {
  expect(isText(name), "the name of a function must be text", name);
  expect(Array.isArray(args), `the arguments of ${name} must be an array`, args);
  const all = Array.from(args, (value, at) => bytes(`argument ${at + 1} of ${name}`, value));
  return [Buffer.from(name), ...all];
}

// As clients of Fabric send it: text as it is, all else as JSON.
export function bytes(what, value) {
  if (types.isUint8Array(value)) return Buffer.from(value);
  // JSON has no such numbers: they would become `null`, or an error without a place.
  const hasForm = typeof value === "number" ? Number.isFinite(value) : typeof value !== "bigint";
  const written = isText(value) || !hasForm ? value : JSON.stringify(value);
  expect(isText(written), `${what} must be text, bytes or what JSON has`, value);
  return Buffer.from(written);
}

// Seconds and nanoseconds since 1970 of a Date or of milliseconds, which may have fractions; or nothing.
export function timestamp(value) {
  if (isNone(value)) return null;
  const milliseconds = types.isDate(value) ? value.getTime() : value;
  const holds = typeof milliseconds === "number" && !Number.isNaN(new Date(milliseconds).getTime());
  expect(holds, "timestamp must be a Date or milliseconds since 1970", value);
  const seconds = Math.floor(milliseconds / 1000);
  const nanos = Math.round((milliseconds - seconds * 1000) * 1e6);
  return nanos < 1e9 ? [seconds, nanos] : [seconds + 1, 0];
}

// Endorsements as the program knows them.
export function kept(values) {
  return [values].flat().map((value) => {
    expect(Number.isSafeInteger(value?.kept), "an endorsement must be what `endorse` returned", value);
    return value.kept;
  });
}
