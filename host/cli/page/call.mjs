// Calls of a contract: a form for each of its functions.

import { address, call, get, getAbout, list, place } from "./api.mjs";
import { functions, getMetadata, inWords, raw } from "./chaincodes.mjs";
import { fill, grouped, h, problem, terms, verdict } from "./dom.mjs";
import { base64, brief, parts, show, toBase64 } from "./value.mjs";

/** The caller; kept while the page is open. */
const caller = { org: null, user: null };
let counter = 0;
const newId = () => `field-${(counter += 1)}`;

/** The view. */
export async function calls({ channel, segments, go }) {
  // Users may have been added meanwhile.
  const about = await getAbout(true);
  const { chaincodes } = await get("/api/chaincodes", { channel });
  const names = list(chaincodes).items.map((it) => it.name).filter((name) => typeof name === "string");
  const name = segments[0] ?? names[0];
  if (name === undefined) return [h("h1", null, "Call"), h("p", null, "The channel has no chaincode yet.")];
  const known = await getMetadata(channel, name, about.calls ? (args) => call("/api/evaluate", { channel, chaincode: name, ...first(about), args }) : null);
  const found = functions(known.metadata);
  const which = h("select", { id: "chaincode", onchange: () => go(place([channel, "call", which.value])) },
    [...new Set([name, ...names])].map((it) => h("option", { value: it, selected: it === name }, it)));
  return [
    h("h1", null, about.calls ? `Call ${name}` : `Functions of ${name}`),
    h("div", { class: "grid" }, h("label", { for: "chaincode" }, "Chaincode"), which, about.calls && callerFields(about)),
    !about.calls && h("p", { class: "muted" }, "This page is for reading; that of `wasmcc dev` also calls contracts."),
    found.length === 0 && h("p", { class: "muted" }, known.why ? `It does not describe its functions: ${brief(known.why, 500)}` : "It describes no functions."),
    found.map((it) => functionForm(channel, name, about, it)),
    about.calls && freeForm(channel, name, about),
    known.metadata && raw(known.metadata),
  ];
}

function first(about) {
  const org = about.organizations.find((it) => it.users.length > 0) ?? { msp_id: "", users: [""] };
  return { org: org.msp_id, user: org.users.find((user) => user !== "Admin") ?? org.users[0] };
}

/** Organization and user of all calls of this page. */
function callerFields(about) {
  const known = about.organizations.find((org) => org.msp_id === caller.org);
  if (!known || !known.users.includes(caller.user)) Object.assign(caller, first(about));
  const users = h("select", { id: "user", onchange: () => { caller.user = users.value; } });
  const showUsers = () => {
    const org = about.organizations.find((it) => it.msp_id === caller.org);
    if (!org.users.includes(caller.user)) caller.user = org.users.find((user) => user !== "Admin") ?? org.users[0];
    fill(users, org.users.map((user) => h("option", { value: user, selected: user === caller.user }, user)));
  };
  const orgs = h("select", { id: "org", onchange: () => { caller.org = orgs.value; showUsers(); } },
    about.organizations.filter((it) => it.users.length > 0).map((org) => h("option", { value: org.msp_id, selected: org.msp_id === caller.org }, org.msp_id)));
  showUsers();
  return [h("label", { for: "org" }, "Organization"), orgs, h("label", { for: "user" }, "User"), users];
}

/** The form of one function. */
function functionForm(channel, chaincode, about, it) {
  const fields = it.parameters.map((parameter) => field(parameter));
  const title = [h("code", null, brief(it.name, 100)), "(", it.parameters.map((parameter, index) =>
    [index > 0 && ", ", h("span", { class: "muted" }, brief(parameter.name, 40))]), ")", " ",
  h("span", { class: "badge plain" }, it.submits ? "submit" : "evaluate")];
  const args = () => {
    const given = fields.map((one) => one.read());
    // Optional arguments at the end are left out if they are empty.
    while (given.length > 0 && given.at(-1) === "" && fields[given.length - 1].isOptional) given.pop();
    return [it.name, ...given];
  };
  return h("details", { class: "card function", "data-function": it.name }, h("summary", null, title),
    it.description && h("p", null, it.description),
    about.calls ? form(channel, chaincode, { args, isInit: null }, it.submits, fields.map((one) => one.element))
      : h("ul", null, it.parameters.map((parameter) => h("li", null, h("code", null, brief(parameter.name, 100)), ` ${inWords(parameter.schema)}`, parameter.description && `: ${brief(parameter.description, 300)}`))));
}

