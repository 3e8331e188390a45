// Makes a chaincode of the exports of a contract's main module, as `fabric-chaincode-node start` does.
import "./identity.js";

import { JSONSerializer } from "fabric-contract-api";
import ChaincodeFromContract from "fabric-shim/lib/contract-spi/chaincodefromcontract.js";

import { contractOf, rehearse } from "./component.js";
import { written } from "./console.js";
import { drain } from "./jobs.js";
import { exits } from "./process.js";
import { unheard } from "./promise.js";
import { served } from "./shim/handler.js";
import { setTrace, traced } from "./trace.js";

// The variables of a chaincode that is a service. A contract may need them before it calls `shim.server`.
const OF_SERVICE = {
  CHAINCODE_ID: "chaincode",
  CHAINCODE_SERVER_ADDRESS: "0.0.0.0:9999",
  CORE_CHAINCODE_ID_NAME: "chaincode",
};

// `load` returns the module. `info` has title and version of the package, and tells whether it is a service. `metadata` is the contract's
// metadata.json or an empty object. `trace` is the table of the bundle's lines.
export function start(load, info, metadata, trace) {
  delete globalThis.__wasmccStart;
  setTrace(trace);
  rehearse();
  try {
    const main = loaded(load, info.isService ? OF_SERVICE : {});
    const chaincode = served() ?? fromContracts(main, info, metadata);
    if (chaincode instanceof ChaincodeFromContract) warm(chaincode);
    drain();
    // Unhandled rejections of the build must not appear in a transaction.
    unheard();
    return contractOf(chaincode);
  } catch (error) {
    throw traced(ended() ?? error);
  } finally {
    exits.length = 0;
    written();
  }
}

// Loads the module, with more variables. A value that the contract sets stays: its own one is no accessor.
function loaded(load, variables) {
  const { env } = process;
  const given = Object.keys(variables).filter((name) => !Object.hasOwn(env, name));
  for (const name of given) {
    const define = (member) => Object.defineProperty(env, name, { ...member, enumerable: true, configurable: true });
    define({ get: () => variables[name], set: (value) => define({ value, writable: true }) });
  }
  const main = load();
  // Runs what the module's top level began, such as `server.start()`.
  drain();
  for (const name of given) if (Object.getOwnPropertyDescriptor(env, name)?.set) delete env[name];
  return main;
}

// Returns the error of a contract that ended its process while it was loaded, with the texts that it wrote. Often it
// catches the real error, and writes it.
function ended() {
  const [error] = exits;
  if (!error) return undefined;
  const texts = written().map((text) => JSON.stringify(text));
  const text = texts.length > 0 ? `, after it wrote ${texts.join(", ")}` : "";
  const [call] = error.message.split(":");
  const [, ...calls] = error.stack.split("\n");
  const message = `the contract ends its process while it is loaded, by ${call}${text}`;
  return Object.assign(error, { message, stack: [`Error: ${message}`, ...calls].join("\n") });
}

function fromContracts(main, { title, version, module }, metadata) {
  const exported = main.contracts || main.serializers ? main : (main.default ?? main);
  const contracts = exported.contracts ?? [exported];
  if (!Array.isArray(contracts) || contracts.some((contract) => typeof contract !== "function")) {
    // It may have failed before it started one.
    const [reason] = unheard();
    if (reason !== undefined) throw reason;
    throw new Error(
      `the main module, ${module}, starts no chaincode (shim.start) and exports no contract: export \`contracts\`, ` +
        "an array of classes that extend Contract. If the contract is in another module, name it: " +
        "wasmcc build FOLDER -- --main FILE",
    );
  }
  const serializers = serializersOf(exported);
  return new ChaincodeFromContract([...contracts], serializers, metadata, title, version);
}

function serializersOf({ serializers }) {
  const standard = { jsonSerializer: JSONSerializer };
  if (!serializers) return { transaction: "jsonSerializer", serializers: standard };
  if (!serializers.transaction) {
    throw new Error(
      "There should be a 'transaction' property to define the serializer for use with transactions",
    );
  }
  return { ...serializers, serializers: { ...serializers.serializers, ...standard } };
}

// Compiles the schemas of all parameters now, so that no transaction does. Ajv looks up compiled schemas by their text,
// which takes longer to write than to use: here the schema itself is the key.
function warm({ contractImplementations: implementations, metadata }) {
  const { schemas } = metadata.components;
  for (const [name, { transactions = [] }] of Object.entries(metadata.contracts)) {
    const ajv = implementations[name]?.dataMarshall?.ajv;
    if (!ajv) continue;
    const compile = ajv.compile.bind(ajv);
    const compiled = new Map();
    for (const { schema } of transactions.flatMap(({ parameters }) => parameters ?? [])) {
      if (!schema) continue;
      try {
        compiled.set(schema, compile({ properties: { prop: schema }, components: { schemas } }));
      } catch {
        // The transaction that uses it fails with the reason.
      }
    }
    ajv.compile = (whole) => compiled.get(whole.properties?.prop) ?? compile(whole);
  }
}
