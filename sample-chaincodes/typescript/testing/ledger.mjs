// An in-memory ledger for tests of a contract without a peer. As on a peer, a transaction does not read its own writes;
// they are committed if it ends without an error.
import { createHash } from 'node:crypto';

import { Context } from 'fabric-contract-api';

const NOTHING = Buffer.alloc(0);
const place = (collection, key) => JSON.stringify([collection, key]);

export class Ledger {
    #contract;
    #values = new Map();

    constructor(contract) {
        this.#contract = contract;
    }

    // Returns the value of a key in the public state or in a collection; undefined if missing.
    get(key, collection = '') {
        return this.#values.get(place(collection, key));
    }

    // Calls a function as a client of `org`, at a peer of `peer`. Returns the function's result and the event.
    async call(name, args = [], { org = 'Org1MSP', peer = org, user = 'User1', transient = {} } = {}) {
        const transaction = { writes: new Map(), event: undefined };
        const ctx = new Context();
        ctx.setChaincodeStub(this.#stub(transaction, peer, transient));
        ctx.setClientIdentity({
            getMSPID: () => org,
            getID: () => `x509::/CN=${user}@${org}::/CN=ca.${org}`,
        });
        const result = await this.#contract[name](ctx, ...args);
        for (const [key, value] of transaction.writes) {
            if (value.length > 0) this.#values.set(key, value);
            else this.#values.delete(key);
        }
        return { result, event: transaction.event };
    }

    // Returns a stub with the functions that the samples use, except rich queries.
    #stub(transaction, peer, transient) {
        const read = async (collection, key) => this.get(key, collection) ?? NOTHING;
        const write = async (collection, key, value) => {
            transaction.writes.set(place(collection, key), Buffer.from(value));
        };
        const hash = (value) => (value.length > 0 ? createHash('sha256').update(value).digest() : NOTHING);
        return {
            getMspID: () => peer,
            getTransient: () => new Map(Object.entries(transient).map(([name, value]) => [name, Buffer.from(value)])),
            setEvent: (name, payload) => (transaction.event = { name, payload: Buffer.from(payload) }),
            createCompositeKey: (type, attributes) => `\0${[type, ...attributes].join('\0')}\0`,
            getState: (key) => read('', key),
            putState: (key, value) => write('', key, value),
            deleteState: (key) => write('', key, NOTHING),
            getStateByRange: (start, end) => this.#range('', start, end),
            getPrivateData: read,
            getPrivateDataHash: async (collection, key) => hash(await read(collection, key)),
            putPrivateData: write,
            deletePrivateData: (collection, key) => write(collection, key, NOTHING),
            purgePrivateData: (collection, key) => write(collection, key, NOTHING),
            getPrivateDataByRange: (collection, start, end) => this.#range(collection, start, end),
        };
    }

    // A range of simple keys contains no composite keys; an empty bound is open.
    async *#range(collection, start, end) {
        const rows = [...this.#values].map(([key, value]) => [...JSON.parse(key), value]);
        const isInside = (key) => !key.startsWith('\0') && key >= start && (end === '' || key < end);
        const found = rows.filter(([within, key]) => within === collection && isInside(key));
        for (const [, key, value] of found.sort(([, a], [, b]) => (a < b ? -1 : 1))) {
            yield { namespace: '', key, value };
        }
    }
}
