// The exports of the component. Each call is one transaction of the chaincode, which the contract's code made at the
// build.
import { setEvent } from "fabric:chaincode/event@0.2.0";
import { Buffer } from "buffer";
import { Message } from "google-protobuf";
import { generateLoggingPrefix } from "fabric-shim/lib/utils/utils.js";
import { console } from "./console.js";
import { end } from "./end.js";
import { drain } from "./jobs.js";
import { unheard } from "./promise.js";
import { makeStub, stubOf } from "./stub.js";
import { statusOf } from "./status.js";
import { begin } from "./transaction.js";
import { Handler, text } from "./shim/handler.js";
import { traced } from "./trace.js";

const ERROR = 500;
const NOTHING = new Uint8Array();

// Returns the contract interface of `chaincode`.
export function contractOf(chaincode) {
  const handler = new Handler();
  return {
    init: () => run(chaincode, "Init", handler),
    invoke: () => run(chaincode, "Invoke", handler),
  };
}

// Runs once what most transactions do. The engine creates built-in functions and object shapes at their first use. If
// that happens at the build, they are part of the snapshot that each transaction starts from.
export function rehearse() {
  const text = '{"key":"value","number":5}';
  const stub = stubOf(undefined, "", "", [Buffer.from(text), Buffer.from("\u00e9")]);
  const transaction = async () => {
    const [first, ...others] = stub.getStringArgs();
    const { params } = stub.getFunctionAndParameters();
    try {
      await others[0];
      await (async () => JSON.parse(first))();
      throw new Error(params[0]);
    } catch (error) {
      return { status: ERROR, message: error.message, payload: Buffer.from(JSON.stringify({ text })) };
    }
  };
  answer(settled(async () => transaction()), "Invoke", stub);
}

function run(chaincode, method, handler) {
  begin();
  try {
    return responseOf(chaincode, method, handler);
  } catch (error) {
    return end(traced(error));
  }
}

function responseOf(chaincode, method, handler) {
  const stub = makeStub(handler);
  const response = settled(() => chaincode[method](stub));
  if (stub.chaincodeEvent) {
    const { chaincodeEvent: event } = stub;
    setEvent(text(event.getEventName()), Buffer.from(event.getPayload_asU8()));
  }
  return answer(response, method, stub);
}

// Runs the asynchronous function `start` until its promise is settled.
export function settled(start) {
  let outcome;
  begun(start).then(
    (value) => (outcome = { value }),
    (error) => (outcome = { error }),
  );
  drain();
  for (const reason of unheard()) console.error("Unhandled Rejection reason", reason);
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
    status: statusOf(status),
    message: typeof message === "string" ? message.toWellFormed() : "",
    // Encoded as in a response's message: a text is base64.
    payload: Message.bytesAsU8(payload) ?? NOTHING,
  };
}

// Like `async () => start()`, which would await the promise once more.
function begun(start) {
  try {
    return Promise.resolve(start());
  } catch (error) {
    return Promise.reject(error);
  }
}
