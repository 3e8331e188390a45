import * as crypto from 'crypto';
import { Context, Contract, Info, Param, Returns, Transaction } from 'fabric-contract-api';

import { Offer } from './offer';

// The context of every function of this contract.
class OfferContext extends Context {
    read = 0;

    async offer(id: string): Promise<Offer> {
        const bytes = await this.stub.getState(id);
        if (bytes.length === 0) {
            throw new Error(`there is no offer ${id}`);
        }
        this.read += 1;
        return JSON.parse(bytes.toString()) as Offer;
    }
}

enum Step {
    Before = 'before',
    After = 'after',
}

@Info({ title: 'Offers', description: 'Offers of a market' })
export class Offers extends Contract {
    #steps: string[] = [];

    constructor() {
        super('Offers');
    }

    createContext(): OfferContext {
        return new OfferContext();
    }

    async beforeTransaction(ctx: OfferContext): Promise<void> {
        this.#steps.push(`${Step.Before} ${ctx.stub.getFunctionAndParameters().fcn}`);
    }

    async afterTransaction(ctx: OfferContext, result: unknown): Promise<void> {
        this.#steps.push(`${Step.After} ${typeof result} ${ctx.read}`);
        ctx.stub.setEvent('steps', Buffer.from(this.#steps.join()));
    }

    async unknownTransaction(ctx: OfferContext): Promise<void> {
        throw new Error(`nobody knows ${ctx.stub.getFunctionAndParameters().fcn}`);
    }

    @Transaction()
    @Param('offer', 'Offer', 'what is offered')
    async Make(ctx: OfferContext, offer: Offer, copies: number, loud: boolean): Promise<void> {
        if (!(offer instanceof Offer)) {
            throw new Error('the offer is no Offer');
        }
        for (const copy of Array(copies).keys()) {
            const id = copies === 1 ? offer.id : `${offer.id}${copy}`;
            await ctx.stub.putState(id, Buffer.from(JSON.stringify({ ...offer, id })));
        }
        if (loud) {
            console.warn('%d offers of %s', copies, offer.id);
        }
    }

    @Transaction(false)
    @Returns('Offer')
    async Find(ctx: OfferContext, id: string): Promise<Offer> {
        return ctx.offer(id);
    }

    @Transaction(false)
    @Returns('number')
    async Sum(ctx: OfferContext, from: string, to: string): Promise<number> {
        let sum = 0;
        for await (const { value } of ctx.stub.getStateByRange(from, to)) {
            sum += (JSON.parse(value.toString()) as Offer).amount;
        }
        return sum;
    }

    @Transaction(false)
    async Random(): Promise<string> {
        return JSON.stringify([Math.random(), Math.random(), Date.now(), new Date().toISOString()]);
    }

    @Transaction(false)
    async Draw(ctx: OfferContext, source: string): Promise<string> {
        const sources: Record<string, () => unknown> = {
            'Math.random': Math.random,
            'crypto.randomBytes': () => crypto.randomBytes(8),
            'crypto.randomUUID': crypto.randomUUID,
        };
        return String(sources[source]());
    }
}
