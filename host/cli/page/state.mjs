// The state of chaincodes: keys, the history of a key, private data.

import { address, get, list, place } from "./api.mjs";
import { dateInSeconds, h, table, terms } from "./dom.mjs";
import { brief, difference, keyParts, readAttributes, show, showKey, writtenAttributes } from "./value.mjs";

/** The keys of a chaincode. */
export async function state({ channel, segments, parameters, go }) {
  const { chaincodes, namespaces } = await get("/api/chaincodes", { channel });
  const names = list(namespaces).items;
  const chaincode = segments[0] ?? names[0];
  const prefix = parameters.get("prefix") ?? "";
  const after = parameters.get("after");
  const page = await get("/api/state", { channel, chaincode, prefix, after });
  const rows = list(page.keys).items;
  const collections = list(chaincodes).items.filter((it) => it.name === chaincode).flatMap((it) => list(it.collections).items);
  return [
    h("h1", null, `State of ${chaincode}`),
    form({ channel, names, chaincode, prefix, go }),
    collections.length > 0 && h("p", null, "Private data: ", collections.map((it, index) =>
      [index > 0 && ", ", h("a", { href: place([channel, "private", chaincode, it.name]) }, it.name)])),
    table(`Keys of ${chaincode}`, ["Key", "Value", "Version"], rows.map((row) => [
      typeof row.name === "string" ? h("a", { href: place([channel, "key", chaincode, row.name]) }, showKey(row.name)) : brief(row.name),
      [brief(row.value, 160), Object.keys(row.metadata ?? {}).length > 0 && h("small", { class: "muted" }, ` has metadata`)],
      h("a", { href: place([channel, "tx", row.version]) }, row.version),
    ]), `There is no such key in the state of ${page.height} blocks.`),
    h("p", { class: "row" },
      after !== null && h("a", { href: place([channel, "state", chaincode], { prefix }) }, "First"),
      page.more && h("a", { href: place([channel, "state", chaincode], { prefix, after: rows.at(-1)?.name }) }, "More")),
  ];
}

function form({ channel, names, chaincode, prefix, go }) {
  const parts = keyParts(prefix);
  const which = h("select", { id: "namespace" }, [...new Set([chaincode, ...names])].map((name) => h("option", { value: name, selected: name === chaincode }, name)));
  const plain = h("input", { id: "prefix", type: "text", autocomplete: "off", spellcheck: "false" });
  const type = h("input", { id: "type", type: "text", autocomplete: "off", spellcheck: "false" });
  const attributes = h("input", { id: "attributes", type: "text", autocomplete: "off", spellcheck: "false", placeholder: "first, second or [\"with, comma\"]" });
  if (parts) {
    type.value = parts[0] ?? "";
    attributes.value = writtenAttributes(parts.slice(1));
  } else {
    plain.value = prefix;
  }
  // The field that was changed last decides. An unchanged prefix is kept, whatever its form.
  let asked = () => prefix;
  plain.addEventListener("input", () => {
    [type.value, attributes.value] = ["", ""];
    asked = () => plain.value;
  });
  const ofParts = () => {
    plain.value = "";
    asked = () => type.value === "" ? "" : ["", type.value, ...readAttributes(attributes.value), ""].join("\u0000");
  };
  type.addEventListener("input", ofParts);
  attributes.addEventListener("input", ofParts);
  const submit = (event) => {
    event.preventDefault();
    go(place([channel, "state", which.value], { prefix: asked() }));
  };
  which.addEventListener("change", () => go(place([channel, "state", which.value])));
  return h("form", { class: "grid", onsubmit: submit },
    h("label", { for: "namespace" }, "Chaincode"), which,
    h("label", { for: "prefix" }, "Keys that begin with"), plain,
    h("label", { for: "type" }, "or composite keys of type"), type,
    h("label", { for: "attributes" }, "whose first attributes are"), attributes,
    h("button", { type: "submit" }, "Show"));
}

