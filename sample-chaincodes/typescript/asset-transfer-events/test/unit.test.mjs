// Tests the contract alone, compiled by tsc, on an in-memory ledger.
import assert from 'node:assert/strict';
import test from 'node:test';

import { AssetTransferEvents } from '../dist/assetTransferEvents.js';
import { Ledger } from '../../testing/ledger.mjs';

const OWN = '_implicit_org_Org1MSP';
const SECRET = '{"price":90}';

async function created() {
    const ledger = new Ledger(new AssetTransferEvents());
    const transient = { asset_properties: SECRET };
    await ledger.call('CreateAsset', ['a', 'blue', '5', 'Sam', '50'], { transient });
    return ledger;
}

const read = async (ledger, caller) => JSON.parse((await ledger.call('ReadAsset', ['a'], caller)).result);

test('every change is announced', async () => {
    const ledger = await created();
    for (const [name, args, owner] of [
        ['TransferAsset', ['a', 'Ann'], 'Ann'],
        ['UpdateAsset', ['a', 'red', '6', 'Bob', '60'], 'Bob'],
        ['DeleteAsset', ['a'], 'Bob'],
    ]) {
        const { event } = await ledger.call(name, args);
        assert.deepEqual([event.name, JSON.parse(event.payload).Owner], [name, owner]);
    }
    await assert.rejects(ledger.call('ReadAsset', ['a']), { message: 'The asset a does not exist' });
});

test('properties are private to the organization', async () => {
    const ledger = await created();
    assert.equal(ledger.get('a', OWN).toString(), SECRET);
    assert.deepEqual((await read(ledger)).asset_properties, { price: 90 });
    const other = { org: 'Org2MSP', peer: 'Org1MSP', transient: { asset_properties: '{"price":1}' } };
    assert.equal((await read(ledger, other)).asset_properties, undefined);
    await ledger.call('TransferAsset', ['a', 'Ann'], other);
    assert.equal(ledger.get('a', OWN).toString(), SECRET);
    await ledger.call('DeleteAsset', ['a']);
    assert.equal(ledger.get('a', OWN), undefined);
});
