// In place of the arguments of a process: there is one peer, the one that runs the component.
exports.validOptions = {};
exports.getArgs = () => ({ "peer.address": "grpc://peer", "chaincode-id-name": "chaincode" });
