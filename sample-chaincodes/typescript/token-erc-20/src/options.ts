// The options of the token. Until they are set, the contract refuses all other calls.

import { Context } from 'fabric-contract-api';

export const NAME = 'name';
export const SYMBOL = 'symbol';
export const DECIMALS = 'decimals';
/** The keys of all options. */
export const KEYS = [NAME, SYMBOL, DECIMALS];

/** Sets the options, once. */
export async function set(ctx: Context, name: string, symbol: string, decimals: string): Promise<void> {
    if ((await ctx.stub.getState(NAME)).length > 0) {
        throw new Error('contract options are already set, client is not authorized to change them');
    }
    await ctx.stub.putState(NAME, Buffer.from(name));
    await ctx.stub.putState(SYMBOL, Buffer.from(symbol));
    await ctx.stub.putState(DECIMALS, Buffer.from(decimals));
}

/** Refuses the call until the options are set. */
export async function mustBeSet(ctx: Context): Promise<void> {
    if ((await ctx.stub.getState(NAME)).length === 0) {
        throw new Error(
            'Contract options need to be set before calling any function, call Initialize() to initialize contract',
        );
    }
}

/** Returns one of the options. */
export async function get(ctx: Context, key: string): Promise<string> {
    await mustBeSet(ctx);
    return Buffer.from(await ctx.stub.getState(key)).toString();
}
