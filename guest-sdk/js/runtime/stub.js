// Fabric's stub, filled from the imports instead of a message. Values are decoded on demand: most transactions use none
// of them.
import * as transaction from "fabric:chaincode/transaction@0.2.0";
import { Buffer } from "buffer";
import { ChaincodeStub } from "fabric-shim";
import { Timestamp } from "google-protobuf/google/protobuf/timestamp_pb.js";

import { owned } from "./buffer.js";
import { lazily } from "./lazy.js";
import { msp } from "./shim/protos.cjs";

// Returns the proposal as fabric-shim decodes it.
function decoded(stub) {
  const signed = transaction.getSignedProposal();
  if (signed == null) return {};
  const proposal = {
    getSignature: () => signed.signature,
    getProposalBytes: () => signed.proposalBytes,
  };
  return new ChaincodeStub(stub.handler, stub.channel_id, stub.txId, input([]), proposal);
}

const input = (args) => ({ getArgsList_asU8: () => args });

// Wraps the arguments, which fabric-shim's stub copies into Buffers by `map`: they are not shared, so no copy is
// needed. The stub also makes texts of these Buffers; that is deferred, since decoding large arguments that are not
// text would use up the fuel.
const own = (args) => input({ map: () => withoutTexts(args.map(owned)) });
function withoutTexts(buffers) {
  const map = () => {
    delete buffers.map;
    return [];
  };
  return Object.defineProperty(buffers, "map", { configurable: true, value: map });
}

const decodedLater = lazily({
  args: ({ bufferArgs }) => bufferArgs.map((arg) => arg.toString()),
  creator: () => {
    const creator = msp.SerializedIdentity.deserializeBinary(transaction.getCreator());
    return { mspid: creator.getMspid(), idBytes: creator.getIdBytes_asU8() };
  },
  txTimestamp: () => {
    const sent = transaction.getTxTimestamp();
    if (sent == null) throw new Error("the proposal has no timestamp");
    const { seconds, nanos } = sent;
    const timestamp = new Timestamp();
    timestamp.setSeconds(Number(seconds));
    timestamp.setNanos(nanos);
    return timestamp;
  },
  transientMap: () => {
    return new Map(transaction.getTransient().map(({ name, value }) => [name, Buffer.from(value)]));
  },
  binding: () => Buffer.from(transaction.getBinding()).toString("hex"),
  proposal: (stub) => decoded(stub).proposal,
  signedProposal: (stub) => decoded(stub).signedProposal,
});

export function makeStub(handler) {
  const channel = transaction.getChannelId();
  return stubOf(handler, channel, transaction.getTxId(), transaction.getArgs());
}

export function stubOf(handler, channel, txId, args) {
  return decodedLater(new ChaincodeStub(handler, channel, txId, own(args)));
}

// Functions of later shims that this shim's stub lacks.
Object.assign(ChaincodeStub.prototype, {
  async getMultipleStates(...keys) {
    return this.handler.handleGetMultipleStates("", keys);
  },
  async getMultiplePrivateData(collection, ...keys) {
    return this.handler.handleGetMultipleStates(collection, keys);
  },
  async startWriteBatch() {
    return this.handler.handleStartWriteBatch();
  },
  async finishWriteBatch() {
    return this.handler.handleFinishWriteBatch();
  },
});
