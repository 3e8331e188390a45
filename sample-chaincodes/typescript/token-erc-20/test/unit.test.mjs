// Tests the contract alone, compiled by tsc, on an in-memory ledger.
import assert from 'node:assert/strict';
import test from 'node:test';

import { TokenERC20 } from '../dist/tokenERC20.js';
import { Ledger } from '../../testing/ledger.mjs';

const ANN = {};
const BOB = { org: 'Org2MSP' };
const LARGEST = Number.MAX_SAFE_INTEGER;

async function minted() {
    const ledger = new Ledger(new TokenERC20());
    assert.equal((await ledger.call('Initialize', ['some name', 'SYM', '2'])).result, true);
    await ledger.call('Mint', [1000]);
    return ledger;
}

const account = async (ledger, client) => (await ledger.call('ClientAccountID', [], client)).result;
const balance = async (ledger, of) => (await ledger.call('BalanceOf', [of])).result;
const refused = (ledger, message, name, args, client) => assert.rejects(ledger.call(name, args, client), { message });

test('the options are set once and by the central banker', async () => {
    const ledger = await minted();
    const names = await Promise.all(['Name', 'Symbol', 'Decimals'].map((name) => ledger.call(name)));
    assert.deepEqual(
        names.map(({ result }) => result),
        ['some name', 'SYM', '2'],
    );
    const args = ['a', 'b', 'c'];
    const set = 'contract options are already set, client is not authorized to change them';
    await refused(ledger, set, 'Initialize', args);
    await refused(ledger, 'client is not authorized to initialize contract', 'Initialize', args, BOB);
    const empty = new Ledger(new TokenERC20());
    await refused(empty, /^Contract options need to be set .* call Initialize\(\)/, 'Name', []);
});

test('tokens are minted and burned', async () => {
    const ledger = await minted();
    const { event } = await ledger.call('Burn', [100]);
    const burned = { from: await account(ledger, ANN), to: '0x0', value: 100 };
    assert.deepEqual([event.name, JSON.parse(event.payload)], ['Transfer', burned]);
    assert.equal((await ledger.call('TotalSupply')).result, 900);
    assert.equal((await ledger.call('ClientAccountBalance')).result, 900);
    for (const [message, name, amount, client] of [
        ['mint amount must be a positive integer', 'Mint', 0],
        ['burn amount must be a positive integer', 'Burn', -1],
        ['1.5 is not an amount', 'Mint', 1.5],
        [`Math: addition overflow occurred 900 + ${LARGEST}`, 'Mint', LARGEST],
        ['Error: the number 900 is not enough to be subtracted by 901', 'Burn', 901],
        ['client is not authorized to mint new tokens', 'Mint', 1, BOB],
    ]) {
        await refused(ledger, message, name, [amount], client);
    }
});

test('tokens are transferred', async () => {
    const ledger = await minted();
    const [ann, bob] = [await account(ledger, ANN), await account(ledger, BOB)];
    const { event } = await ledger.call('Transfer', [bob, 300]);
    assert.deepEqual(JSON.parse(event.payload), { from: ann, to: bob, value: 300 });
    assert.deepEqual([await balance(ledger, ann), await balance(ledger, bob)], [700, 300]);
    for (const [why, to, amount] of [
        ['cannot transfer to and from same client account', ann, 1],
        [`client account ${ann} has insufficient funds`, bob, 701],
        ['transfer amount cannot be negative', bob, -1],
        ['Error: the subtraction number is 0, it should be greater than 0', bob, 0],
        ['totalSupply is not a client account', 'totalSupply', 1],
    ]) {
        await refused(ledger, `failed to transfer: ${why}`, 'Transfer', [to, amount]);
    }
    const poor = { org: 'Org2MSP', user: 'User2' };
    const none = `failed to transfer: client account ${await account(ledger, poor)} has no balance`;
    await refused(ledger, none, 'Transfer', [bob, 1], poor);
    await refused(ledger, 'the account nobody does not exist', 'BalanceOf', ['nobody']);
});

test('a spender withdraws what was approved', async () => {
    const ledger = await minted();
    const [ann, bob] = [await account(ledger, ANN), await account(ledger, BOB)];
    const { event } = await ledger.call('Approve', [bob, 50]);
    assert.deepEqual([event.name, JSON.parse(event.payload)], ['Approval', { from: ann, to: bob, value: 50 }]);
    await ledger.call('TransferFrom', [ann, bob, 20], BOB);
    assert.equal((await ledger.call('Allowance', [ann, bob])).result, 30);
    assert.deepEqual([await balance(ledger, ann), await balance(ledger, bob)], [980, 20]);
    const much = 'spender does not have enough allowance for transfer';
    await refused(ledger, much, 'TransferFrom', [ann, bob, 31], BOB);
});
