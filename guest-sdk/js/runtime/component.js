// The exports of the component: each call is one transaction of the chaincode that the contract's code
// made when the component was built.
import { setEvent } from "fabric:chaincode/event@0.2.0";
import { Buffer } from "buffer";
import { generateLoggingPrefix } from "fabric-shim/lib/utils/utils.js";
import { drain } from "./jobs.js";
import { makeStub } from "./stub.js";
import { begin } from "./transaction.js";
import { Handler } from "./shim/handler.js";
import { traced } from "./trace.js";

const ERROR = 500;

// Makes the contract interface of `chaincode`.
export function contractOf(chaincode) {
  const handler = new Handler();
  return {
    init: () => run(chaincode, "Init", handler),
    invoke: () => run(chaincode, "Invoke", handler),
  };
}

function run(chaincode, method, handler) {
  begin();
  const stub = makeStub(handler);
  const response = settled(async () => chaincode[method](stub));
  if (stub.chaincodeEvent) {
    const { chaincodeEvent: event } = stub;
    setEvent(event.getEventName(), Buffer.from(event.getPayload_asU8()));
  }
  return answer(response, method, stub);
}

// Runs what `start` begins to its end.
export function settled(start) {
  let outcome;
  start().then(
    (value) => (outcome = { value }),
    (error) => (outcome = { error }),
  );
  drain();
  if (!outcome) {
    throw new Error("the chaincode waits for a promise that nothing in this transaction can settle");
  }
  if ("error" in outcome) throw traced(outcome.error);
  return outcome.value;
}

function answer(response, method, stub) {
  if (!response || !response.status) {
    const prefix = generateLoggingPrefix(stub.getChannelID(), stub.getTxID());
    const message = `${prefix} Calling chaincode ${method}() has not called success or error.`;
    return { status: ERROR, message, payload: new Uint8Array() };
  }
  const { status, message, payload } = response;
  return {
    status,
    message: typeof message === "string" ? message : "",
    payload: payload == null ? new Uint8Array() : new Uint8Array(Buffer.from(payload)),
  };
}
