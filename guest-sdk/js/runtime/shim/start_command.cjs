// Replaces the arguments of a process: the only peer is the one that runs the component.
exports.validOptions = {};
exports.getArgs = () => ({ "peer.address": "grpc://peer", "chaincode-id-name": "chaincode" });
