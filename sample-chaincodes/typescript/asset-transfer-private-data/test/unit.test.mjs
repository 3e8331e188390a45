// Tests the contract alone, compiled by tsc, on an in-memory ledger. Rich queries are tested on a complete peer.
import assert from 'node:assert/strict';
import test from 'node:test';

import { PrivateAssets } from '../dist/privateAssets.js';
import { Ledger } from '../../testing/ledger.mjs';

const ASSET = { objectType: 'asset', assetID: 'a', color: 'green', size: 20, appraisedValue: 100 };

const send = (ledger, org, name, entry, members) => {
    return ledger.call(name, [], { org, transient: { [entry]: JSON.stringify(members) } });
};
const create = (ledger, members) => send(ledger, 'Org1MSP', 'CreateAsset', 'asset_properties', { ...ASSET, ...members });
const agree = (ledger, appraisedValue) => {
    return send(ledger, 'Org2MSP', 'AgreeToTransfer', 'asset_value', { assetID: 'a', appraisedValue });
};
const sell = (ledger) => {
    return send(ledger, 'Org1MSP', 'TransferAsset', 'asset_owner', { assetID: 'a', buyerMSP: 'Org2MSP' });
};

async function created() {
    const ledger = new Ledger(new PrivateAssets());
    await create(ledger, {});
    return ledger;
}

test('an asset and its value are in two collections', async () => {
    const ledger = await created();
    const { result: asset } = await ledger.call('ReadAsset', ['a']);
    assert.match(asset.owner, /^x509::\/CN=User1@Org1MSP/);
    const details = ledger.get('a', 'Org1MSPPrivateCollection').toString();
    assert.equal(details, '{"assetID":"a","appraisedValue":100}');
    assert.equal((await ledger.call('ReadAsset', ['b'])).result, undefined);
    assert.equal(ledger.get('a'), undefined, 'nothing public is written');
});

test('an asset goes to a buyer that agreed to its value', async () => {
    const ledger = await created();
    await agree(ledger, 100);
    const { result: agreement } = await ledger.call('ReadTransferAgreement', ['a']);
    await sell(ledger);
    assert.equal((await ledger.call('ReadAsset', ['a'])).result.owner, agreement.buyerID);
    assert.equal((await ledger.call('ReadTransferAgreement', ['a'])).result, undefined);
    assert.equal(ledger.get('a', 'Org1MSPPrivateCollection'), undefined);
    await assert.rejects(sell(ledger), { message: /client identity does not own asset$/ });
});

test('a buyer that agreed to another value, or to none, gets nothing', async () => {
    const ledger = await created();
    await agree(ledger, 99);
    await assert.rejects(sell(ledger), { message: /^failed transfer verification: hash for appraised value/ });
    await send(ledger, 'Org2MSP', 'DeleteTranferAgreement', 'agreement_delete', { assetID: 'a' });
    await assert.rejects(sell(ledger), { message: /AgreeToTransfer must be called by the buyer first$/ });
});

test('what is wrong with a new asset is said', async () => {
    const ledger = await created();
    for (const [members, message] of [
        [{ objectType: '' }, 'objectType field must be a non-empty string'],
        [{ assetID: undefined }, 'assetID field must be a non-empty string'],
        [{ color: '' }, 'color field must be a non-empty string'],
        [{ size: 0 }, 'size field must be a positive integer'],
        [{ appraisedValue: -1 }, 'appraisedValue field must be a positive integer'],
        [{ color: 5 }, 'failed to unmarshal JSON: color is no text'],
        [{ size: 'x' }, 'failed to unmarshal JSON: size is no integer'],
        [{}, 'this asset already exists: a'],
    ]) {
        await assert.rejects(create(ledger, members), { message });
    }
    const transient = { asset_properties: '[]' };
    await assert.rejects(ledger.call('CreateAsset', [], { transient }), { message: /it is no object$/ });
});

test('missing transient data are named', async () => {
    const ledger = await created();
    for (const [name, message] of [
        ['CreateAsset', 'asset not found in the transient map input'],
        ['AgreeToTransfer', 'asset_value key not found in the transient map'],
        ['TransferAsset', 'asset owner not found in the transient map'],
        ['DeleteAsset', 'asset to delete not found in the transient map'],
        ['PurgeAsset', 'asset to purge not found in the transient map'],
        ['DeleteTranferAgreement', 'asset to delete not found in the transient map'],
    ]) {
        await assert.rejects(ledger.call(name), { message });
    }
});

test('a client has only the peers of its organization write', async () => {
    const ledger = await created();
    const transient = { asset_value: '{"assetID":"a","appraisedValue":100}' };
    const refused = ledger.call('AgreeToTransfer', [], { org: 'Org2MSP', peer: 'Org1MSP', transient });
    await assert.rejects(refused, { message: /client from org Org2MSP is not authorized to read or write/ });
});

test('assets are found, deleted and purged', async () => {
    const ledger = await created();
    await create(ledger, { assetID: 'b', appraisedValue: 5 });
    const { result: assets } = await ledger.call('GetAssetByRange', ['a', 'c']);
    assert.deepEqual(
        assets.map(({ assetID }) => assetID),
        ['a', 'b'],
    );
    await send(ledger, 'Org1MSP', 'DeleteAsset', 'asset_delete', { assetID: 'a' });
    await send(ledger, 'Org1MSP', 'PurgeAsset', 'asset_purge', { assetID: 'b' });
    assert.deepEqual((await ledger.call('GetAssetByRange', ['', ''])).result, []);
    const again = send(ledger, 'Org1MSP', 'DeleteAsset', 'asset_delete', { assetID: 'a' });
    await assert.rejects(again, { message: 'asset not found: a' });
});
