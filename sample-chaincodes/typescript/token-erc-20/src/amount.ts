// Amounts of tokens: their form on the ledger, and sums without overflow.
//
// An amount on the ledger is a decimal number. JavaScript's numbers are exact up to 2^53, which is the limit.

import { Context } from 'fabric-contract-api';

/** Returns the amount under a key; undefined if it does not exist. */
export async function read(ctx: Context, key: string): Promise<number | undefined> {
    const value = await ctx.stub.getState(key);
    if (value.length === 0) {
        return undefined;
    }
    const amount = Number(Buffer.from(value).toString());
    if (!Number.isSafeInteger(amount)) {
        throw new Error(`the value of ${key} is not an amount`);
    }
    return amount;
}

/** Writes an amount under a key. */
export async function write(ctx: Context, key: string, amount: number): Promise<void> {
    await ctx.stub.putState(key, Buffer.from(amount.toString()));
}

/** Checks that an argument is an amount. */
export function whole(amount: number): number {
    if (!Number.isSafeInteger(amount)) {
        throw new Error(`${amount} is not an amount`);
    }
    return amount;
}

/** Returns the sum of two amounts. */
export function add(b: number, q: number): number {
    if (!Number.isSafeInteger(b + q)) {
        throw new Error(`Math: addition overflow occurred ${b} + ${q}`);
    }
    return b + q;
}

/** Returns `b` minus `q`, where `q` is greater than 0. */
export function sub(b: number, q: number): number {
    if (q <= 0) {
        throw new Error(`Error: the subtraction number is ${q}, it should be greater than 0`);
    }
    if (b < q) {
        throw new Error(`Error: the number ${b} is not enough to be subtracted by ${q}`);
    }
    return b - q;
}
