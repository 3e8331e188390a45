import { Context, Contract, Transaction } from 'fabric-contract-api';

const loaded = { at: Date.now(), random: Math.random() };
let transactions = 0;

export class Prices extends Contract {
    @Transaction()
    async Secret(ctx: Context, collection: string, key: string): Promise<string> {
        const price = ctx.stub.getTransient().get('price');
        if (!price) {
            throw new Error('there is no price');
        }
        await ctx.stub.putPrivateData(collection, key, price);
        return ctx.clientIdentity.getMSPID();
    }

    // State that is left from earlier transactions and from the build.
    @Transaction(false)
    async Left(): Promise<string> {
        transactions += 1;
        return `${transactions} ${loaded.at} ${loaded.random}`;
    }

    @Transaction(false)
    async Forever(): Promise<void> {
        await new Promise(() => {});
    }

    @Transaction(false)
    async Deep(): Promise<string> {
        return depth(0);
    }

    @Transaction(false)
    async Stack(): Promise<string> {
        try {
            return depth(-3);
        } catch (error) {
            return (error as Error).stack ?? '';
        }
    }
}

function depth(levels: number): string {
    if (levels === -1) {
        throw new RangeError('deep enough');
    }
    return levels < 0 ? depth(levels + 1) : `${depth(levels + 1)}.`;
}
