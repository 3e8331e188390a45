// Calls everything that Fabric's gateway library offers, once. Prints the results as one JSON object; the Rust test
// checks it.
//
// node client.js HOST:PORT NETWORK_FOLDER

const crypto = require('node:crypto');
const fs = require('node:fs');
const path = require('node:path');
const grpc = require('@grpc/grpc-js');
const { connect, hash, signers } = require('@hyperledger/fabric-gateway');

const CHANNEL = 'mychannel';

function identity(network, user) {
    const org = path.join(network, 'peerOrganizations/org1.example.com');
    const msp = path.join(org, 'users', `${user}@org1.example.com`, 'msp');
    const only = (folder) => {
        const [file] = fs.readdirSync(path.join(msp, folder));
        return fs.readFileSync(path.join(msp, folder, file));
    };
    const key = crypto.createPrivateKey(only('keystore'));
    return {
        identity: { mspId: 'Org1MSP', credentials: only('signcerts') },
        signer: signers.newPrivateKeySigner(key),
    };
}

// Returns the first `count` items of a stream.
async function take(stream, count) {
    const seen = [];
    for await (const item of stream) {
        seen.push(item);
        if (seen.length === count) {
            break;
        }
    }
    stream.close();
    return seen;
}

async function failure(call) {
    try {
        await call();
    } catch (error) {
        return { name: error.name, code: error.code, message: error.message, details: error.details };
    }
    return null;
}

async function main([address, network]) {
    const client = new grpc.Client(address, grpc.credentials.createInsecure());
    const gateway = connect({ client, hash: hash.sha256, ...identity(network, 'User1') });
    const channel = gateway.getNetwork(CHANNEL);
    const contract = channel.getContract('probe');
    const result = {};

    // They are opened before such a block exists; a peer may evaluate "the next block" too late.
    const from = { startBlock: BigInt(2) };
    const events = await channel.getChaincodeEvents('probe', from);
    const blocks = await channel.getBlockEvents(from);
    const filtered = await channel.getFilteredBlockEvents(from);
    const whole = await channel.getBlockAndPrivateDataEvents(from);

    const submitted = await contract.submitAsync('event', { arguments: ['greeting', 'hello'] });
    const status = await submitted.getStatus();
    result.status = {
        code: status.code,
        successful: status.successful,
        block: Number(status.blockNumber),
        sameId: status.transactionId === submitted.getTransactionId(),
    };
    const [event] = await take(events, 1);
    result.event = {
        name: event.eventName,
        payload: Buffer.from(event.payload).toString(),
        block: Number(event.blockNumber),
        sameId: event.transactionId === submitted.getTransactionId(),
    };
    const [block] = await take(blocks, 1);
    result.block = {
        number: Number(block.getHeader().getNumber()),
        entries: block.getData().getDataList().length,
    };
    const [small] = await take(filtered, 1);
    const [tx] = small.getFilteredTransactionsList();
    const [action] = tx.getTransactionActions().getChaincodeActionsList();
    result.filtered = {
        number: Number(small.getNumber()),
        sameId: tx.getTxid() === submitted.getTransactionId(),
        code: tx.getTxValidationCode(),
        event: action.getChaincodeEvent().getEventName(),
        payloadBytes: action.getChaincodeEvent().getPayload().length,
    };
    const [both] = await take(whole, 1);
    result.whole = {
        number: Number(both.getBlock().getHeader().getNumber()),
        privateData: both.getPrivateDataMapMap().getLength(),
    };

    const again = await channel.getChaincodeEvents('probe', { startBlock: BigInt(0) });
    result.replayed = (await take(again, 1)).map((one) => one.eventName);
    const all = await channel.getBlockEvents({ startBlock: BigInt(0) });
    result.numbers = (await take(all, 3)).map((one) => Number(one.getHeader().getNumber()));

    const text = (bytes) => Buffer.from(bytes).toString();
    await contract.submitTransaction('put', 'key', 'value');
    result.value = text(await contract.evaluateTransaction('get', 'key'));
    await contract.submitTransaction('pput', 'closed', 'key', 'secret');
    const secret = await channel.getBlockAndPrivateDataEvents({ startBlock: BigInt(4) });
    const [withSecret] = await take(secret, 1);
    const [namespace] = withSecret.getPrivateDataMapMap().get(0).getNsPvtRwsetList();
    const [collection] = namespace.getCollectionPvtRwsetList();
    result.secret = {
        namespace: namespace.getNamespace(),
        collection: collection.getCollectionName(),
        hasValue: Buffer.from(collection.getRwset_asU8()).includes('secret'),
    };
    const odd = 'what? #1 {a} 100% ü';
    result.evaluateFailed = await failure(() => contract.evaluateTransaction('status', '500', odd));
    result.endorseFailed = await failure(() => contract.submitTransaction('status', '500', 'no'));
    const unknown = channel.getContract('nonexistent');
    result.unknownEvaluated = await failure(() => unknown.evaluateTransaction('f'));
    result.unknownSubmitted = await failure(() => unknown.submitTransaction('f'));
    const long = ['500', 'no such asset \u00e9; '.repeat(4000)];
    result.longEvaluated = await failure(() => contract.evaluateTransaction('status', ...long));
    result.longSubmitted = await failure(() => contract.submitTransaction('status', ...long));
    result.afterwards = text(await contract.evaluateTransaction('get', 'key'));
    result.noChannel = await failure(async () => {
        await take(await gateway.getNetwork('nowhere').getChaincodeEvents('probe'), 1);
    });
    result.noBlocks = await failure(async () => {
        await take(await gateway.getNetwork('nowhere').getBlockEvents(), 1);
    });
    gateway.close();
    client.close();
    console.log(JSON.stringify(result));
}

main(process.argv.slice(2)).catch((error) => {
    console.error(error);
    process.exit(1);
});
