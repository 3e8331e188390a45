// Fabric's stub, filled from the imports instead of from a message. What needs decoding is decoded when it
// is asked for: most transactions look at none of it.
import * as transaction from "fabric:chaincode/transaction@0.2.0";
import { Buffer } from "buffer";
import { ChaincodeStub } from "fabric-shim";
import { Timestamp } from "google-protobuf/google/protobuf/timestamp_pb.js";

import { lazy } from "./lazy.js";
import { msp } from "./shim/protos.cjs";

// The proposal as fabric-shim decodes it.
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

export function makeStub(handler) {
  const channel = transaction.getChannelId();
  const stub = new ChaincodeStub(handler, channel, transaction.getTxId(), input(transaction.getArgs()));
  lazy(stub, "creator", () => {
    const creator = msp.SerializedIdentity.deserializeBinary(transaction.getCreator());
    return { mspid: creator.getMspid(), idBytes: creator.getIdBytes_asU8() };
  });
  lazy(stub, "txTimestamp", () => {
    const sent = transaction.getTxTimestamp();
    if (sent == null) throw new Error("the proposal has no timestamp");
    const { seconds, nanos } = sent;
    const timestamp = new Timestamp();
    timestamp.setSeconds(Number(seconds));
    timestamp.setNanos(nanos);
    return timestamp;
  });
  lazy(stub, "transientMap", () => {
    return new Map(transaction.getTransient().map(({ name, value }) => [name, Buffer.from(value)]));
  });
  lazy(stub, "binding", () => Buffer.from(transaction.getBinding()).toString("hex"));
  lazy(stub, "proposal", () => decoded(stub).proposal);
  lazy(stub, "signedProposal", () => decoded(stub).signedProposal);
  return stub;
}

// Functions of later shims, which this one's stub lacks.
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
