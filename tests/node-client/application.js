// An application as those of Fabric's samples are written: it finds identities and certificates in
// the folder `organizations` by the names of the test network, and talks to Org1's peer with TLS.
// What came of it is printed as one JSON object; the test beside this looks at it.
//
// node application.js HOST:PORT ORGANIZATIONS CHAINCODE

const crypto = require('node:crypto');
const fs = require('node:fs');
const path = require('node:path');
const grpc = require('@grpc/grpc-js');
const { connect, hash, signers } = require('@hyperledger/fabric-gateway');

const HOST = 'peer0.org1.example.com';

async function main([address, organizations, name]) {
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
    const contract = gateway.getNetwork('mychannel').getContract(name);
    const text = (bytes) => Buffer.from(bytes).toString();
    const result = {};

    await contract.submitTransaction('InitLedger');
    await contract.submitTransaction('TransferAsset', 'asset1', 'Saptha');
    const asset = JSON.parse(text(await contract.evaluateTransaction('ReadAsset', 'asset1')));
    result.owner = asset.Owner;

    // Both read the same version of the asset: the second to be ordered is not valid.
    const endorse = (owner) =>
        contract.newProposal('TransferAsset', { arguments: ['asset2', owner] }).endorse();
    const [first, second] = [await endorse('one'), await endorse('two')];
    result.codes = [];
    for (const transaction of [first, second]) {
        const submitted = await transaction.submit();
        result.codes.push((await submitted.getStatus()).code);
    }
    result.writer = first.getTransactionId();
    gateway.close();
    client.close();
    console.log(JSON.stringify(result));
}

main(process.argv.slice(2)).catch((error) => {
    console.error(error);
    process.exit(1);
});
