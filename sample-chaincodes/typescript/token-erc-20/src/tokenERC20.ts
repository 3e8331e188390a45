// Fungible tokens after ERC-20, in TypeScript: clients have balances, transfer tokens, and allow others to spend some.
//
// Names, JSON and messages are those of `token-erc-20` in fabric-samples. The balances of all accounts add up to the
// total supply. An account is the id of a client, and its balance is a decimal number under that key.

import { Context, Contract, Info, Returns, Transaction } from 'fabric-contract-api';

import { add, read, sub, whole, write } from './amount';
import * as options from './options';

/** The organization that sets the contract up, mints and burns. */
const CENTRAL_BANKER = 'Org1MSP';
/** The key of the number of all tokens. */
const TOTAL_SUPPLY = 'totalSupply';
/** The object type of allowance keys; owner and spender follow. */
const ALLOWANCE = 'allowance';
/** The sender of minted tokens and the recipient of burned ones, in events. */
const NOBODY = '0x0';

@Info({ title: 'TokenERC20Contract', description: 'Fungible tokens with balances and allowances' })
export class TokenERC20 extends Contract {
    constructor() {
        super('TokenERC20Contract');
    }

    /** Sets name, symbol and decimals of the token, once. Only for clients of the central banker. */
    @Transaction()
    @Returns('boolean')
    async Initialize(ctx: Context, name: string, symbol: string, decimals: string): Promise<boolean> {
        if (ctx.clientIdentity.getMSPID() !== CENTRAL_BANKER) {
            throw new Error('client is not authorized to initialize contract');
        }
        await options.set(ctx, name, symbol, decimals);
        return true;
    }

    /** Adds new tokens to the client's account. Only for clients of the central banker. */
    @Transaction()
    async Mint(ctx: Context, amount: number): Promise<void> {
        const minter = await centralBanker(ctx);
        if (whole(amount) <= 0) {
            throw new Error('mint amount must be a positive integer');
        }
        await write(ctx, minter, add((await read(ctx, minter)) ?? 0, amount));
        await write(ctx, TOTAL_SUPPLY, add((await read(ctx, TOTAL_SUPPLY)) ?? 0, amount));
        announce(ctx, 'Transfer', NOBODY, minter, amount);
    }

    /** Destroys tokens of the client's account. Only for clients of the central banker. */
    @Transaction()
    async Burn(ctx: Context, amount: number): Promise<void> {
        const minter = await centralBanker(ctx);
        if (whole(amount) <= 0) {
            throw new Error('burn amount must be a positive integer');
        }
        const balance = await read(ctx, minter);
        if (balance === undefined) {
            throw new Error('The balance does not exist');
        }
        await write(ctx, minter, sub(balance, amount));
        const supply = await read(ctx, TOTAL_SUPPLY);
        if (supply === undefined) {
            throw new Error('totalSupply does not exist');
        }
        await write(ctx, TOTAL_SUPPLY, sub(supply, amount));
        announce(ctx, 'Transfer', minter, NOBODY, amount);
    }

    /** Transfers tokens from the client's account to another one, which need not exist yet. */
    @Transaction()
    async Transfer(ctx: Context, recipient: string, amount: number): Promise<void> {
        await options.mustBeSet(ctx);
        const client = ctx.clientIdentity.getID();
        await moveTokens(ctx, client, recipient, whole(amount));
        announce(ctx, 'Transfer', client, recipient, amount);
    }

    /** Transfers tokens of an account that allows the client to spend some of them. */
    @Transaction()
    async TransferFrom(ctx: Context, from: string, to: string, value: number): Promise<void> {
        await options.mustBeSet(ctx);
        const key = allowanceKey(ctx, from, ctx.clientIdentity.getID());
        const allowance = (await read(ctx, key)) ?? 0;
        if (allowance < whole(value)) {
            throw new Error('spender does not have enough allowance for transfer');
        }
        await moveTokens(ctx, from, to, value);
        await write(ctx, key, sub(allowance, value));
        announce(ctx, 'Transfer', from, to, value);
    }

