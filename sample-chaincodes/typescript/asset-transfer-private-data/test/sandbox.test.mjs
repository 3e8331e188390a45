// Tests the contract as a component on the peers of two organizations, from deployment to commit.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import test from 'node:test';

import { Sandbox, build } from 'wasmcc-js/sandbox';

const [ORG1, ORG2] = ['Org1MSP', 'Org2MSP'];
const ASSET = { objectType: 'asset', assetID: 'a', color: 'green', size: 20, appraisedValue: 100 };
const component = await build();
const collections = fs.readFileSync('collections_config.json', 'utf8');

async function created() {
    const sandbox = await Sandbox.create({ orgs: 2, peers: [ORG1, ORG2] });
    const policy = "OR('Org1MSP.peer','Org2MSP.peer')";
    await sandbox.deploy('private', component, { collections, policy });
    await send(sandbox, ORG1, 'CreateAsset', 'asset_properties', ASSET);
    return sandbox;
}

function send(sandbox, org, name, entry, members) {
    return sandbox.submit('private', name, [], { org, transient: { [entry]: JSON.stringify(members) } });
}

const query = (sandbox, org, name, ...args) => sandbox.evaluate('private', name, args, { org });

test('an asset is sold at a value that only seller and buyer know', async () => {
    const sandbox = await created();
    const sale = [sandbox, ORG1, 'TransferAsset', 'asset_owner', { assetID: 'a', buyerMSP: ORG2 }];
    await assert.rejects(send(...sale), { kind: 'refused', message: /must be called by the buyer first$/ });
    await send(sandbox, ORG2, 'AgreeToTransfer', 'asset_value', { assetID: 'a', appraisedValue: 100 });
    await send(...sale);
    const { owner } = (await query(sandbox, ORG2, 'ReadAsset', 'a')).json();
    assert.match(owner, /CN=User1@org2\.example\.com/);
    assert.equal((await query(sandbox, ORG1, 'ReadAssetPrivateDetails', `${ORG1}PrivateCollection`, 'a')).text(), '');
});

test('nothing of an asset is in the transaction but hashes', async () => {
    const sandbox = await created();
    const transient = { asset_properties: JSON.stringify({ ...ASSET, assetID: 'b' }) };
    const { rwset } = await sandbox.endorse('private', 'CreateAsset', [], { transient });
    assert.equal(rwset.private.writes.length, 0);
    assert.deepEqual(Object.keys(rwset.private.collections), ['Org1MSPPrivateCollection', 'assetCollection']);
});

test('the peer keeps other organizations out', async () => {
    const sandbox = await created();
    const details = query(sandbox, ORG2, 'ReadAssetPrivateDetails', `${ORG1}PrivateCollection`, 'a');
    await assert.rejects(details, { message: /^failed to read asset details: .*read access permission/ });
});

test('assets are found by a rich query', async () => {
    const sandbox = await created();
    const [{ owner }] = (await query(sandbox, ORG1, 'GetAssetByRange', '', '')).json();
    assert.equal((await query(sandbox, ORG1, 'QueryAssetByOwner', 'asset', owner)).json().length, 1);
    assert.equal((await query(sandbox, ORG1, 'QueryAssets', '{"selector":{"size":1}}')).text(), '[]');
});
