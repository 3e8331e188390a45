// Tests the contract as a component on a complete peer, from deployment to commit.
import assert from 'node:assert/strict';
import test from 'node:test';

import { Sandbox, build } from 'wasmcc-js/sandbox';

const TOKEN = 'token_erc20';
const BOB = { org: 'Org2MSP' };
const component = await build();

async function minted() {
    const sandbox = await Sandbox.create({ orgs: 2 });
    await sandbox.deploy(TOKEN, component);
    assert.equal((await sandbox.submit(TOKEN, 'Initialize', ['some name', 'SYM', '2'])).text(), 'true');
    await sandbox.submit(TOKEN, 'Mint', ['1000']);
    return sandbox;
}

const ask = async (sandbox, client, name, ...args) => (await sandbox.evaluate(TOKEN, name, args, client)).text();

test('tokens go from one client to another', async () => {
    const sandbox = await minted();
    const bob = await ask(sandbox, BOB, 'ClientAccountID');
    await sandbox.submit(TOKEN, 'Transfer', [bob, '300']);
    assert.equal(await ask(sandbox, BOB, 'ClientAccountBalance'), '300');
    assert.equal(await ask(sandbox, {}, 'ClientAccountBalance'), '700');
    const much = sandbox.submit(TOKEN, 'Transfer', [bob, '701']);
    await assert.rejects(much, { kind: 'refused', message: /insufficient funds$/ });
});

test('of two payments with the same tokens in one block the second is not valid', async () => {
    const sandbox = await minted();
    const bob = await ask(sandbox, BOB, 'ClientAccountID');
    const pay = () => sandbox.endorse(TOKEN, 'Transfer', [bob, '1000']);
    const [one, two] = await sandbox.commit([await pay(), await pay()]);
    assert.deepEqual([one.code, two.code], ['VALID', 'MVCC_READ_CONFLICT']);
    assert.equal(await ask(sandbox, BOB, 'ClientAccountBalance'), '1000');
});

test('a spender withdraws what was approved', async () => {
    const sandbox = await minted();
    const [ann, bob] = [await ask(sandbox, {}, 'ClientAccountID'), await ask(sandbox, BOB, 'ClientAccountID')];
    await sandbox.submit(TOKEN, 'Approve', [bob, '50']);
    const { endorsed } = await sandbox.submit(TOKEN, 'TransferFrom', [ann, bob, '20'], BOB);
    assert.deepEqual(JSON.parse(endorsed.event.payload), { from: ann, to: bob, value: 20 });
    assert.equal(await ask(sandbox, {}, 'Allowance', ann, bob), '30');
});

test('metadata describe the functions', async () => {
    const sandbox = await minted();
    const metadata = JSON.parse(await ask(sandbox, {}, 'org.hyperledger.fabric:GetMetadata'));
    const { transactions } = metadata.contracts.TokenERC20Contract;
    const transfer = transactions.find(({ name }) => name === 'TransferFrom');
    assert.deepEqual(
        transfer.parameters.map(({ name, schema }) => [name, schema.type]),
        [
            ['from', 'string'],
            ['to', 'string'],
            ['value', 'number'],
        ],
    );
});
