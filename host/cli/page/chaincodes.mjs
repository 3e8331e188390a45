// The chaincodes of a channel: definition, limits and capabilities, metadata.

import { get, list, place } from "./api.mjs";
import { grouped, h, table, terms } from "./dom.mjs";
import { brief, show } from "./value.mjs";

/** All of them. */
export async function chaincodes({ channel, about }) {
  const { chaincodes: all } = await get("/api/chaincodes", { channel });
  const { items } = list(all);
  return [
    h("h1", null, "Chaincodes"),
    items.length === 0 && h("p", null, "The channel has none yet: `wasmcc dev basic=FOLDER` or `wasmcc deploy` brings one."),
    items.map((it) => chaincode(channel, about, it)),
  ];
}

function chaincode(channel, about, it) {
  const name = brief(it.name, 200);
  const collections = list(it.collections).items;
  const indexes = list(it.indexes).items;
  return h("section", { class: "card" },
    h("h2", null, name, " ", h("small", { class: "muted" }, it.version && `version ${brief(it.version)}`)),
    h("p", { class: "row" },
      h("a", { href: place([channel, "call", it.name]) }, about.calls ? "Call" : "Functions"),
      h("a", { href: place([channel, "state", it.name]) }, "State")),
    it.error && h("p", { class: "problem" }, brief(it.error, 500)),
    terms([
      ["Lifecycle", it.sequence !== undefined ? `${it.lifecycle}, sequence ${it.sequence}` : it.lifecycle],
      ["Endorsement policy", brief(it.policy, 500)],
      ["Init", it.init_required && "required"],
    ]),
    collections.length > 0 && table(`Collections of ${name}`, ["Collection", "Members", "Blocks to live", "Only members"], collections.map((row) => [
      h("a", { href: place([channel, "private", it.name, row.name]) }, brief(row.name)),
      brief(row.members, 300),
      row.block_to_live === 0 ? "for ever" : grouped(row.block_to_live),
      [row.member_only_read && "read ", row.member_only_write && "write"],
    ])),
    indexes.length > 0 && table(`Indexes of ${name}`, ["Index", "Of", "State"], indexes.map((row) => [
      h("code", null, brief(row.name, 200)), row.collection === "" ? "public state" : brief(row.collection), row.built ? "built" : "being built",
    ])),
    list(it.packages).items.map((row) => component(row)),
    list(it.packages).total === 0 && h("p", { class: "muted" }, "This peer has no package of it."));
}

function component(row) {
  if (row.error) return h("p", { class: "problem" }, brief(row.error, 1000));
  if (row.elsewhere) return h("p", null, "Runs in a process of its own: ", h("code", null, brief(row.id, 200)));
  const limits = row.limits ?? {};
  const mebibytes = (bytes) => `${(bytes / (1 << 20)).toFixed(bytes % (1 << 20) === 0 ? 0 : 1)} MiB`;
  return h("details", null, h("summary", null, `Component of ${grouped(row.bytes)} bytes; may use: ${list(row.capabilities).items.join(", ") || "nothing"}`),
    terms([
      ["Package", h("code", null, brief(row.id, 200))],
      ["SHA-256", h("code", null, row.sha256)],
      ["Functions", grouped(row.functions)],
      ["Initial memory", mebibytes(row.initial_memory_bytes)],
      ["Fuel of a transaction", grouped(limits.fuel)],
      ["Memory", mebibytes(limits.memory_bytes)],
      ["A value, a response", `${mebibytes(limits.value_bytes)}, ${mebibytes(limits.response_bytes)}`],
      ["Imports", h("ul", null, list(row.imports).items.map((name) => h("li", null, h("code", null, name))))],
    ]));
}

/** The metadata of a contract. `evaluate` calls a contract that runs in a process of its own. */
export async function getMetadata(channel, name, evaluate) {
  const { metadata, why, elsewhere } = await get("/api/metadata", { channel, chaincode: name });
  if (metadata || !elsewhere || !evaluate) return { metadata, why };
  try {
    const { payload } = await evaluate(["org.hyperledger.fabric:GetMetadata"]);
    return { metadata: JSON.parse(payload), why: null };
  } catch (error) {
    return { metadata: null, why: error.message };
  }
}

/** The functions of a contract with their parameters, as its metadata describe them. */
export function functions(metadata) {
  const contracts = metadata && typeof metadata === "object" ? Object.entries(metadata.contracts ?? {}) : [];
  const own = contracts.filter(([name]) => name !== "org.hyperledger.fabric");
  const found = [];
  for (const [name, contract] of own) {
    const isUsual = own.length === 1 || contract?.default === true;
    for (const it of list(contract?.transactions).items) {
      if (typeof it?.name !== "string") continue;
      const tags = list(it.tag ?? it.tags).items.map((tag) => String(tag).toLowerCase());
      found.push({
        name: isUsual ? it.name : `${name}:${it.name}`,
        description: typeof it.description === "string" ? it.description : "",
        submits: tags.includes("submit") || tags.includes("submittx") || !tags.includes("evaluate"),
        parameters: list(it.parameters).items.filter((parameter) => parameter && typeof parameter === "object"),
        returns: it.returns,
      });
    }
  }
  return found;
}

/** Describes a schema in a few words. */
export function inWords(schema) {
  if (!schema || typeof schema !== "object") return "";
  const it = schema.schema && typeof schema.schema === "object" ? schema.schema : schema;
  if (typeof it.$ref === "string") return it.$ref.split("/").at(-1);
  if (Array.isArray(it.enum)) return it.enum.map(String).join(" | ");
  if (it.type === "array") return `list of ${inWords(it.items) || "anything"}`;
  const format = it.format === "byte" ? "bytes" : it.format;
  return [format ?? it.type ?? "anything"].map(String).join("");
}

/** The metadata unchanged. */
export function raw(metadata) {
  return h("details", null, h("summary", null, "Metadata as the contract has them"), show(JSON.stringify(metadata, null, 2)));
}
