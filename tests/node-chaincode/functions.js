// Operations that only the probe on Node has: the other functions of the shim, and modules of Node.js. Each returns
// text that is the same on every runtime.
'use strict';

const assert = require('assert');
const strict = require('assert/strict');
const { constants, isAscii, isUtf8 } = require('node:buffer');
const crypto = require('node:crypto');
const EventEmitter = require('events');
const path = require('path');
const posix = require('path/posix');
const util = require('util');
const types = require('util/types');

const { ClientIdentity, KeyEndorsementPolicy } = require('fabric-shim');

const hex = (bytes) => Buffer.from(bytes).toString('hex');
const digest = (bytes) => crypto.createHash('sha256').update(bytes).digest('hex');

// The order in which asynchronous functions run.
async function order() {
    const seen = [];
    const see = (name) => seen.push(name);
    const pause = async (name, times) => {
        for (let turn = 0; turn < times; turn++) {
            see(`${name}${turn}`);
            await turn;
        }
        return name;
    };
    const thenable = { then: (resolve) => { see('thenable'); resolve('late'); } };
    queueMicrotask(() => see('microtask'));
    process.nextTick(() => {});
    const all = [pause('a', 3), pause('b', 2), (async () => await thenable)()];
    Promise.reject(new Error('no')).catch((error) => see(error.message)).finally(() => see('end'));
    new Promise((resolve) => resolve(Promise.resolve('inner'))).then(see);
    see((await Promise.all(all)).join('+'));
    see(await Promise.race([pause('c', 2), 'first']));
    const settled = await Promise.allSettled([Promise.reject(1), 2, pause('d', 1)]);
    see(settled.map(({ status }) => status).join());
    see(await Promise.any([Promise.reject(1), 3]));
    await Promise.any([Promise.reject(1)]).catch(({ errors }) => see(`any ${errors}`));
    async function* count(to) {
        try {
            for (let at = 0; at < to; at++) {
                yield at;
            }
        } finally {
            see('closed');
        }
    }
    for await (const at of count(5)) {
        see(`n${at}`);
        if (at === 1) {
            break;
        }
    }
    for await (const at of [Promise.resolve('x'), 'y']) {
        see(at);
    }
    try {
        await (async () => { throw new TypeError('thrown'); })();
    } catch (error) {
        see(`${error}`);
    }
    return seen.join(' ');
}

// Cases that engines and compilers often get wrong.
async function language() {
    const later = [];
    outer: for (let i = 0, j = 9; i < 4; i++, j--) {
        const both = i * j;
        later.push(() => i, () => both);
        for (let k = 0; k < 3; k++) {
            later.push(() => [i, k]);
            if (k === i) {
                continue outer;
            }
            if (k === 1) {
                continue;
            }
            await k;
        }
        try {
            if (i === 3) {
                continue;
            }
        } finally {
            later.push(() => -j);
        }
    }
    const seen = [];
    async function* inner() {
        try {
            yield 1;
            yield 2;
        } finally {
            await seen.push('inner closes');
            await null;
            seen.push('inner is closed');
        }
    }
    async function* numbers() {
        try {
            yield* inner();
        } finally {
            await Promise.resolve().then(() => seen.push('closes'));
            seen.push('is closed');
        }
    }
    for await (const number of numbers()) {
        seen.push(number);
        break;
    }
    const generator = numbers();
    seen.push((await generator.next()).value, JSON.stringify(await generator.return(9)));
    const id = async ({ id }) => id;
    const settled = await Promise.allSettled([{ id: 1 }, null].map(id));
    // A log line never fails a transaction.
    console.log('%d %s', Symbol('s'), Object.create(null), /(?<y>\d)/.exec('1').groups);
    console.clear();
    const url = Buffer.from([0xfb, 0xff, 0xbf]).toString('base64url');
    return JSON.stringify({
        later: later.map((call) => call()),
        seen,
        settled: settled.map(({ status, value }) => [status, value]),
        url: [url, hex(Buffer.from(url, 'base64url')), Buffer.byteLength('YQ', 'base64url'), Buffer.isEncoding('base64url')],
        equals: Buffer.from('a').equals(new Uint8Array([97])),
        hash: crypto.createHash('RSA-SHA256').update('x').digest('base64url'),
        int: await util.promisify(crypto.randomInt)(0, 1),
        dates: [['setUTCSeconds', undefined], ['setHours', 'x'], ['setMonth', Infinity], ['setUTCMinutes', 1, undefined]].map(
            ([set, ...given]) => {
                const date = new Date(0);
                return [date[set](...given), date.getTime()];
            },
        ),
        zone: /GMT[+-]\d{4} \(.+\)$/.test(String(new Date(0))),
    });
}

