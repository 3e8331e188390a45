// One transaction as a timeline, from the proposal to the verdict.

import { address, get, list, place, unescaped } from "./api.mjs";
import { when } from "./blocks.mjs";
import { transientFields } from "./call.mjs";
import { fill, grouped, h, milliseconds, problem, table, terms, verdict, visible } from "./dom.mjs";
import { replay } from "./replay.mjs";
import { brief, show, showEscapedKey, showKey, toBase64 } from "./value.mjs";

/** The view. */
export async function transaction({ channel, segments, onLeave }) {
  const id = segments[0] ?? "";
  const tx = await get("/api/transaction", { channel, id });
  const details = tx.details ?? {};
  const isCall = details.type === "ENDORSER_TRANSACTION" && details.chaincode;
  const name = details.chaincode?.name;
  const isSystem = name === "_lifecycle" || name === "lscc";
  const again = h("div");
  const why = h("div");
  if (isCall && !isSystem) runAgain(channel, id, again, onLeave);
  explainVerdict(channel, id, tx, why);
  const step = (title, ...content) => h("li", null, h("h3", null, title), content);
  return [
    h("h1", null, isCall ? `${name}.${brief(details.input?.[0] ?? "", 60)}` : details.type || "Transaction", " ", verdict(tx.code)),
    terms([
      ["Id", h("code", null, brief(details.tx_id, 200))],
      ["Place", [h("a", { href: place([channel, "block", tx.block]) }, `block ${tx.block}`), `, transaction ${tx.transaction} of ${tx.of}`]],
      ["Creator", identity(details.creator)],
      ["Time", when(details.timestamp)],
      ["Not valid", tx.code !== "VALID" && tx.reason && h("span", { class: "reason" }, visible(tx.reason))],
      ["Whole", h("a", { href: address("/api/transaction", { channel, id, whole: 1 }), download: "transaction.json" }, "as JSON")],
    ]),
    details.unreadable && [h("h2", null, "It cannot be read"), show(details.unreadable)],
    h("h2", null, "What happened"),
    h("ol", { class: "timeline" },
      isCall && step("Proposal", terms([
        ["Chaincode", `${name} ${details.chaincode.version}`],
        ["Arguments", list(details.input).items.slice(1).map((value) => h("div", null, show(value)))],
      ])),
      isCall && step("Checks", checks(tx)),
      isCall && step("Look-up", lookUp(details)),
      isCall && !isSystem && step("Execution, run again", again, offer((transient) => runAgain(channel, id, again, onLeave, transient))),
      isCall && step("Endorsement", endorsements(tx, details)),
      step("Ordering", h("p", null, "Place ", String(tx.transaction), " of ", h("a", { href: place([channel, "block", tx.block]) }, `block ${tx.block}`), ".")),
      step("Validation", h("p", null, verdict(tx.code)), why)),
    isCall && [
      h("h2", null, "Response"),
      terms([["Status", details.response?.status], ["Message", details.response?.message && brief(details.response.message, 500)]]),
      show(details.response?.payload),
    ],
    details.event && [h("h2", null, "Event"), terms([["Name", brief(details.event.name, 200)]]), show(details.event.payload)],
    isCall && [h("h2", null, "Read-write set"), list(details.rwset).items.map((set) => namespace(channel, set))],
  ];
}

function runAgain(channel, id, into, onLeave, transient) {
  fill(into, h("p", { class: "muted", role: "status" }, "Running it again …"));
  return get("/api/replay", { channel, id, transient }).then(
    (replayed) => fill(into, replay(replayed, onLeave)),
    (error) => fill(into, problem(error)));
}

/** A form for transient data, which no block records. */
function offer(run) {
  const transient = transientFields();
  const inBase64 = (value) => (typeof value === "string" ? toBase64(value) : value.base64);
  const wrong = h("div");
  const submit = (event) => {
    event.preventDefault();
    fill(wrong);
    try {
      const given = Object.entries(transient.read()).map(([name, value]) => [name, inBase64(value)]);
      run(JSON.stringify(Object.fromEntries(given)));
    } catch (error) {
      fill(wrong, problem(error));
    }
  };
  return h("details", { class: "offer" }, h("summary", null, "Run it with transient data"),
    h("p", { class: "muted" }, "No block records transient data. Offer them if you know them: they are used for this run, and nothing proves that the endorsers had the same."),
    h("form", { class: "call", onsubmit: submit }, transient.rows, h("div", { class: "row" }, h("button", { type: "submit" }, "Run again"), transient.button), wrong));
}

function identity(value) {
  if (!value || typeof value !== "object" || !value.msp_id) return brief(value);
  return `${value.name ?? "?"} of ${value.msp_id}`;
}

/** The checks by each endorser of this process, with their durations. */
function checks(tx) {
  const seen = list(tx.endorsements).items.filter((it) => list(it.checks).total > 0);
  if (seen.length === 0) {
    return h("p", { class: "muted" }, "Not recorded: it was endorsed before this program was started, long ago, or by peers of other processes. " +
      "Endorsements are made only where all checks pass.");
  }
  const names = [...new Set(seen.flatMap((it) => list(it.checks).items.map(([name]) => name)))];
  const result = (it, name) => {
    const made = list(it.checks).items.find(([one]) => one === name);
    if (!made) return h("span", { class: "muted" }, "not made");
    return [made[1] ? "passed" : verdict("refused"), h("span", { class: "muted" }, ` ${made[2].toFixed(1)} µs`)];
  };
  return [
    table("Checks by organization", ["Check", ...seen.map((it) => it.msp_id)], names.map((name) => [name, ...seen.map((it) => result(it, name))])),
    seen.filter((it) => it.refusal).map((it) => h("p", { class: "reason" }, `${it.msp_id}: ${it.refusal}`)),
  ];
}

