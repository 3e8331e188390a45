// Fabric's `ClientIdentity`, which parses the client's certificate only when it is needed: the contract API makes one
// for every transaction, and few use it.
import shim from "fabric-shim";

import { lazily } from "./lazy.js";

const { ClientIdentity: Parsed } = shim;

const certificates = new WeakMap();
function parsed(identity) {
  if (!certificates.has(identity)) certificates.set(identity, new Parsed(identity.stub));
  return certificates.get(identity);
}
const readLater = lazily({
  mspId: (identity) => parsed(identity).mspId,
  idBytes: (identity) => parsed(identity).idBytes,
  id: (identity) => parsed(identity).id,
  attrs: (identity) => parsed(identity).attrs,
});

function ClientIdentity(stub) {
  // A subclass has its own methods.
  const identity = Object.create((new.target ?? ClientIdentity).prototype);
  identity.stub = stub;
  return readLater(identity);
}
ClientIdentity.prototype = Parsed.prototype;
Object.defineProperty(ClientIdentity, "name", { value: "ClientIdentity" });

shim.ClientIdentity = ClientIdentity;