/** One key: its value, and all its writes. */
export async function key({ channel, segments, parameters }) {
  const [chaincode, name] = segments;
  const skip = Number(parameters.get("skip") ?? 0) || 0;
  const found = await get("/api/history", { channel, chaincode, key: name, skip });
  const { items: writes } = list(found.writes);
  const download = (tx) => address("/api/value", { channel, chaincode, key: name, tx });
  const metadata = Object.entries(found.current?.metadata ?? {});
  return [
    h("h1", null, "Key ", showKey(name)),
    terms([
      ["Chaincode", h("a", { href: place([channel, "state", chaincode]) }, chaincode)],
      ["Version", found.current && h("a", { href: place([channel, "tx", found.current.version]) }, found.current.version)],
    ]),
    h("h2", null, "Value"),
    found.current
      ? [show(found.current.value, download(undefined)), h("p", null, h("a", { href: download(undefined), download: "value" }, "Download"))]
      : h("p", null, "It does not exist now."),
    metadata.length > 0 && [h("h2", null, "Metadata"), terms(metadata.map(([term, value]) => [term, show(value)]))],
    h("h2", null, "History"),
    writes.length === 0 && h("p", { class: "muted" }, "No valid transaction has written it."),
    h("ol", { class: "timeline", start: skip + 1 }, writes.map((write, index) => {
      const before = writes[index + 1];
      const isKnown = before !== undefined && !before.deleted && !write.deleted;
      return h("li", null,
        h("h3", null, write.deleted ? "Deleted" : before === undefined && !found.more ? "First written" : "Written", " by ",
          h("a", { href: place([channel, "tx", write.tx_id]) }, brief(write.tx_id, 20)),
          write.block !== null && [" in ", h("a", { href: place([channel, "block", write.block]) }, `block ${write.block}`)]),
        write.seconds !== null && h("p", { class: "muted" }, dateInSeconds(write.seconds)),
        write.deleted ? null : isKnown ? difference(before.value, write.value) : show(write.value, download(write.tx_id)),
        !write.deleted && h("p", null, h("a", { href: download(write.tx_id), download: "value" }, "Download")));
    })),
    h("p", { class: "row" },
      skip > 0 && h("a", { href: place([channel, "key", chaincode, name]) }, "Newest"),
      found.more && h("a", { href: place([channel, "key", chaincode, name], { skip: skip + writes.length }) }, "Older")),
  ];
}

/** Private data, as held by each organization of this process. */
export async function privateData({ channel, segments, parameters }) {
  const [chaincode, collection] = segments;
  const [after, hash] = [parameters.get("after"), parameters.get("hash")];
  const page = await get("/api/private", { channel, chaincode, collection, after, hash });
  const hashes = list(page.hashes).items;
  const rows = list(page.keys).items;
  const side = (row, org) => {
    const held = list(row.sides).items.find((it) => it.msp_id === org);
    if (!held || held.value === null) return h("span", { class: "muted" }, "not held");
    const note = held.current ? null : h("span", { class: "badge bad" }, "not what the channel has");
    const href = address("/api/value", { channel, chaincode, collection, org, key: row.name });
    return [show(held.value, href), note, h("p", null, h("a", { href, download: "value" }, "Download"))];
  };
  return [
    h("h1", null, `Private data ${chaincode} / ${collection}`),
    h("p", null, "The data that the peer of each organization of this process holds. All other peers of the channel have the hashes only."),
    table("Private keys by organization", ["Key", ...page.organizations, "Hash on the channel"], rows.map((row) => [
      showKey(row.name),
      ...page.organizations.map((org) => side(row, org)),
      h("code", null, brief(list(row.sides).items[0]?.value_hash ?? "none", 24)),
    ]), "No organization of this process holds anything of it in the clear."),
    h("p", { class: "row" },
      after !== null && h("a", { href: place([channel, "private", chaincode, collection]) }, "First"),
      page.more && h("a", { href: place([channel, "private", chaincode, collection], { after: rows.at(-1)?.name, hash }) }, "More")),
    h("h2", null, "Hashes alone"),
    h("p", null, "Keys that no organization of this process holds. The channel has only these hashes of them (SHA-256); keys and values are with other organizations, or purged there."),
    table("Hashes of private keys that are not held here", ["Hash of the key", "Hash of the value", "Version"], hashes.map((row) => [
      h("code", null, row.key_hash), h("code", null, row.value_hash), h("a", { href: place([channel, "tx", row.version]) }, row.version),
    ]), page.next_hash !== null ? "None so far: follow \"More hashes\"." : hash !== null ? "There are no more." : "There are none: what the channel has a hash of is held here."),
    h("p", { class: "row" },
      hash !== null && h("a", { href: place([channel, "private", chaincode, collection], { after }) }, "First hashes"),
      page.next_hash !== null && h("a", { href: place([channel, "private", chaincode, collection], { after, hash: page.next_hash }) }, "More hashes")),
  ];
}
