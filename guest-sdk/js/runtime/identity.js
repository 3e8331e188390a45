// Fabric's `ClientIdentity`, which reads the client's certificate when something of it is asked for: the
// contract API makes one for every transaction, and few look at it.
import shim from "fabric-shim";

import { lazy } from "./lazy.js";

const { ClientIdentity: Parsed } = shim;

function ClientIdentity(stub) {
  const identity = Object.create(Parsed.prototype);
  let parsed;
  const read = (name) => (parsed ??= new Parsed(stub))[name];
  identity.stub = stub;
  for (const name of ["mspId", "idBytes", "id", "attrs"]) lazy(identity, name, () => read(name));
  return identity;
}
ClientIdentity.prototype = Parsed.prototype;
Object.defineProperty(ClientIdentity, "name", { value: "ClientIdentity" });

shim.ClientIdentity = ClientIdentity;
