// Tests the contract as a component on a complete peer, from deployment to commit.
import assert from 'node:assert/strict';
import test from 'node:test';

import { Sandbox, build } from 'wasmcc-js/sandbox';

const [ORG1, ORG2] = ['Org1MSP', 'Org2MSP'];
const component = await build();

// Returns two organizations with a peer each. A chaincode of `_lifecycle` has an implicit collection for each.
async function created() {
    const sandbox = await Sandbox.create({ orgs: 2, peers: [ORG1, ORG2] });
    const policy = "OR('Org1MSP.peer','Org2MSP.peer')";
    await sandbox.deployByLifecycle('events', component, { policy });
    const transient = { asset_properties: '{"price":90}' };
    await sandbox.submit('events', 'CreateAsset', ['a', 'blue', '5', 'Sam', '50'], { transient });
    return sandbox;
}

test('an event has the bytes that are written', async () => {
    const sandbox = await created();
    const { event, rwset } = await sandbox.endorse('events', 'TransferAsset', ['a', 'Ann']);
    const [write] = rwset.events.writes;
    const asset = '{"AppraisedValue":"50","Color":"blue","ID":"a","Owner":"Ann","Size":"5"}';
    assert.equal(write.value.toString(), asset);
    assert.deepEqual([event.name, event.payload.toString()], ['TransferAsset', asset]);
});

test('a deleted asset is announced with its last state', async () => {
    const sandbox = await created();
    await sandbox.submit('events', 'UpdateAsset', ['a', 'red', '6', 'Bob', '60']);
    const { event } = await sandbox.endorse('events', 'DeleteAsset', ['a']);
    assert.deepEqual([event.name, JSON.parse(event.payload).Owner], ['DeleteAsset', 'Bob']);
    await sandbox.submit('events', 'DeleteAsset', ['a']);
    const gone = sandbox.evaluate('events', 'ReadAsset', ['a']);
    await assert.rejects(gone, { kind: 'refused', message: 'The asset a does not exist' });
});

test('properties are private to the organization', async () => {
    const sandbox = await created();
    const read = async (options) => (await sandbox.evaluate('events', 'ReadAsset', ['a'], options)).json();
    assert.deepEqual((await read({ org: ORG1 })).asset_properties, { price: 90 });
    assert.equal((await read({ org: ORG2 })).asset_properties, undefined);
});
