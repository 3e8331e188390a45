// With CHAINCODE_SERVER_ADDRESS and CHAINCODE_ID, waits for peers and prints its address on stderr. Otherwise connects
// to the peer in the arguments, as the shim does.
'use strict';

const shim = require('fabric-shim');

module.exports = (chaincode) => {
    const address = process.env.CHAINCODE_SERVER_ADDRESS;
    if (address === undefined) {
        shim.start(chaincode);
        return;
    }
    const server = shim.server(chaincode, { ccid: process.env.CHAINCODE_ID, address });
    // The shim does not expose its port if it was started with port 0.
    const { _server: grpc } = server;
    const bind = grpc.bindAsync.bind(grpc);
    grpc.bindAsync = (at, credentials, then) => bind(at, credentials, (error, port) => {
        then(error, port);
        process.stderr.write(error ? `${error}\n` : `listening on ${port}\n`);
    });
    server.start().catch(() => process.exit(1));
};