function modules(stub) {
    const emitter = new EventEmitter();
    const heard = [];
    emitter.once('said', (word) => heard.push(word));
    emitter.emit('said', 'once');
    emitter.emit('said', 'twice');
    assert.deepStrictEqual({ a: [1, new Map([[1, 2]])] }, { a: [1, new Map([[1, 2]])] });
    let different = '';
    try {
        assert.strictEqual(1, 2);
    } catch (error) {
        different = error.name;
    }
    const clone = structuredClone({ when: new Date(5), bytes: new Uint8Array([1, 2]), set: new Set(['s']) });
    const certificate = new crypto.X509Certificate(stub.getCreator().idBytes);
    process.stdout.write('a line\n');
    const long = Buffer.alloc(8);
    long.writeBigUint64BE(5n);
    const odd = 'ä€\u{1f980}\ud83d';
    return JSON.stringify({
        heard,
        different,
        clone: [clone.when.getTime(), hex(clone.bytes), [...clone.set]],
        utf8: [hex(Buffer.from(odd)), hex(new TextEncoder().encode(odd)), Buffer.byteLength(odd)],
        decoded: [Buffer.from('ff41c3a4e282', 'hex').toString(), new TextDecoder().decode(Buffer.from('efbbbf41', 'hex'))],
        base64: [Buffer.from('a+_/ =').toString('base64'), hex(Buffer.from('YSt_Lz0', 'base64')), hex(Buffer.from('YQ==!!', 'base64'))],
        hex: hex(Buffer.from('0a0bzz', 'hex')),
        latin1: Buffer.from('äb', 'latin1').toString('latin1'),
        numbers: [Buffer.from([1, 2, 3, 4]).readUInt32BE(0), Buffer.concat([Buffer.from('a'), Buffer.alloc(2)]).length],
        hashes: ['md5', 'sha1', 'sha384', 'sha512', 'sha3-256'].map((name) => crypto.createHash(name).update('x').digest('base64')),
        hmac: crypto.createHmac('sha256', 'key').update('te').update('xt').digest('hex'),
        equal: crypto.timingSafeEqual(Buffer.from('a'), Buffer.from('a')),
        util: [util.format('%s %d %j %%', 'a', 1.5, { b: 1 }), util.inspect({ a: [1, { b: 2 }] }), util.types.isDate(new Date()), util.format('%i %f %O %s', 42.5, '1.5', { a: 1 }, { a: 1 })],
        path: path.join('a', '..', 'b', 'c.txt'),
        json: JSON.stringify({ z: 1, a: [undefined, NaN, new Date(0)] }),
        sorted: ['b', 'ä', 'a', 'B'].sort(),
        certificate: ['subject', 'issuer', 'validTo', 'serialNumber', 'fingerprint256', 'ca'].map((name) => certificate[name]),
        more: [
            new util.TextDecoder().decode(new util.TextEncoder().encode(odd)), util.isDeepStrictEqual([1], ['1']),
            util.formatWithOptions({}, '%s', 'a'), types.isRegExp(/a/), strict.equal === assert.strictEqual,
            posix.basename('/a/b.c', '.c'), isUtf8(Buffer.from([0xc3])), isAscii(Buffer.from('a')),
            constants.MAX_LENGTH > 0, Number(long.readBigUint64BE()),
        ],
    });
}

async function rows(iterable) {
    const seen = [];
    for await (const { key, value, isDelete, txId } of iterable) {
        seen.push(`${key ?? txId.length}=${isDelete ? 'deleted' : value.toString()}`);
    }
    return seen.join('\n');
}

