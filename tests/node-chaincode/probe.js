// A chaincode on the low-level shim that does one thing per call, like the component of tests/chaincodes/probe: with
// the same arguments, texts and ledger calls. `open` and `transfer` are those of tests/chaincodes/transfer.
'use strict';

const shim = require('fabric-shim');

const functions = require('./functions');
const start = require('./start');

const lines = (rows) => Buffer.from(rows.map((row) => `${row}\n`).join(''));
const text = (value) => Buffer.from(value).toString();

async function putMany(stub, prefix, count) {
    for (let index = 0; index < Number(count); index++) {
        await stub.putState(`${prefix}${String(index).padStart(5, '0')}`, Buffer.from(`${index}`));
    }
}

async function read(iterator, show, limit = Infinity) {
    const rows = [];
    while (rows.length < limit) {
        const { value, done } = await iterator.next();
        if (done) {
            break;
        }
        rows.push(show(value));
    }
    await iterator.close();
    return rows;
}

// Returns the key policy of one organization's peers: a common.SignaturePolicyEnvelope.
function policyOf(org) {
    const name = Buffer.from(org);
    const rule = Buffer.from([0x12, 8, 0x12, 6, 8, 1, 0x12, 2, 8, 0]);
    const principal = [0x1a, name.length + 6, 0x12, name.length + 4, 0x0a, name.length];
    return Buffer.concat([rule, Buffer.from(principal), name, Buffer.from([0x10, 3])]);
}

const row = ({ key, value }) => `${key}=${text(value)}`;

async function account(stub, name) {
    const record = await stub.getState(name);
    if (record.length === 0) {
        throw new Error(`no account ${name}`);
    }
    return JSON.parse(record.toString());
}

const store = ({ owner, balance }) => Buffer.from(JSON.stringify({ owner, balance }));

async function transfer(stub, [from, to, amount]) {
    if (from === to) {
        throw new Error(`${from} cannot pay itself`);
    }
    const payer = await account(stub, from);
    const payee = await account(stub, to);
    payer.balance -= Number(amount);
    payee.balance += Number(amount);
    if (payer.balance < 0) {
        throw new Error(`${from} has too little`);
    }
    await stub.putState(payer.owner, store(payer));
    await stub.putState(payee.owner, store(payee));
}

