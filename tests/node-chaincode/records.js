// A contract on Fabric's contract API. tests/chaincodes/records is the same contract as a component: the same
// functions, calls of the peer, and JSON.
'use strict';

const { Contract, JSONSerializer } = require('fabric-contract-api');
const ChaincodeFromContract = require('fabric-shim/lib/contract-spi/chaincodefromcontract');

const start = require('./start');

const json = (value) => Buffer.from(JSON.stringify(value));

function row({ key, value }) {
    return { key, record: JSON.parse(Buffer.from(value).toString()) };
}

async function read(iterator, show) {
    const rows = [];
    for (;;) {
        const { value, done } = await iterator.next();
        if (done) {
            break;
        }
        rows.push(show(value));
    }
    await iterator.close();
    return rows;
}

async function existing({ stub }, key) {
    const found = await stub.getState(key);
    if (found.length === 0) {
        throw new Error(`there is no ${key}`);
    }
    return JSON.parse(found.toString());
}

class Records extends Contract {
    constructor() {
        super('Records');
    }

    async Put({ stub }, key, text) {
        const before = await stub.getState(key);
        const version = before.length === 0 ? 1 : JSON.parse(before.toString()).version + 1;
        await stub.putState(key, json({ text, version }));
        return version;
    }

    async Get(ctx, key) {
        return (await existing(ctx, key)).text;
    }

    async Read(ctx, key) {
        return existing(ctx, key);
    }

    async Delete(ctx, key) {
        await existing(ctx, key);
        await ctx.stub.deleteState(key);
    }

    async PutMany({ stub }, prefix, count) {
        for (let index = 0; index < Number(count); index++) {
            const key = `${prefix}${String(index).padStart(5, '0')}`;
            await stub.putState(key, json({ text: `${index}`, version: 1 }));
        }
    }

    async Rows({ stub }, start, end) {
        return read(await stub.getStateByRange(start, end), row);
    }

    async Page({ stub }, start, end, size, bookmark) {
        const asked = stub.getStateByRangeWithPagination(start, end, Number(size), bookmark);
        const { iterator, metadata } = await asked;
        const rows = await read(iterator, row);
        return { bookmark: metadata.bookmark, count: metadata.fetchedRecordsCount, rows };
    }

    async History({ stub }, key) {
        return read(await stub.getHistoryForKey(key), ({ isDelete, value, txId }) => {
            const record = isDelete ? undefined : JSON.parse(Buffer.from(value).toString());
            return { isDelete, record, txId };
        });
    }

    async Announce({ stub }, name, text) {
        await stub.putState(name, json({ text, version: 1 }));
        stub.setEvent('first', Buffer.from('forgotten'));
        stub.setEvent(name, Buffer.from(text));
    }

    async Call({ stub }, chaincode, args) {
        const answer = await stub.invokeChaincode(chaincode, JSON.parse(args), '');
        if (answer.status >= 400) {
            throw new Error(answer.message);
        }
        return Buffer.from(answer.payload).toString();
    }

    async Fail({ stub }, key, words) {
        await stub.putState(key, Buffer.from('not to stay'));
        throw new Error(words);
    }

    async Who({ stub, clientIdentity }) {
        return `${clientIdentity.getMSPID()} ${stub.getTxID()}`;
    }

    // Ends the process during the transaction.
    async Crash({ stub }, key) {
        await stub.putState(key, Buffer.from('lost'));
        process.exit(3);
    }
}

const serializers = { transaction: 'json', serializers: { json: JSONSerializer } };
start(new ChaincodeFromContract([Records], serializers, {}, 'records', '0.1.0'));
