// Tests the component on a complete peer, from the build to the commit of transactions.
import assert from 'node:assert/strict';
import test from 'node:test';

import { Sandbox, build } from 'wasmcc-js/sandbox';

const CHAINCODE = 'my-contract';
const component = await build();

// A channel of two organizations, with the deployed contract and one asset. Each test has its own.
async function sandbox() {
    const sandbox = await Sandbox.create({ orgs: 2 });
    await sandbox.deploy(CHAINCODE, component);
    await sandbox.submit(CHAINCODE, 'CreateAsset', ['asset1', 'blue', 300]);
    return sandbox;
}

const owner = async (sandbox, id) => {
    return (await sandbox.evaluate(CHAINCODE, 'ReadAsset', [id])).json().Owner;
};

test('an asset goes from one organization to another', async () => {
    const peer = await sandbox();
    const transferred = await peer.submit(CHAINCODE, 'TransferAsset', ['asset1', 'Org2MSP']);
    assert.equal(transferred.text(), 'Org1MSP', 'it returns the old owner');
    assert.equal(await owner(peer, 'asset1'), 'Org2MSP');
    // A client of the other organization.
    await peer.submit(CHAINCODE, 'TransferAsset', ['asset1', 'Org1MSP'], { org: 'Org2MSP' });
    assert.equal(await owner(peer, 'asset1'), 'Org1MSP');
});

test('of two transfers at the same time the second is not valid', async () => {
    const peer = await sandbox();
    // Both are endorsed on the same state, then ordered into one block.
    const first = await peer.endorse(CHAINCODE, 'TransferAsset', ['asset1', 'Org2MSP']);
    const second = await peer.endorse(CHAINCODE, 'TransferAsset', ['asset1', 'Org3MSP']);
    const [one, two] = await peer.commit([first, second]);
    assert.deepEqual([one.code, two.code], ['VALID', 'MVCC_READ_CONFLICT']);
    assert.equal(await owner(peer, 'asset1'), 'Org2MSP');
});

test('what the contract refuses is not committed', async () => {
    const peer = await sandbox();
    const height = await peer.height();
    const refused = peer.submit(CHAINCODE, 'DeleteAsset', ['asset1'], { org: 'Org2MSP' });
    await assert.rejects(refused, { kind: 'refused', message: 'the asset asset1 belongs to Org1MSP' });
    assert.equal(await peer.height(), height);
});

test('a new asset is written as JSON and announced', async () => {
    const peer = await sandbox();
    const { rwset, event } = await peer.endorse(CHAINCODE, 'CreateAsset', ['asset2', 'red', 7]);
    const [write] = rwset[CHAINCODE].writes;
    const json = '{"ID":"asset2","Color":"red","Owner":"Org1MSP","AppraisedValue":7}';
    assert.equal(write.value.toString(), json);
    assert.equal(event.name, 'CreateAsset');
});
