// Connects like the applications of Fabric's samples: identities and certificates are in the folder `organizations`,
// under the names of the test network. The peer is Org1's, with TLS.

const crypto = require('node:crypto');
const fs = require('node:fs');
const path = require('node:path');
const grpc = require('@grpc/grpc-js');
const { connect, hash, signers } = require('@hyperledger/fabric-gateway');

const HOST = 'peer0.org1.example.com';

// Returns a gateway for User1 of Org1, and the client to close after it.
function connectAsUser1(address, organizations) {
    const org = path.join(organizations, 'peerOrganizations/org1.example.com');
    const tls = fs.readFileSync(path.join(org, 'peers', HOST, 'tls/ca.crt'));
    const client = new grpc.Client(address, grpc.credentials.createSsl(tls), {
        'grpc.ssl_target_name_override': HOST,
    });
    const msp = path.join(org, 'users/User1@org1.example.com/msp');
    const keys = path.join(msp, 'keystore');
    const key = crypto.createPrivateKey(fs.readFileSync(path.join(keys, fs.readdirSync(keys)[0])));
    const credentials = fs.readFileSync(path.join(msp, 'signcerts/cert.pem'));
    const gateway = connect({
        client,
        hash: hash.sha256,
        identity: { mspId: 'Org1MSP', credentials },
        signer: signers.newPrivateKeySigner(key),
    });
    return { gateway, client };
}

module.exports = { connectAsUser1 };
