// The calls to the peer of a transaction that was run again, step by step.

import { list } from "./api.mjs";
import { fill, grouped, h, table, terms, verdict } from "./dom.mjs";
import { brief, briefKey, parts, show, showKey } from "./value.mjs";

/** The comparison, and the calls, which the keyboard steps through. */
export function replay(it, onLeave) {
  const { items: calls, total } = list(it.calls);
  const offered = Object.entries(it.offered_transient ?? {});
  return [
    offered.length > 0 && h("p", { class: "offered" }, "With transient data that were offered, not recorded: ",
      offered.map(([name, bytes], index) => [index > 0 && ", ", h("code", null, brief(name, 100)), ` (${bytes} bytes)`]), "."),
    h("p", null, verdict(it.result), " ", outcome(it)),
    list(it.reasons).total > 0 && h("ul", null, list(it.reasons).items.map((reason) => h("li", null, brief(reason, 500)))),
    it.failure && h("p", { class: "problem" }, brief(it.failure, 1000)),
    list(it.differences).total > 0 && table("Differences", ["What", "Endorsed", "Now"],
      list(it.differences).items.map((row) => [brief(row.what, 200), show(row.endorsed), show(row.now)])),
    terms([
      ["Ran on", it.height !== null && it.height !== undefined && `the state of blocks 0 to ${it.height - 1}`],
      ["Fuel", it.fuel !== null && `${grouped(it.fuel)}, ${grouped(it.host_calls)} calls`],
    ]),
    calls.length > 0 ? steps(calls, it.fuel ?? 0, onLeave) : h("p", { class: "muted" }, "It made no calls to the peer."),
    (total > calls.length || it.more_calls > 0) && h("p", { class: "muted" },
      `The first ${calls.length} of ${total + it.more_calls} calls; \`wasmcc replay --json\` prints more.`),
  ];
}

function outcome(it) {
  const words = {
    same: "Response, event and read-write set are as endorsed.",
    unknown: "The result differs from what was endorsed, possibly because of:",
    differs: "The result differs from what was endorsed.",
    not_run: "It was not run: no state has the versions that it read.",
  };
  return words[it.result] ?? "";
}

function steps(calls, fuel, onLeave) {
  const most = Math.max(fuel, ...calls.map((call) => call.fuel), 1);
  let at = 0;
  const position = h("p", { role: "status" });
  const detail = h("div", { class: "detail" });
  const rows = calls.map((call, index) => h("li", null, h("button", { type: "button", tabindex: "-1", onclick: () => go(index, true) },
    h("span", { class: "number" }, index + 1), " ",
    call.depth > 0 && h("span", { class: "muted" }, `${"› ".repeat(Math.min(call.depth, 8))}${call.chaincode} `),
    h("strong", null, call.call), " ", h("span", { class: "key" }, subject(call)), " ",
    h("meter", { min: 0, max: most, value: call.fuel, "aria-label": "fuel used so far" }), " ",
    h("span", { class: "muted" }, `${grouped(call.fuel)} fuel, ${call.us} µs`))));
  const go = (to, takesFocus) => {
    rows[at].firstChild.removeAttribute("aria-current");
    rows[at].firstChild.tabIndex = -1;
    at = Math.min(Math.max(to, 0), calls.length - 1);
    const button = rows[at].firstChild;
    button.setAttribute("aria-current", "step");
    button.tabIndex = 0;
    if (takesFocus) {
      button.focus({ preventScroll: true });
      button.scrollIntoView({ block: "nearest" });
    }
    fill(position, `Call ${at + 1} of ${calls.length}`);
    fill(detail, describe(calls[at], calls[at + 1]?.fuel ?? fuel));
  };
  const keys = { ArrowDown: 1, ArrowRight: 1, j: 1, ArrowUp: -1, ArrowLeft: -1, k: -1, PageDown: 10, PageUp: -10, Home: -Infinity, End: Infinity };
  const pressed = (event) => {
    const by = keys[event.key];
    if (by === undefined || event.ctrlKey || event.altKey || event.metaKey) return;
    event.preventDefault();
    go(at + by, true);
  };
  const listed = h("ol", { class: "calls", "aria-label": "Calls to the peer", onkeydown: pressed }, rows);
  go(0, false);
  onLeave(() => listed.remove());
  return h("div", { class: "steps" },
    h("div", { class: "row" },
      h("button", { type: "button", onclick: () => go(at - 1, false) }, "Back"),
      h("button", { type: "button", onclick: () => go(at + 1, false) }, "Step"),
      position, h("span", { class: "muted" }, "Arrow keys, Home and End step as well.")),
    h("div", { class: "split" }, listed, detail));
}

/** The object of a call: a key, query, name or chaincode. */
function subject(call) {
  const { key, collection, start, query, name, chaincode } = call.arguments ?? {};
  const about = query ?? name ?? chaincode;
  const text = key ?? start ? briefKey(key ?? start, 60) : about === undefined || about === null ? "" : brief(about, 60);
  return collection ? `${brief(collection, 30)} ${text}` : text;
}

function describe(call, after) {
  const used = after - call.fuel;
  const answer = call.stopped ? h("p", { class: "problem" }, "The guest was stopped in this call.")
    : call.refusal !== null && call.refusal !== undefined ? h("p", { class: "problem" }, brief(call.refusal, 2000))
      : call.answer === null ? h("p", { class: "muted" }, "nothing") : value(call.answer);
  return [
    h("h4", null, call.call),
    terms([
      ["By", call.chaincode],
      ["Fuel before", grouped(call.fuel)],
      ["To the next call", used >= 0 ? grouped(used) : null],
      ["Took", `${call.us} µs`],
    ]),
    Object.entries(call.arguments ?? {}).map(([name, argument]) => [h("h5", null, name), value(argument, name)]),
    h("h5", null, "Answer"), answer,
  ];
}

/** The arguments and parts of answers that are keys. */
const KEYS = ["key", "keys", "start", "end"];

/** Rows of a query are lists of parts. */
function value(it, name) {
  const { items, total } = list(it);
  if (total > 0) return h("ol", null, items.map((item) => h("li", null, value(item, name))), total > items.length && h("li", null, `… ${total} in all`));
  if (typeof it === "string" && KEYS.includes(name)) return showKey(it);
  const { kind } = parts(it);
  if (kind === "json" && !Array.isArray(it)) return terms(Object.entries(it).map(([part, of]) => [part, value(of, part)]));
  return show(it);
}