/** The reads by which the peer found the chaincode. */
function lookUp(details) {
  const of = list(details.rwset).items.find((set) => set.namespace === "_lifecycle" || set.namespace === "lscc");
  const reads = list(of?.reads).items;
  if (reads.length === 0) return h("p", null, "The transaction does not record it.");
  return [h("p", null, "The definition of the chaincode is part of what the transaction read:"),
    h("ul", null, reads.map((read) => h("li", null, showEscapedKey(read.key), ` at version ${read.version ?? "none"}`)))];
}

function endorsements(tx, details) {
  const seen = list(tx.endorsements).items;
  const signed = list(details.endorsers).items;
  const rows = signed.map((endorser) => {
    const of = seen.find((it) => it.msp_id === endorser.msp_id);
    return [endorser.msp_id, endorser.name ?? "", ...(of ? used(of) : ["", "", ""])];
  });
  const others = seen.filter((it) => !signed.some((endorser) => endorser.msp_id === it.msp_id));
  others.forEach((it) => rows.push([it.msp_id, it.refusal ?? "not used", ...used(it)]));
  return [table("Endorsements by organization", ["Organization", "Who", "Fuel", "Calls", "Took"], rows),
    seen.length === 0 && h("p", { class: "muted" }, "Fuel and time of the endorsements are known of transactions since this program was started.")];
}

/** Fuel, calls and time. The use of a failed execution is unknown. */
function used(it) {
  const known = it.measured ? [grouped(it.fuel), grouped(it.host_calls)] : ["not known", "not known"];
  return [...known, milliseconds(it.ms)];
}

/** Shows why a transaction is not valid, and which earlier transaction it conflicts with. */
function explainVerdict(channel, id, tx, into) {
  if (tx.code === "VALID") return;
  const tell = (it) => fill(into,
    it.reason && h("p", { class: "reason" }, visible(it.reason)),
    it.conflict && terms([
      ["Chaincode", it.conflict.namespace],
      ["Key", it.conflict.key !== undefined && it.conflict.key !== null && keyLink(channel, it.conflict.namespace, it.conflict.key)],
      ["Collection", it.conflict.collection],
      ["Version that was read", it.conflict.read ?? "none"],
      ["Version before it", it.conflict.now ?? "none"],
      ["Written by", it.conflict.writer && h("a", { href: place([channel, "tx", it.conflict.writer]) }, it.conflict.writer)],
      ["First in block", it.conflict.first_in_block !== undefined && h("a", { href: place([channel, "block", it.conflict.first_in_block]) }, it.conflict.first_in_block)],
    ]));
  tell(tx);
  if (tx.conflict || !/CONFLICT|DUPLICATE/.test(tx.code) && tx.reason) return;
  into.append(h("p", { class: "muted", role: "status" }, "Looking for the reason …"));
  get("/api/explain", { channel, id }).then(tell, (error) => into.append(problem(error)));
}

function keyLink(channel, namespace, key) {
  if (typeof key !== "string") return brief(key);
  return h("a", { href: place([channel, "key", namespace, key]) }, showKey(key));
}

function namespace(channel, set) {
  const key = (it) => typeof it.key === "string"
    ? h("a", { href: place([channel, "key", set.namespace, unescaped(it.key)]) }, showEscapedKey(it.key))
    : brief(it.key);
  const version = (it) => it.version
    ? h("a", { href: place([channel, "tx", it.version]) }, it.version) : "no such key";
  const rows = (value, row) => list(value).items.map(row);
  const collections = list(set.private_collections).items;
  const all = [set.reads, set.writes, set.metadata_writes, set.ranges].some((value) => list(value).total > list(value).items.length);
  return h("section", null, h("h3", null, set.namespace),
    list(set.reads).total > 0 && table(`Reads of ${set.namespace}`, ["Read", "Version, and its writer"], rows(set.reads, (it) => [key(it), version(it)])),
    list(set.ranges).total > 0 && table(`Ranges of ${set.namespace}`, ["From", "To", "Rows"], rows(set.ranges, (it) =>
      [showEscapedKey(it.start), showEscapedKey(it.end), list(it.reads).total || "hashes only, or none"])),
    list(set.writes).total > 0 && table(`Writes of ${set.namespace}`, ["Written", "Value"], rows(set.writes, (it) => [key(it), it.deleted ? "deleted" : show(it.value)])),
    list(set.metadata_writes).total > 0 && table(`Metadata of ${set.namespace}`, ["Metadata of", "Names"], rows(set.metadata_writes, (it) => [key(it), list(it.entries).items.join(", ")])),
    collections.length > 0 && h("p", null, "Private data of ", collections.map((name, index) =>
      [index > 0 && ", ", h("a", { href: place([channel, "private", set.namespace, name]) }, name)])),
    all && h("p", { class: "muted" }, "Not all of it is shown: see the whole transaction as JSON."));
}
