// Assets: create, read, transfer and delete them.
//
// All endorsers must write the same bytes: write the members of an object in a fixed order.

import { Context, Contract, Info, Returns, Transaction } from 'fabric-contract-api';

import { Asset } from './asset';

@Info({ title: 'AssetTransfer', description: 'Assets of organizations' })
export class AssetTransfer extends Contract {
    /** Issues a new asset, which belongs to the caller's organization. */
    @Transaction()
    @Returns('Asset')
    async CreateAsset(ctx: Context, id: string, color: string, appraisedValue: number): Promise<Asset> {
        if ((await ctx.stub.getState(id)).length > 0) {
            throw new Error(`the asset ${id} already exists`);
        }
        const owner = ctx.clientIdentity.getMSPID();
        const asset: Asset = { ID: id, Color: color, Owner: owner, AppraisedValue: appraisedValue };
        await this.put(ctx, asset);
        ctx.stub.setEvent('CreateAsset', Buffer.from(id));
        return asset;
    }

    /** Returns the asset with this id. */
    @Transaction(false)
    @Returns('Asset')
    async ReadAsset(ctx: Context, id: string): Promise<Asset> {
        const value = await ctx.stub.getState(id);
        if (value.length === 0) {
            throw new Error(`the asset ${id} does not exist`);
        }
        return JSON.parse(value.toString()) as Asset;
    }

    /** Transfers an asset of the caller's organization to another one; returns the old owner. */
    @Transaction()
    @Returns('string')
    async TransferAsset(ctx: Context, id: string, newOwner: string): Promise<string> {
        const asset = await this.ownAsset(ctx, id);
        const oldOwner = asset.Owner;
        asset.Owner = newOwner;
        await this.put(ctx, asset);
        return oldOwner;
    }

    /** Deletes an asset of the caller's organization; its history stays on the ledger. */
    @Transaction()
    async DeleteAsset(ctx: Context, id: string): Promise<void> {
        await this.ownAsset(ctx, id);
        await ctx.stub.deleteState(id);
    }

    /** Returns all assets, sorted by id. */
    @Transaction(false)
    @Returns('Asset[]')
    async GetAllAssets(ctx: Context): Promise<Asset[]> {
        const assets: Asset[] = [];
        // Two empty bounds mean the whole namespace of this chaincode.
        for await (const { value } of ctx.stub.getStateByRange('', '')) {
            assets.push(JSON.parse(Buffer.from(value).toString()) as Asset);
        }
        return assets;
    }

    private async ownAsset(ctx: Context, id: string): Promise<Asset> {
        const asset = await this.ReadAsset(ctx, id);
        if (asset.Owner !== ctx.clientIdentity.getMSPID()) {
            throw new Error(`the asset ${id} belongs to ${asset.Owner}`);
        }
        return asset;
    }

    private async put(ctx: Context, asset: Asset): Promise<void> {
        await ctx.stub.putState(asset.ID, Buffer.from(JSON.stringify(asset)));
    }
}