/** The input of a parameter, chosen by its schema. */
function field(parameter) {
  const id = newId();
  const schema = parameter.schema?.schema ?? parameter.schema ?? {};
  const isOptional = parameter.required === false;
  const type = inWords(parameter.schema);
  const label = h("label", { for: id }, brief(parameter.name, 100), " ", h("small", { class: "muted" }, type, isOptional && ", may be left out"),
    parameter.description && h("small", { class: "muted" }, " ", brief(parameter.description, 300)));
  const choice = (values) => h("select", { id }, isOptional && h("option", { value: "" }, "(left out)"), values.map((value) => h("option", { value }, value)));
  if (Array.isArray(schema.enum)) return wrapped(label, choice(schema.enum.map(String)), isOptional);
  if (schema.type === "boolean") return wrapped(label, choice(["true", "false"]), isOptional);
  if (schema.type === "integer" || schema.type === "number") {
    const input = h("input", { id, type: "text", inputmode: schema.type === "integer" ? "numeric" : "decimal", pattern: schema.type === "integer" ? "-?[0-9]+" : null, title: type, required: !isOptional, autocomplete: "off" });
    return wrapped(label, input, isOptional);
  }
  if (schema.type === "string" && schema.format === "byte") {
    const { element, read } = bytesField(id);
    return { element: [label, element], read, isOptional };
  }
  if (schema.type === "object" || schema.type === "array" || schema.$ref || schema.oneOf || schema.anyOf) {
    return wrapped(label, h("textarea", { id, rows: "4", spellcheck: "false", placeholder: schema.type === "array" ? "[]" : "{}", required: !isOptional }), isOptional);
  }
  return wrapped(label, h("textarea", { id, rows: "1", spellcheck: "false" }), isOptional);
}

function wrapped(label, input, isOptional) {
  return { element: [label, input], read: () => input.value, isOptional };
}

/** Bytes: as text, or in base64. */
function bytesField(id) {
  const input = h("textarea", { id, rows: "1", spellcheck: "false" });
  const how = h("select", { "aria-label": "written as" }, h("option", { value: "text" }, "text"), h("option", { value: "base64" }, "base64"));
  const read = () => (how.value === "base64" ? { base64: input.value } : input.value);
  return { element: h("div", { class: "pair" }, input, how), read };
}

/** Any function, with any arguments: for contracts that do not describe themselves. */
function freeForm(channel, chaincode, about) {
  const nameId = newId();
  const name = h("input", { id: nameId, type: "text", autocomplete: "off", spellcheck: "false" });
  const rows = h("div", { class: "rows" });
  const readers = [];
  const addArgument = () => {
    const id = newId();
    const { element, read } = bytesField(id);
    const row = h("div", { class: "argument" }, h("label", { for: id }, `Argument ${readers.length + 1}`), element);
    readers.push({ row, read });
    rows.append(row);
    row.querySelector("textarea").focus();
  };
  const removeArgument = () => readers.pop()?.row.remove();
  const init = h("input", { type: "checkbox" });
  const args = () => [name.value, ...readers.map((reader) => reader.read())];
  return h("details", { class: "card function", "data-function": "" }, h("summary", null, "Any function"),
    form(channel, chaincode, { args, isInit: () => init.checked }, true, [
      h("label", { for: nameId }, "Function"), name, rows,
      h("div", { class: "row" }, h("button", { type: "button", onclick: addArgument }, "Add an argument"), h("button", { type: "button", onclick: removeArgument }, "Remove the last"),
        h("label", { class: "inline" }, init, " call the chaincode's init")),
    ]));
}

