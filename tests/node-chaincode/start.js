// With CHAINCODE_SERVER_ADDRESS and CHAINCODE_ID a chaincode waits for peers and says on stderr
// where; else it connects to the peer that the arguments name, as the shim has it.
'use strict';

const shim = require('fabric-shim');

module.exports = (chaincode) => {
    const address = process.env.CHAINCODE_SERVER_ADDRESS;
    if (address === undefined) {
        shim.start(chaincode);
        return;
    }
    const server = shim.server(chaincode, { ccid: process.env.CHAINCODE_ID, address });
    // The shim does not tell which port it got for port 0.
    const { _server: grpc } = server;
    const bind = grpc.bindAsync.bind(grpc);
    grpc.bindAsync = (at, credentials, then) => bind(at, credentials, (error, port) => {
        then(error, port);
        process.stderr.write(error ? `${error}\n` : `listening on ${port}\n`);
    });
    server.start().catch(() => process.exit(1));
};