module.exports = {
    cid: async (stub) => {
        const identity = new ClientIdentity(stub);
        return JSON.stringify([
            identity.getID(), identity.getMSPID(), digest(identity.getIDBytes()),
            identity.getAttributeValue('role'), identity.assertAttributeValue('role', 'auditor'),
        ]);
    },
    endorsers: async () => {
        const policy = new KeyEndorsementPolicy();
        policy.addOrgs('PEER', 'Org1MSP', 'Org2MSP');
        policy.addOrgs('MEMBER', 'Org3MSP');
        policy.delOrgs('Org2MSP');
        const again = new KeyEndorsementPolicy(policy.getPolicy());
        let wrong = '';
        try {
            policy.addOrgs('BOSS', 'Org1MSP');
        } catch (error) {
            wrong = error.message;
        }
        return JSON.stringify([hex(policy.getPolicy()), again.listOrgs(), wrong]);
    },
    asked: async (stub) => {
        const { nanos, seconds } = stub.getTxTimestamp();
        const { mspid, idBytes } = stub.getCreator();
        const { proposal, signature } = stub.getSignedProposal();
        return JSON.stringify([
            stub.getFunctionAndParameters(), stub.getStringArgs(), stub.getBufferArgs().map(hex),
            stub.getTxID(), stub.getChannelID(), nanos, seconds.toString(), stub.getDateTimestamp(),
            mspid, digest(idBytes), stub.getBinding(), digest(signature),
            hex(proposal.header.signatureHeader.nonce), [...stub.getTransient().keys()],
        ]);
    },
    awaited: (stub, [start, end]) => rows(stub.getStateByRange(start, end)),
    'awaited-page': (stub, [start, end, size]) => {
        return rows(stub.getStateByRangeWithPagination(start, end, Number(size), ''));
    },
    'awaited-history': (stub, [key]) => rows(stub.getHistoryForKey(key)),
    'awaited-private': (stub, [collection]) => rows(stub.getPrivateDataByRange(collection, '', '')),
    pcomposite: async (stub, [collection, type]) => {
        await stub.putPrivateData(collection, stub.createCompositeKey(type, ['a', 'b']), 'v');
        return '';
    },
    'awaited-pcomposite': async (stub, [collection, type]) => {
        return rows(stub.getPrivateDataByPartialCompositeKey(collection, type, ['a']));
    },
    'page-composite': async (stub, [type, size]) => {
        const asked = stub.getStateByPartialCompositeKeyWithPagination(type, [], Number(size), '');
        const { iterator, metadata } = await asked;
        const { value } = await iterator.next();
        await iterator.close();
        return JSON.stringify([stub.splitCompositeKey(value.key), metadata]);
    },
    order: () => order(),
    language: () => language(),
    modules: async (stub) => modules(stub),
    // Text that is not Unicode, which no message can contain.
    halves: async (stub) => {
        const half = '\ud800';
        console.log(half);
        const said = [];
        const tries = [
            () => stub.getState(half),
            () => stub.putState(half, 'v'),
            () => stub.getStateByRange(half, ''),
            () => stub.getStateByPartialCompositeKey('t', [half]),
            () => stub.getQueryResult(half),
            () => stub.getPrivateData(half, 'k'),
            () => stub.getHistoryForKey(half),
            () => stub.invokeChaincode(half, ['a']),
        ];
        for (const attempt of tries) {
            said.push(await Promise.resolve().then(attempt).then(() => 'done', (error) => error.message));
        }
        return said.join('\n');
    },
    // The contract API's view of an iterator that a transaction returns.
    shown: async (stub) => Object.keys(await stub.getStateByRange('a', 'b')).join(),
    // Refusals by the shim or the peer.
    refusals: async (stub) => {
        const said = [];
        const tries = [
            () => stub.createCompositeKey('', []),
            () => stub.createCompositeKey('t', ['']),
            () => stub.getStateByRange('\0a', 'b'),
            () => stub.setEvent('', Buffer.alloc(0)),
            () => stub.getPrivateData('', 'k'),
            () => stub.putPrivateData('open', 'k'),
            () => stub.putState('k', [1, 2]),
            () => stub.putState('k', new ArrayBuffer(3)),
            () => stub.putState('k', { a: 1 }),
            () => stub.putState('k', 5),
            () => stub.putPrivateData('open', 'k', new Uint16Array([1])),
            () => stub.setStateValidationParameter('k', [1]),
            () => stub.setStateValidationParameter('k', '?'),
            () => stub.getPrivateDataByRange('open', 'k'),
            () => new ClientIdentity({ getChannelID: () => '', getTxID: () => '', getCreator: () => ({ mspid: 'M', idBytes: Buffer.from('x') }) }).getID(),
        ];
        for (const attempt of tries) {
            said.push(await Promise.resolve().then(attempt).then(() => 'done', (error) => error.message));
        }
        return said.join('\n');
    },
};
