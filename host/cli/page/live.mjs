// Live events of the program: transactions, blocks, log lines.

import { address, place } from "./api.mjs";
import { date, fill, grouped, h, milliseconds, shortened, table, verdict } from "./dom.mjs";

/** The number of entries that are kept. */
const KEPT = 500;
const entries = [];
const listeners = new Set();

/** The pauses before a reconnect, in milliseconds: each twice as long as the one before. */
const [FIRST_PAUSE, LONGEST_PAUSE] = [500, 30_000];

/** Parses the id of an entry, RUN-NUMBER: the run of the program and the entry's number in it. */
function parsed(id) {
  const [, run, number] = /^(.*)-([0-9]+)$/.exec(id);
  return { id, run, number: Number(number) };
}

/**
 * Follows the program while the page is visible: a browser shares few connections to a program among all
 * its tabs, and a stream occupies one. Calls `onState` with a text about the connection, and `onAgain`
 * after a reconnect: the program may have been restarted.
 */
export function follow(onState, onAgain) {
  let [last, pause, isLost] = [null, FIRST_PAUSE, false];
  let [source, next] = [null, null];
  const take = (entry) => {
    entries.unshift(entry);
    entries.splice(KEPT);
    listeners.forEach((listener) => listener());
  };
  const connect = () => {
    clearTimeout(next);
    source?.close();
    if (document.hidden) {
      // The program may be restarted while the page is hidden.
      isLost ||= source !== null;
      return;
    }
    // A browser does not reconnect by itself after a refusal.
    source = new EventSource(address("/api/live", { after: last?.id }));
    source.addEventListener("open", () => {
      pause = FIRST_PAUSE;
      onState("connected");
      if (isLost) onAgain();
      isLost = false;
    });
    source.addEventListener("error", () => {
      source.close();
      isLost = true;
      onState(`not connected; next attempt in ${pause / 1000} s. Is the program still running?`);
      next = setTimeout(connect, pause);
      pause = Math.min(2 * pause, LONGEST_PAUSE);
    });
    // The program ends each stream at a time limit and asks for a reconnect.
    source.addEventListener("again", connect);
    source.addEventListener("message", (event) => {
      const entry = JSON.parse(event.data);
      const at = parsed(event.lastEventId);
      const isAnew = last !== null && last.run !== at.run;
      if (isAnew) take({ kind: "network", time: entry.time, text: "the program was started again" });
      const missed = last === null ? 0 : at.number - (isAnew ? 0 : last.number) - 1;
      if (missed > 0) take({ kind: "network", time: entry.time, text: `${missed} entries were not received: too much happened meanwhile` });
      last = at;
      take(entry);
    });
  };
  document.addEventListener("visibilitychange", connect);
  connect();
}

/** The time of an entry, without the date. */
const time = (entry) => date(entry.time / 1000).replace(/^\S+ (?=\d+:)/, "");

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
