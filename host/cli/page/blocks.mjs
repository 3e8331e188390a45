// The chain: its blocks, one block, and the cost of functions.

import { get, list, place } from "./api.mjs";
import { grouped, h, milliseconds, shortened, table, terms, verdict } from "./dom.mjs";

/** Blocks, the newest first. */
export async function blocks({ channel, parameters }) {
  const [chain, page] = await Promise.all([
    get("/api/chain", { channel }),
    get("/api/blocks", { channel, before: parameters.get("before") }),
  ]);
  const { items } = list(page.blocks);
  const last = items.at(-1)?.number;
  return [
    h("h1", null, `Channel ${chain.channel}`),
    terms([
      ["Height", `${grouped(chain.height)} blocks`],
      ["Organizations", chain.organizations.join(", ")],
      ["Orderers", `${chain.orderer_organizations.join(", ")} (${chain.consensus ?? "unknown"})`],
      ["Configuration", h("a", { href: place([channel, "block", chain.config_block]) },
        `sequence ${chain.config_sequence}, of block ${chain.config_block}`)],
      ["Capability", chain.capability],
      ["Commit hash", chain.commit_hash && h("code", null, chain.commit_hash)],
    ]),
    h("h2", null, "Blocks"),
    table("Blocks, the newest first", ["Block", "Time", "Transactions", "Begins with"], items.map((block) => [
      h("a", { href: place([channel, "block", block.number]) }, block.number),
      when(block.timestamp),
      `${block.valid} of ${block.transactions} valid`,
      block.first.map((it, index) => [index > 0 && ", ", called(channel, it)]),
    ])),
    h("p", { class: "row" },
      parameters.get("before") && h("a", { href: place([channel, "blocks"]) }, "Newest"),
      page.more && h("a", { href: place([channel, "blocks"], { before: last }) }, "Older")),
  ];
}

function called(channel, it) {
  const words = it.function ? `${it.chaincode}.${it.function}` : it.chaincode;
  return it.tx_id ? h("a", { href: place([channel, "tx", it.tx_id]) }, words) : words;
}

/** A time as blocks have it, to the millisecond. */
export function when(timestamp) {
  if (typeof timestamp !== "string") return "";
  return h("time", { datetime: timestamp, title: timestamp }, timestamp.replace("T", " ").replace(/(\.\d{3})\d*/, "$1").replace(/Z$/, ""));
}

/** One block. */
export async function block({ channel, segments }) {
  const number = segments[0] ?? "";
  const shown = await get("/api/block", { channel, number });
  const { items, total } = list(shown.transactions);
  return [
    h("h1", null, `Block ${shown.number}`),
    h("p", { class: "row" },
      shown.number > 0 && h("a", { href: place([channel, "block", shown.number - 1]) }, `Block ${shown.number - 1}`),
      shown.number + 1 < shown.height && h("a", { href: place([channel, "block", shown.number + 1]) }, `Block ${shown.number + 1}`)),
    terms([
      ["Previous hash", h("code", null, shown.previous_hash || "none")],
      ["Data hash", h("code", null, shown.data_hash)],
      ["Commit hash", shown.commit_hash && h("code", null, shown.commit_hash)],
    ]),
    h("h2", null, total === 1 ? "1 transaction" : `${total} transactions`),
    table("Transactions of the block", ["Place", "What", "By", "Verdict", "Id"], items.map((it, index) => [
      h("a", { href: place([channel, "tx", `${shown.number}:${index}`]) }, index),
      it.function ? `${it.chaincode}.${it.function}` : it.chaincode,
      it.creator,
      verdict(it.verdict),
      shortened(it.tx_id),
    ])),
    total > items.length && h("p", { class: "muted" }, `The first ${items.length}; others by block:place.`),
  ];
}

/** The cost table. */
export async function costs() {
  const rows = await get("/api/costs");
  // The use of a failed run is unknown.
  const known = (row, words) => (row.measured > 0 ? words : row.runs > 0 ? "not known" : "");
  return [
    h("h1", null, "What functions cost"),
    h("p", null, "Since this program was started. Fuel is about one unit an instruction; calls are those to the peer. " +
      "Fuel and calls of runs that end without an answer, such as those that use up their fuel, are not known: they count in runs and time only."),
    table("Costs by function",
      ["Function", "Runs", "Fuel on average", "Most fuel", "Fuel in all", "Calls", "Time on average", "Evaluated", "Valid", "Not valid", "Refused"],
      rows.map((row) => [
        h("code", null, `${row.chaincode}.${row.function}`), grouped(row.runs),
        known(row, grouped(Math.round(row.fuel / row.measured))), known(row, grouped(row.most_fuel)), known(row, grouped(row.fuel)),
        known(row, (row.host_calls / row.measured).toFixed(1)), row.runs > 0 ? milliseconds(row.ms / row.runs) : "",
        grouped(row.evaluated), grouped(row.valid), grouped(row.invalid), grouped(row.refused),
      ]), "No contract has been called yet."),
  ];
}
