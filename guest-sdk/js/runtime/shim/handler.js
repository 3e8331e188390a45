// Replaces fabric-shim's handler, which sends messages to a peer: each message becomes a call of an import.
//
// The methods and arguments are those that fabric-shim's stub uses. Calls are made immediately, in the order of the
// stub's calls.
import { invokeChaincode } from "fabric:chaincode/invocation@0.2.0";
import * as priv from "fabric:chaincode/private-data@0.2.0";
import * as query from "fabric:chaincode/query@0.2.0";
import * as state from "fabric:chaincode/state@0.2.0";
import { Message } from "google-protobuf";
import { Buffer, owned } from "../buffer.js";
import { HistoryQueryIterator, StateQueryIterator } from "./iterators.js";
import { peer } from "./protos.cjs";

const VALIDATION_PARAMETER = "VALIDATION_PARAMETER";
const LAST_CHARACTER = "\u{10ffff}";
// On Fabric's peer, a page of negative size has no limit.
const ENDLESS = 2 ** 31 - 1;

// Calls an import; a refusal by the peer becomes an error with its text.
function ask(call) {
  try {
    return call();
  } catch (error) {
    const text = error?.payload?.val ?? error?.val;
    throw typeof text === "string" ? new Error(text) : error;
  }
}

// Returns the promise of an asynchronous function that runs `call` and does not wait.
function asked(call) {
  try {
    return Promise.resolve(ask(call));
  } catch (error) {
    return Promise.reject(error);
  }
}

// Converts strings and bytes as the protobuf messages of Fabric's shim do.
export function text(value) {
  if (typeof value !== "string") return "";
  if (value.isWellFormed()) return value;
  throw new Error(`${JSON.stringify(value)} is not valid Unicode: it has half of a surrogate pair`);
}

const bytes = (value) => Message.bytesAsU8(value) ?? new Uint8Array();

// The rows of a query, which are closed once.
function source(rows) {
  return {
    nextBatch: (max) => ask(() => rows.nextBatch(max)),
    close: () => rows[Symbol.dispose]?.(),
  };
}

const rowsOf = (call) => ({ iterator: new StateQueryIterator(source(ask(call))) });

// Without size and bookmark, the peer's answer has no metadata. Neither has an answer without rows and bookmark: it is
// sent as an empty message.
function pageOf(page, call) {
  const [size, wanted] = page;
  const { rows, bookmark } = ask(call);
  const iterator = new StateQueryIterator(null, rows);
  const fetchedRecordsCount = size === 0 && wanted === undefined ? 0 : rows.length;
  if (fetchedRecordsCount === 0 && bookmark == null) return { iterator };
  return { iterator, metadata: { bookmark: bookmark ?? "", fetchedRecordsCount } };
}

function queryMetadata(metadata) {
  if (!metadata) return undefined;
  const decoded = peer.QueryMetadata.deserializeBinary(metadata);
  const size = decoded.getPagesize();
  return [size < 0 ? ENDLESS : size, decoded.getBookmark() || undefined];
}

// Returns the parts of a partial composite key if a range is the range of one.
function compositeParts(start, end) {
  if (!start.startsWith("\0") || end !== start + LAST_CHARACTER) return undefined;
  const [type, ...attributes] = start.slice(1, -1).split("\0");
  return [type, attributes];
}

export class Handler {
  handleGetState(collection, key) {
    return asked(() =>
      owned(collection ? priv.getPrivateData(text(collection), text(key)) : state.getState(text(key))),
    );
  }

  async handleGetMultipleStates(collection, keys) {
    const values = collection
      ? ask(() => priv.getMultiplePrivateData(text(collection), keys.map(text)))
      : ask(() => state.getMultipleStates(keys.map(text)));
    return values.map(owned);
  }

  handlePutState(collection, key, value) {
    return asked(() => {
      if (collection) priv.putPrivateData(text(collection), text(key), bytes(value));
      else state.putState(text(key), bytes(value));
      return owned(new Uint8Array());
    });
  }

  handleDeleteState(collection, key) {
    return asked(() => {
      if (collection) priv.delPrivateData(text(collection), text(key));
      else state.delState(text(key));
      return owned(new Uint8Array());
    });
  }

  async handlePurgeState(collection, key) {
    ask(() => priv.purgePrivateData(text(collection), text(key)));
    return Buffer.alloc(0);
  }

  async handlePutStateMetadata(collection, key, name, value) {
    ask(() =>
      collection
        ? priv.setPrivateDataValidationParameter(text(collection), text(key), bytes(value))
        : state.putStateMetadata(text(key), { name, value: bytes(value) }),
    );
    return Buffer.alloc(0);
  }

  async handleGetStateMetadata(collection, key) {
    if (collection) {
      const value = ask(() => priv.getPrivateDataValidationParameter(text(collection), text(key)));
      return value == null ? {} : { [VALIDATION_PARAMETER]: value };
    }
    const entries = ask(() => state.getStateMetadata(text(key)));
    return Object.fromEntries(entries.map(({ name, value }) => [name, value]));
  }

  async handleGetPrivateDataHash(collection, key) {
    return owned(ask(() => priv.getPrivateDataHash(text(collection), text(key))));
  }

  async handleGetStateByRange(collection, startKey, endKey, channel, txId, metadata) {
    const [start, end] = [text(startKey), text(endKey)];
    const parts = compositeParts(start, end);
    const page = queryMetadata(metadata);
    if (collection) {
      return rowsOf(() =>
        parts
          ? priv.getPrivateDataByPartialCompositeKey(text(collection), ...parts)
          : priv.getPrivateDataByRange(text(collection), start, end),
      );
    }
    if (page) {
      return pageOf(page, () =>
        parts
          ? query.getStateByPartialCompositeKeyWithPagination(...parts, ...page)
          : query.getStateByRangeWithPagination(start, end, ...page),
      );
    }
    return rowsOf(() =>
      parts
        ? query.getStateByPartialCompositeKey(...parts)
        : query.getStateByRange(start, end),
    );
  }

  async handleGetQueryResult(collection, selector, metadata) {
    const page = queryMetadata(metadata);
    if (collection) return rowsOf(() => priv.getPrivateDataQueryResult(text(collection), text(selector)));
    if (page) return pageOf(page, () => query.getQueryResultWithPagination(text(selector), ...page));
    return rowsOf(() => query.getQueryResult(text(selector)));
  }

  async handleGetHistoryForKey(key) {
    return new HistoryQueryIterator(source(ask(() => query.getHistoryForKey(text(key)))));
  }

  async handleInvokeChaincode(address, args) {
    const at = address.indexOf("/");
    const [name, channel] = at < 0 ? [address] : [address.slice(0, at), address.slice(at + 1)];
    const sent = args.map((arg) => new Uint8Array(Buffer.from(arg)));
    const { status, message, payload } = ask(() =>
      invokeChaincode(text(name), sent, text(channel) || undefined),
    );
    return { status, message, payload: owned(payload) };
  }

  async handleStartWriteBatch() {
    state.startWriteBatch();
  }

  async handleFinishWriteBatch() {
    ask(() => state.finishWriteBatch());
  }
}

// The chaincode that the contract's code started when it was loaded.
let chosen;
export function serve(chaincode) {
  if (chosen) throw new Error("a second chaincode is started: a component is one chaincode");
  chosen = chaincode;
}
export const served = () => chosen;

// Implements `shim.start(chaincode)`.
export class ChaincodeSupportClient {
  constructor(chaincode) {
    this.chaincode = chaincode;
  }
  chat() {
    serve(this.chaincode);
  }
  close() {}
}

export { Handler as ChaincodeMessageHandler };
