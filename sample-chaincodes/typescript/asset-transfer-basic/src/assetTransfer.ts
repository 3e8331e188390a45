// Fabric's first sample in TypeScript: assets that are created, read, updated, transferred and deleted.
//
// Names, JSON and messages are those of `asset-transfer-basic` in fabric-samples, so its client applications work with
// this chaincode unchanged.

import { Context, Contract, Info, Returns, Transaction } from 'fabric-contract-api';

import { Asset, asset } from './asset';

const FIRST_ASSETS = [
    asset('asset1', 'blue', 5, 'Tomoko', 300),
    asset('asset2', 'red', 5, 'Brad', 400),
    asset('asset3', 'green', 10, 'Jin Soo', 500),
    asset('asset4', 'yellow', 10, 'Max', 600),
    asset('asset5', 'black', 15, 'Adriana', 700),
    asset('asset6', 'white', 15, 'Michel', 800),
];

@Info({ title: 'AssetTransfer', description: 'Assets and their owners' })
export class AssetTransfer extends Contract {
    /** Puts six assets on the ledger. */
    @Transaction()
    async InitLedger(ctx: Context): Promise<void> {
        for (const first of FIRST_ASSETS) {
            await put(ctx, first);
        }
    }

    /** Issues a new asset. */
    @Transaction()
    async CreateAsset(
        ctx: Context,
        id: string,
        color: string,
        size: number,
        owner: string,
        appraisedValue: number,
    ): Promise<void> {
        if (await this.AssetExists(ctx, id)) {
            throw new Error(`the asset ${id} already exists`);
        }
        await put(ctx, asset(id, color, size, owner, appraisedValue));
    }

    /** Returns the asset with this id. */
    @Transaction(false)
    @Returns('Asset')
    async ReadAsset(ctx: Context, id: string): Promise<Asset> {
        const value = await ctx.stub.getState(id);
        if (value.length === 0) {
            throw doesNotExist(id);
        }
        return fromBytes(value);
    }

    /** Replaces all fields of an asset except its id. */
    @Transaction()
    async UpdateAsset(
        ctx: Context,
        id: string,
        color: string,
        size: number,
        owner: string,
        appraisedValue: number,
    ): Promise<void> {
        await mustExist(this, ctx, id);
        await put(ctx, asset(id, color, size, owner, appraisedValue));
    }

    /** Deletes an asset; its history stays on the ledger. */
    @Transaction()
    async DeleteAsset(ctx: Context, id: string): Promise<void> {
        await mustExist(this, ctx, id);
        await ctx.stub.deleteState(id);
    }

    /** Returns true if an asset with this id exists. */
    @Transaction(false)
    @Returns('boolean')
    async AssetExists(ctx: Context, id: string): Promise<boolean> {
        return (await ctx.stub.getState(id)).length > 0;
    }

    /** Transfers an asset to a new owner; returns the old owner. */
    @Transaction()
    @Returns('string')
    async TransferAsset(ctx: Context, id: string, newOwner: string): Promise<string> {
        const found = await this.ReadAsset(ctx, id);
        await put(ctx, { ...found, Owner: newOwner });
        return found.Owner;
    }

    /** Returns all assets, sorted by id. */
    @Transaction(false)
    @Returns('Asset[]')
    async GetAllAssets(ctx: Context): Promise<Asset[]> {
        const assets: Asset[] = [];
        // Two empty bounds select the chaincode's whole namespace.
        for await (const { value } of ctx.stub.getStateByRange('', '')) {
            assets.push(fromBytes(value));
        }
        return assets;
    }
}

async function put(ctx: Context, written: Asset): Promise<void> {
    await ctx.stub.putState(written.ID, Buffer.from(JSON.stringify(written)));
}

function fromBytes(value: Uint8Array): Asset {
    return JSON.parse(Buffer.from(value).toString()) as Asset;
}

async function mustExist(contract: AssetTransfer, ctx: Context, id: string): Promise<void> {
    if (!(await contract.AssetExists(ctx, id))) {
        throw doesNotExist(id);
    }
}

function doesNotExist(id: string): Error {
    return new Error(`the asset ${id} does not exist`);
}