const operations = {
    ...functions,
    open: (stub, [owner, amount]) => {
        return stub.putState(owner, store({ owner, balance: Number(amount) }));
    },
    transfer,
    noop: async () => {},
    put: (stub, [key, value]) => stub.putState(key, Buffer.from(value)),
    get: (stub, [key]) => stub.getState(key),
    del: (stub, [key]) => stub.deleteState(key),
    empty: (stub, [key]) => stub.putState(key, Buffer.alloc(0)),
    rmw: async (stub, [key, suffix]) => {
        const value = await stub.getState(key);
        await stub.putState(key, Buffer.concat([value, Buffer.from(suffix)]));
    },
    putread: async (stub, [key, value]) => {
        await stub.putState(key, Buffer.from(value));
        return stub.getState(key);
    },
    mput: (stub, [prefix, count]) => putMany(stub, prefix, count),
    // Requests values one by one, because the shim does not support this call.
    mget: async (stub, keys) => {
        const values = await Promise.all(keys.map((key) => stub.getState(key)));
        return lines(values.map((value) => (value.length === 0 ? '-' : text(value))));
    },
    event: async (stub, [name, payload]) => stub.setEvent(name, Buffer.from(payload)),
    range: async (stub, [start, end, limit]) => {
        const iterator = await stub.getStateByRange(start, end);
        return lines(await read(iterator, row, limit && Number(limit)));
    },
    page: async (stub, [start, end, size, bookmark]) => {
        const asked = stub.getStateByRangeWithPagination(start, end, Number(size), bookmark);
        const { iterator, metadata } = await asked;
        const rows = await read(iterator, row);
        rows.push(`count=${metadata.fetchedRecordsCount} bookmark=${metadata.bookmark}`);
        return lines(rows);
    },
    comp: async (stub, args) => {
        const [type, ...attributes] = args.slice(0, -1);
        const key = stub.createCompositeKey(type, attributes);
        await stub.putState(key, Buffer.from(args[args.length - 1]));
    },
    pcomp: async (stub, [type, ...attributes]) => {
        const iterator = await stub.getStateByPartialCompositeKey(type, attributes);
        return lines(await read(iterator, ({ key, value }) => {
            const { objectType, attributes: parts } = stub.splitCompositeKey(key);
            return `${objectType}/${parts.join('/')}=${text(value)}`;
        }));
    },
    query: async (stub, [selector, limit]) => {
        const iterator = await stub.getQueryResult(selector);
        return lines(await read(iterator, row, limit && Number(limit)));
    },
    querypage: async (stub, [selector, size, bookmark]) => {
        const asked = stub.getQueryResultWithPagination(selector, Number(size), bookmark);
        const { iterator, metadata } = await asked;
        const rows = await read(iterator, row);
        rows.push(`count=${metadata.fetchedRecordsCount} bookmark=${metadata.bookmark}`);
        return lines(rows);
    },
    history: async (stub, [key]) => {
        const iterator = await stub.getHistoryForKey(key);
        return lines(await read(iterator, ({ txId, timestamp, isDelete, value }) => {
            return `${txId} ${timestamp.seconds} ${isDelete ? 'deleted' : text(value)}`;
        }));
    },
    setmeta: (stub, [key, org]) => stub.setStateValidationParameter(key, policyOf(org)),
    getmeta: (stub, [key]) => stub.getStateValidationParameter(key),
    pget: (stub, [collection, key]) => stub.getPrivateData(collection, key),
    pput: (stub, [collection, key, value]) => {
        return stub.putPrivateData(collection, key, Buffer.from(value));
    },
    'pput-transient': (stub, [collection, key, name]) => {
        return stub.putPrivateData(collection, key, stub.getTransient().get(name));
    },
    phash: async (stub, [collection, key]) => {
        return Buffer.from(await stub.getPrivateDataHash(collection, key)).toString('hex');
    },
    pdel: (stub, [collection, key]) => stub.deletePrivateData(collection, key),
    prange: async (stub, [collection, start, end]) => {
        const { iterator } = await stub.getPrivateDataByRange(collection, start, end);
        return lines(await read(iterator, row));
    },
    pquery: async (stub, [collection, selector]) => {
        const { iterator } = await stub.getPrivateDataQueryResult(collection, selector);
        return lines(await read(iterator, row));
    },
    psetmeta: (stub, [collection, key, org]) => {
        return stub.setPrivateDataValidationParameter(collection, key, policyOf(org));
    },
    pgetmeta: (stub, [collection, key]) => {
        return stub.getPrivateDataValidationParameter(collection, key);
    },
    ppurge: (stub, [collection, key]) => stub.purgePrivateData(collection, key),
    cc2cc: (stub, [name, ...args]) => call(stub, name, args, ''),
    'cc2cc-on': (stub, [channel, name, ...args]) => call(stub, name, args, channel),
    then: async (stub, words) => {
        const answers = [];
        let rest = words;
        for (;;) {
            const end = rest.indexOf(';');
            const [operation, ...args] = end < 0 ? rest : rest.slice(0, end);
            answers.push(Buffer.from((await run(stub, operation, args)) || ''));
            if (end < 0) {
                return Buffer.concat(answers);
            }
            rest = rest.slice(end + 1);
        }
    },
    // Ends the process during the transaction.
    crash: async (stub, [key]) => {
        await stub.putState(key, Buffer.from('lost'));
        process.exit(3);
    },
    // Never answers.
    hang: () => new Promise(() => {}),
};

async function call(stub, name, args, channel) {
    const { status, message, payload } = await stub.invokeChaincode(name, args, channel);
    if (status >= 400) {
        throw new Error(message);
    }
    return payload;
}

async function run(stub, operation, args) {
    const perform = Object.hasOwn(operations, operation) ? operations[operation] : undefined;
    if (!perform) {
        throw new Error(`unknown operation ${operation}`);
    }
    return perform(stub, args);
}

class Probe {
    // Writes its arguments, joined by blanks, to the key `init`; fails if the first one is `fail`.
    async Init(stub) {
        const args = stub.getStringArgs();
        if (args[0] === 'fail') {
            return shim.error('init failed');
        }
        await stub.putState('init', Buffer.from(args.join(' ')));
        return shim.success();
    }

    async Invoke(stub) {
        const [operation, ...args] = stub.getStringArgs();
        if (operation === 'status') {
            const [status, message = '', payload = ''] = args;
            return { status: Number(status), message, payload: Buffer.from(payload) };
        }
        if (operation === 'base64') {
            return shim.success(args[0]);
        }
        if (operation === 'escape') {
            throw new RangeError(args[0]);
        }
        try {
            return shim.success(Buffer.from((await run(stub, operation, args)) || ''));
        } catch (error) {
            return shim.error(error.message);
        }
    }
}

start(new Probe());
