// Replaces numbers of pieces in a message by the bytes, and renames members as in JavaScript.

// Members that are bytes.
const BYTES = new Set(["payload", "value", "key_hash", "value_hash", "pvt_rwset_hash"]);
// Members whose own members are named by the ledger: namespaces and collections.
const NAMED = new Set(["rwset", "collections"]);

const camel = (name) => name.replace(/_([a-z])/g, (_, letter) => letter.toUpperCase());

export function lift(value, blobs) {
  if (Array.isArray(value)) return value.map((member) => lift(member, blobs));
  if (typeof value !== "object" || value === null) return value;
  const lifted = {};
  for (const [name, member] of Object.entries(value)) {
    lifted[camel(name)] = liftMember(name, member, blobs);
  }
  return lifted;
}

function liftMember(name, member, blobs) {
  if (BYTES.has(name) && typeof member === "number") return blobs[member];
  if (name === "entries") return member.map(([entry, number]) => [entry, blobs[number]]);
  if (NAMED.has(name) && member !== null) {
    return Object.fromEntries(Object.entries(member).map(([key, set]) => [key, lift(set, blobs)]));
  }
  return lift(member, blobs);
}
