// Does what an application on fabric-network 2.2 with discovery does: it knows one peer and finds the others. Prints
// the results as one JSON object; the Rust test checks it.
//
// node client.js HOST:PORT NETWORK_FOLDER

const fs = require('node:fs');
const path = require('node:path');
const { Gateway, Wallets } = require('fabric-network');

const CHANNEL = 'mychannel';
const PEER = 'peer0.org1.example.com';

function only(folder) {
    const [file] = fs.readdirSync(folder);
    return fs.readFileSync(path.join(folder, file), 'utf8');
}

function profile(port, org) {
    const pem = only(path.join(org, 'msp', 'tlscacerts'));
    const grpcOptions = { 'ssl-target-name-override': PEER, hostnameOverride: PEER };
    return {
        name: 'test',
        version: '1.0.0',
        client: { organization: 'Org1' },
        organizations: { Org1: { mspid: 'Org1MSP', peers: [PEER] } },
        peers: { [PEER]: { url: `grpcs://localhost:${port}`, tlsCACerts: { pem }, grpcOptions } },
    };
}

async function failure(call) {
    try {
        await call();
    } catch (error) {
        return error.message;
    }
    return null;
}

async function main([address, network]) {
    const org = path.join(network, 'peerOrganizations', 'org1.example.com');
    const msp = path.join(org, 'users', 'User1@org1.example.com', 'msp');
    const wallet = await Wallets.newInMemoryWallet();
    await wallet.put('User1', {
        type: 'X.509',
        mspId: 'Org1MSP',
        credentials: {
            certificate: only(path.join(msp, 'signcerts')),
            privateKey: only(path.join(msp, 'keystore')),
        },
    });
    const gateway = new Gateway();
    const discovery = { enabled: true, asLocalhost: true };
    const port = address.split(':').pop();
    await gateway.connect(profile(port, org), { wallet, identity: 'User1', discovery });
    const channel = await gateway.getNetwork(CHANNEL);
    const contract = channel.getContract('probe');
    const result = {};

    const found = channel.getChannel();
    result.peers = found.getEndorsers().map((peer) => peer.name.split(':')[0]).sort();
    result.orderers = found.getCommitters().map((orderer) => orderer.name.split(':')[0]);
    result.msps = found.getMspids().sort();

    let heard;
    const event = new Promise((resolve) => { heard = resolve; });
    await contract.addContractListener(async (seen) => {
        heard({ name: seen.eventName, payload: seen.payload.toString() });
    });
    const submitted = contract.createTransaction('event');
    await submitted.submit('greeting', 'hello');
    result.event = await event;
    await contract.submitTransaction('put', 'k', 'v');
    result.value = (await contract.evaluateTransaction('get', 'k')).toString();

    const other = channel.getContract('nonexistent');
    result.unknown = await failure(() => other.submitTransaction('put', 'k', 'v'));
    result.refused = await failure(() => contract.evaluateTransaction('status', '500', 'no such asset'));
    gateway.disconnect();
    console.log(JSON.stringify(result));
}

main(process.argv.slice(2)).then(
    () => process.exit(0),
    (error) => {
        console.error(error);
        process.exit(1);
    },
);
