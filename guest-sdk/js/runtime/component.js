// The exports of the component: each call is one transaction of the chaincode that the contract's code
// made when the component was built.
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

// Makes the contract interface of `chaincode`.
export function contractOf(chaincode) {
  const handler = new Handler();
  return {
    init: () => run(chaincode, "Init", handler),
    invoke: () => run(chaincode, "Invoke", handler),
  };
}

// Does once what most transactions do. The engine makes its built-in functions, and the shapes of objects,
// when they are first used: what is made at the build is in the snapshot that each transaction starts from.
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

// Runs what `start` begins, and returns a promise for, to its end.
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
    // As the message of a response has it: a text is base64.
    payload: Message.bytesAsU8(payload) ?? NOTHING,
  };
}

// As `async () => start()`, which would wait for the promise once more.
function begun(start) {
  try {
    return Promise.resolve(start());
  } catch (error) {
    return Promise.reject(error);
  }
}
