// What happens, as it happens.

import { address, place } from "./api.mjs";
import { fill, grouped, h, milliseconds, shortened, table, verdict } from "./dom.mjs";

/** Entries that are kept. */
const KEPT = 500;
const entries = [];
const listeners = new Set();

/** The pauses before it connects again, in milliseconds: each twice as long as the one before. */
const [FIRST_PAUSE, LONGEST_PAUSE] = [500, 30_000];

/** Follows the program, for as long as the page is open; `onState` is told in words how that goes. */
export function follow(onState) {
  let [last, pause] = [null, FIRST_PAUSE];
  const take = (entry) => {
    entries.unshift(entry);
    entries.splice(KEPT);
    listeners.forEach((listener) => listener());
  };
  const connect = () => {
    // A browser does not connect again by itself if it was refused.
    const source = new EventSource(address("/api/live", { after: last }));
    source.addEventListener("open", () => {
      pause = FIRST_PAUSE;
      onState("connected");
    });
    source.addEventListener("error", () => {
      source.close();
      onState(`not connected; next attempt in ${pause / 1000} s. Is the program still running?`);
      setTimeout(connect, pause);
      pause = Math.min(2 * pause, LONGEST_PAUSE);
    });
    source.addEventListener("message", (event) => {
      const entry = { ...JSON.parse(event.data), id: Number(event.lastEventId) };
      const missed = last === null ? 0 : entry.id - last - 1;
      if (missed > 0) take({ kind: "network", time: entry.time, text: `${missed} entries were not received: too much happened meanwhile` });
      last = entry.id;
      take(entry);
    });
  };
  connect();
}

const time = (entry) => new Date(entry.time).toISOString().slice(11, 23);

/** The view. */
export function live(context) {
  const shown = h("div", { "aria-live": "off" });
  const filter = h("input", { id: "filter", type: "search", autocomplete: "off", spellcheck: "false" });
  const hold = h("input", { id: "hold", type: "checkbox" });
  const logs = h("div");
  let due = false;
  const draw = () => {
    due = false;
    const wanted = filter.value.toLowerCase();
    const has = (entry) => wanted === "" || JSON.stringify(entry).toLowerCase().includes(wanted);
    const happened = entries.filter((entry) => entry.kind !== "log" && entry.kind !== "network" && has(entry));
    fill(shown, table("Transactions and blocks, the newest first",
      ["Time", "What", "By", "Verdict", "Fuel", "Took", "Block"], happened.slice(0, 100).map(row),
      "Nothing has happened yet. Call a contract: it appears here."));
    const said = entries.filter((entry) => (entry.kind === "log" || entry.kind === "network") && has(entry)).slice(0, 100);
    fill(logs, said.length > 0 && [h("h2", null, "Log"),
      h("pre", { class: "value", tabindex: "0" }, said.map((entry) => `${time(entry)} ${line(entry)}\n`))]);
  };
  const changed = () => {
    if (due || hold.checked) return;
    due = true;
    requestAnimationFrame(draw);
  };
  filter.addEventListener("input", draw);
  hold.addEventListener("change", draw);
  listeners.add(changed);
  context.onLeave(() => listeners.delete(changed));
  draw();
  return [
    h("h1", null, "Live"),
    h("div", { class: "row" },
      h("label", { for: "filter" }, "Only with"), filter,
      h("label", { class: "inline" }, hold, " Hold still")),
    shown,
    logs,
  ];
}

function line(entry) {
  if (entry.kind === "network") return entry.text;
  return `${entry.level} ${entry.chaincode} ${shortened(entry.tx_id)}: ${entry.text}`;
}

function row(entry) {
  if (entry.kind === "block") {
    const words = `block ${entry.number}: ${entry.valid} of ${entry.transactions} valid`;
    return [time(entry), h("span", { class: "muted" }, words), "", "", "", "",
      h("a", { href: place([entry.channel, "block", entry.number]) }, entry.number)];
  }
  const called = entry.function ? `${entry.chaincode}.${entry.function}` : entry.chaincode;
  const isKept = entry.block !== null;
  const name = isKept ? h("a", { href: place([entry.channel, "tx", entry.tx_id]) }, called) : called;
  const reason = entry.reason && h("small", { class: "reason" }, entry.reason);
  return [time(entry), [name, " ", h("small", { class: "muted" }, shortened(entry.tx_id)), reason],
    entry.creator, verdict(entry.verdict), entry.fuel ? grouped(entry.fuel) : "", milliseconds(entry.ms),
    isKept ? h("a", { href: place([entry.channel, "block", entry.block]) }, entry.block) : ""];
}
