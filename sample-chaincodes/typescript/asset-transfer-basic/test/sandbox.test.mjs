// Tests the contract as a component on a complete peer, from deployment to commit.
import assert from 'node:assert/strict';
import test from 'node:test';

import { Sandbox, build } from 'wasmcc-js/sandbox';

const component = await build();

async function initialized() {
    const sandbox = await Sandbox.create();
    await sandbox.deploy('basic', component);
    await sandbox.submit('basic', 'InitLedger');
    return sandbox;
}

test('an asset is created, updated, transferred and deleted', async () => {
    const sandbox = await initialized();
    await sandbox.submit('basic', 'CreateAsset', ['a', 'red', '7', 'Ann', '9']);
    await sandbox.submit('basic', 'UpdateAsset', ['a', 'blue', '8', 'Bob', '10']);
    const transferred = await sandbox.submit('basic', 'TransferAsset', ['a', 'Eve']);
    assert.equal(transferred.text(), 'Bob');
    const asset = '{"AppraisedValue":10,"Color":"blue","ID":"a","Owner":"Eve","Size":8}';
    assert.equal((await sandbox.getState('basic', 'a')).toString(), asset);
    assert.equal((await sandbox.evaluate('basic', 'GetAllAssets')).json().length, 7);
    await sandbox.submit('basic', 'DeleteAsset', ['a']);
    assert.equal((await sandbox.evaluate('basic', 'AssetExists', ['a'])).text(), 'false');
});

test('of two transfers of an asset in one block the second is not valid', async () => {
    const sandbox = await initialized();
    const first = await sandbox.endorse('basic', 'TransferAsset', ['asset1', 'Ann']);
    const second = await sandbox.endorse('basic', 'TransferAsset', ['asset1', 'Bob']);
    const [one, two] = await sandbox.commit([first, second]);
    assert.deepEqual([one.code, two.code], ['VALID', 'MVCC_READ_CONFLICT']);
    assert.equal((await sandbox.evaluate('basic', 'ReadAsset', ['asset1'])).json().Owner, 'Ann');
});

test('a refusal reaches the client with the text of the sample', async () => {
    const sandbox = await initialized();
    const refused = sandbox.submit('basic', 'CreateAsset', ['asset1', 'x', '1', 'y', '1']);
    await assert.rejects(refused, { kind: 'refused', message: 'the asset asset1 already exists' });
});
