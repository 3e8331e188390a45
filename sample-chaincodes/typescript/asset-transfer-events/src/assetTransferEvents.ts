// Assets with an event for each change, in TypeScript.
//
// Names, JSON and messages are those of `asset-transfer-events` in fabric-samples. Transient data with the name
// `asset_properties` is stored in the implicit collection of the client's organization, if its own peer endorses.

import { Context, Contract, Info, Returns, Transaction } from 'fabric-contract-api';

const PROPERTIES = 'asset_properties';

/** An asset in its form on the ledger and in events. Size and value are texts, as the clients send them. */
interface Asset {
    AppraisedValue: string;
    Color: string;
    ID: string;
    Owner: string;
    Size: string;
}

@Info({ title: 'AssetTransferEvents', description: 'Assets, an event for each change' })
export class AssetTransferEvents extends Contract {
    /** Issues a new asset. */
    @Transaction()
    async CreateAsset(
        ctx: Context,
        id: string,
        color: string,
        size: string,
        owner: string,
        appraisedValue: string,
    ): Promise<void> {
        const asset = { AppraisedValue: appraisedValue, Color: color, ID: id, Owner: owner, Size: size };
        await change(ctx, 'CreateAsset', asset);
    }

    /** Transfers an asset to a new owner. */
    @Transaction()
    async TransferAsset(ctx: Context, id: string, newOwner: string): Promise<void> {
        await change(ctx, 'TransferAsset', { ...(await existing(ctx, id)), Owner: newOwner });
    }

    /** Returns the asset, with its private properties if the client may read them. */
    @Transaction(false)
    @Returns('string')
    async ReadAsset(ctx: Context, id: string): Promise<string> {
        const asset = await existing(ctx, id);
        const properties = await privateProperties(ctx, id);
        return JSON.stringify(properties ? { ...asset, [PROPERTIES]: fromBytes(properties) } : asset);
    }

    /** Replaces all fields of an asset except its id. */
    @Transaction()
    async UpdateAsset(
        ctx: Context,
        id: string,
        color: string,
        size: string,
        owner: string,
        appraisedValue: string,
    ): Promise<void> {
        const asset = await existing(ctx, id);
        const values = { AppraisedValue: appraisedValue, Color: color, Owner: owner, Size: size };
        await change(ctx, 'UpdateAsset', { ...asset, ...values });
    }

    /** Deletes an asset; the event has its last state. */
    @Transaction()
    async DeleteAsset(ctx: Context, id: string): Promise<void> {
        const asset = await existing(ctx, id);
        if (await privateProperties(ctx, id)) {
            await ctx.stub.deletePrivateData(collectionOfPeer(ctx), id);
        }
        ctx.stub.setEvent('DeleteAsset', toBytes(asset));
        await ctx.stub.deleteState(id);
    }
}

/** Writes an asset and sets the transaction's only event. */
async function change(ctx: Context, event: string, asset: Asset): Promise<void> {
    const properties = ctx.stub.getTransient().get(PROPERTIES);
    if (properties && isOfThisPeer(ctx)) {
        await ctx.stub.putPrivateData(collectionOfPeer(ctx), asset.ID, properties);
    }
    ctx.stub.setEvent(event, toBytes(asset));
    await ctx.stub.putState(asset.ID, toBytes(asset));
}

async function existing(ctx: Context, id: string): Promise<Asset> {
    const value = await ctx.stub.getState(id);
    if (value.length === 0) {
        throw new Error(`The asset ${id} does not exist`);
    }
    return fromBytes(value) as Asset;
}

/** Returns the private properties at the peer's organization. Only for its own clients. */
async function privateProperties(ctx: Context, id: string): Promise<Uint8Array | undefined> {
    if (!isOfThisPeer(ctx)) {
        return undefined;
    }
    const properties = await ctx.stub.getPrivateData(collectionOfPeer(ctx), id);
    return properties.length > 0 ? properties : undefined;
}

function isOfThisPeer(ctx: Context): boolean {
    return ctx.clientIdentity.getMSPID() === ctx.stub.getMspID();
}

function collectionOfPeer(ctx: Context): string {
    return `_implicit_org_${ctx.stub.getMspID()}`;
}

function toBytes(asset: Asset): Buffer {
    return Buffer.from(JSON.stringify(asset));
}

function fromBytes(value: Uint8Array): unknown {
    return JSON.parse(Buffer.from(value).toString());
}