    /** Sets how many tokens of the client's account another account may spend. */
    @Transaction()
    async Approve(ctx: Context, spender: string, value: number): Promise<void> {
        await options.mustBeSet(ctx);
        const owner = ctx.clientIdentity.getID();
        await write(ctx, allowanceKey(ctx, owner, spender), whole(value));
        announce(ctx, 'Approval', owner, spender, value);
    }

    /** Returns how many tokens of an owner's account a spender may still transfer. */
    @Transaction(false)
    @Returns('number')
    async Allowance(ctx: Context, owner: string, spender: string): Promise<number> {
        await options.mustBeSet(ctx);
        return (await read(ctx, allowanceKey(ctx, owner, spender))) ?? 0;
    }

    /** Returns the balance of an account. */
    @Transaction(false)
    @Returns('number')
    async BalanceOf(ctx: Context, account: string): Promise<number> {
        await options.mustBeSet(ctx);
        const balance = await read(ctx, account);
        if (balance === undefined) {
            throw new Error(`the account ${account} does not exist`);
        }
        return balance;
    }

    /** Returns the balance of the client's account. */
    @Transaction(false)
    @Returns('number')
    async ClientAccountBalance(ctx: Context): Promise<number> {
        return this.BalanceOf(ctx, ctx.clientIdentity.getID());
    }

    /** Returns the client's account, which payers need. */
    @Transaction(false)
    @Returns('string')
    async ClientAccountID(ctx: Context): Promise<string> {
        await options.mustBeSet(ctx);
        return ctx.clientIdentity.getID();
    }

    /** Returns the number of all tokens. */
    @Transaction(false)
    @Returns('number')
    async TotalSupply(ctx: Context): Promise<number> {
        await options.mustBeSet(ctx);
        return (await read(ctx, TOTAL_SUPPLY)) ?? 0;
    }

    /** Returns the token's name. */
    @Transaction(false)
    @Returns('string')
    async Name(ctx: Context): Promise<string> {
        return options.get(ctx, options.NAME);
    }

    /** Returns the token's symbol. */
    @Transaction(false)
    @Returns('string')
    async Symbol(ctx: Context): Promise<string> {
        return options.get(ctx, options.SYMBOL);
    }

    /** Returns how many digits of a displayed amount are decimals. */
    @Transaction(false)
    @Returns('string')
    async Decimals(ctx: Context): Promise<string> {
        return options.get(ctx, options.DECIMALS);
    }
}

/** Returns the client's account if the client belongs to the central banker. */
async function centralBanker(ctx: Context): Promise<string> {
    await options.mustBeSet(ctx);
    if (ctx.clientIdentity.getMSPID() !== CENTRAL_BANKER) {
        throw new Error('client is not authorized to mint new tokens');
    }
    return ctx.clientIdentity.getID();
}

function allowanceKey(ctx: Context, owner: string, spender: string): string {
    return ctx.stub.createCompositeKey(ALLOWANCE, [owner, spender]);
}

async function moveTokens(ctx: Context, from: string, to: string, value: number): Promise<void> {
    const refused = (why: string) => new Error(`failed to transfer: ${why}`);
    // Both balances would be read before either is written.
    if (from === to) {
        throw refused('cannot transfer to and from same client account');
    }
    // These keys are not accounts.
    if (options.KEYS.includes(to) || to === TOTAL_SUPPLY) {
        throw refused(`${to} is not a client account`);
    }
    if (value < 0) {
        throw refused('transfer amount cannot be negative');
    }
    const balance = await read(ctx, from);
    if (balance === undefined) {
        throw refused(`client account ${from} has no balance`);
    }
    if (balance < value) {
        throw refused(`client account ${from} has insufficient funds`);
    }
    const ofRecipient = (await read(ctx, to)) ?? 0;
    let sums: { left: number; sum: number };
    try {
        sums = { left: sub(balance, value), sum: add(ofRecipient, value) };
    } catch (error) {
        throw refused((error as Error).message);
    }
    await write(ctx, from, sums.left);
    await write(ctx, to, sums.sum);
}

function announce(ctx: Context, event: string, from: string, to: string, value: number): void {
    ctx.stub.setEvent(event, Buffer.from(JSON.stringify({ from, to, value })));
}
