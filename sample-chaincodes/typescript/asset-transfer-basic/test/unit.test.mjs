// Tests the contract alone, compiled by tsc, on an in-memory ledger.
import assert from 'node:assert/strict';
import test from 'node:test';

import { AssetTransfer } from '../dist/assetTransfer.js';
import { Ledger } from '../../testing/ledger.mjs';

async function initialized() {
    const ledger = new Ledger(new AssetTransfer());
    await ledger.call('InitLedger');
    return ledger;
}

test('the ledger begins with six assets', async () => {
    const ledger = await initialized();
    const { result: assets } = await ledger.call('GetAllAssets');
    assert.deepEqual(
        assets.map(({ Owner }) => Owner),
        ['Tomoko', 'Brad', 'Jin Soo', 'Max', 'Adriana', 'Michel'],
    );
    const first = '{"AppraisedValue":300,"Color":"blue","ID":"asset1","Owner":"Tomoko","Size":5}';
    assert.equal(ledger.get('asset1').toString(), first);
});

test('an asset is created, updated, transferred and deleted', async () => {
    const ledger = await initialized();
    await ledger.call('CreateAsset', ['a', 'red', 7, 'Ann', 9]);
    await ledger.call('UpdateAsset', ['a', 'blue', 8, 'Bob', 10]);
    assert.equal((await ledger.call('TransferAsset', ['a', 'Eve'])).result, 'Bob');
    const { result: asset } = await ledger.call('ReadAsset', ['a']);
    assert.deepEqual(asset, { AppraisedValue: 10, Color: 'blue', ID: 'a', Owner: 'Eve', Size: 8 });
    await ledger.call('DeleteAsset', ['a']);
    assert.equal((await ledger.call('AssetExists', ['a'])).result, false);
});

test('refusals have the texts of the sample', async () => {
    const ledger = await initialized();
    for (const [name, ...args] of [
        ['ReadAsset', 'a'],
        ['UpdateAsset', 'a', 'x', 1, 'y', 1],
        ['DeleteAsset', 'a'],
        ['TransferAsset', 'a', 'x'],
    ]) {
        await assert.rejects(ledger.call(name, args), { message: 'the asset a does not exist' }, name);
    }
    const again = ledger.call('CreateAsset', ['asset1', 'x', 1, 'y', 1]);
    await assert.rejects(again, { message: 'the asset asset1 already exists' });
});
