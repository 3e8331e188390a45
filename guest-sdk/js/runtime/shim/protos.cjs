// The messages that Fabric's shim uses. The package's index would also load all services and gRPC.
exports.common = {
  ...require("@hyperledger/fabric-protos/lib/common/common_pb"),
  ...require("@hyperledger/fabric-protos/lib/common/policies_pb"),
};
exports.msp = {
  ...require("@hyperledger/fabric-protos/lib/msp/identities_pb"),
  ...require("@hyperledger/fabric-protos/lib/msp/msp_principal_pb"),
};
exports.peer = {
  ...require("@hyperledger/fabric-protos/lib/peer/chaincode_pb"),
  ...require("@hyperledger/fabric-protos/lib/peer/chaincode_event_pb"),
  ...require("@hyperledger/fabric-protos/lib/peer/chaincode_shim_pb"),
  ...require("@hyperledger/fabric-protos/lib/peer/proposal_pb"),
};