/** Names and values of transient data, and the button that adds one. */
export function transientFields() {
  const entries = [];
  const rows = h("div", { class: "rows" });
  const add = () => {
    const [nameId, id] = [newId(), newId()];
    const name = h("input", { id: nameId, type: "text", autocomplete: "off", spellcheck: "false" });
    const { element, read } = bytesField(id);
    const entry = { name: () => name.value, read };
    const row = h("div", { class: "argument" }, h("label", { for: nameId }, "Transient name"), name, h("label", { for: id }, "Value"), element,
      h("button", { type: "button", onclick: () => { row.remove(); entries.splice(entries.indexOf(entry), 1); } }, "Remove"));
    entries.push(entry);
    rows.append(row);
    name.focus();
  };
  return {
    rows,
    button: h("button", { type: "button", class: "quiet", onclick: add }, "Add transient data"),
    read: () => named(entries.map((entry) => [entry.name(), entry.read()])),
  };
}

/** Transient data by name; fails if a name is missing or given twice. */
function named(pairs) {
  const names = pairs.map(([name]) => name);
  const missing = names.indexOf("");
  if (missing >= 0) throw new Error(`transient data ${missing + 1} of ${names.length} have no name: fill it in, or remove them`);
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) throw new Error(`two transient data have the name "${twice}": rename or remove one of them`);
  return Object.fromEntries(pairs);
}

/** Fields, transient data, the two buttons, and the result. */
function form(channel, chaincode, { args, isInit }, submits, fields) {
  const result = h("div", { class: "result", role: "status" });
  const transient = transientFields();
  const run = async (path, buttons) => {
    buttons.forEach((button) => { button.disabled = true; });
    fill(result, h("p", { class: "muted" }, "Waiting …"));
    try {
      const body = { channel, chaincode, org: caller.org, user: caller.user, args: args(), is_init: isInit ? isInit() : false,
        transient: transient.read() };
      fill(result, outcome(channel, await call(path, body)));
    } catch (error) {
      fill(result, problem(error));
    } finally {
      buttons.forEach((button) => { button.disabled = false; });
    }
  };
  const evaluate = h("button", { type: submits ? "button" : "submit", name: "evaluate" }, "Evaluate");
  const submit = h("button", { type: submits ? "submit" : "button", name: "submit" }, "Submit");
  const both = [evaluate, submit];
  const element = h("form", { class: "call", onsubmit: (event) => { event.preventDefault(); run(submits ? "/api/submit" : "/api/evaluate", both); } },
    fields, transient.rows,
    h("div", { class: "row" }, both, transient.button), result);
  (submits ? evaluate : submit).addEventListener("click", () => { if (element.reportValidity()) run(submits ? "/api/evaluate" : "/api/submit", both); });
  return element;
}

function outcome(channel, it) {
  const isSubmitted = it.tx_id !== undefined;
  const payload = typeof it.payload === "string" && it.payload === "" ? h("p", { class: "muted" }, "(no payload)") : [show(it.payload), whole(it)];
  return [
    h("p", null, isSubmitted ? verdict(it.status) : verdict("evaluated"), " ",
      isSubmitted && [h("a", { href: place([channel, "tx", it.tx_id]) }, "transaction"), " in ", h("a", { href: place([channel, "block", it.block]) }, `block ${it.block}`)]),
    terms([
      ["Reason", it.reason && brief(it.reason, 1000)],
      ["Fuel", it.fuel !== null && it.fuel !== undefined && `${grouped(it.fuel)}, ${grouped(it.host_calls)} calls to the peer`],
      ["Took", `${it.ms} ms`],
      ["Event", it.event && `${brief(it.event.name, 200)}: ${brief(it.event.payload, 200)}`],
    ]),
    payload,
  ];
}

/** A link that saves a long or binary payload: the answer of an evaluated call is stored nowhere else. */
function whole({ payload, payload_id: id }) {
  const { kind, text, bytes } = parts(payload);
  const inBase64 = bytes ? null : kind === "hex" ? base64(text) : kind === "text" && text.length >= 10_000 ? toBase64(text) : null;
  const href = id ? address("/api/payload", { id }) : inBase64 && `data:application/octet-stream;base64,${inBase64}`;
  return href && h("p", null, h("a", { href, download: "payload" }, "Save the payload"));
}
