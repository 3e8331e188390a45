// Assets in private data collections: both organizations know an asset, but only its owner's organization knows its
// value. A buyer proves that it agrees to a value without revealing it.
//
// Names, JSON and messages are those of `asset-transfer-private-data` in fabric-samples; `collections_config.json`
// contains its collections. Private values arrive as transient data and are stored in collections. The transaction
// contains only their hashes.

import { Context, Contract, Info, Returns, Transaction } from 'fabric-contract-api';

import { Asset, AssetPrivateDetails, TransferAgreement } from './asset';
import { collectionOf, mustBeOfThisPeer, ownCollection } from './client';
import { fromBytes, inputOf, messageOf, nonEmpty, positive, transient } from './input';

/** The collection of all organizations. */
const ASSETS = 'assetCollection';
/** The object type of agreement keys. */
const AGREEMENT = 'transferAgreement';

@Info({ title: 'PrivateAssets', description: 'Assets in private data collections' })
export class PrivateAssets extends Contract {
    /** Creates an asset of the client. Transient data: `asset_properties`. */
    @Transaction()
    async CreateAsset(ctx: Context): Promise<void> {
        const input = inputOf(transient(ctx, 'asset_properties', 'asset not found in the transient map input'));
        const asset: Asset = {
            objectType: nonEmpty(input, 'objectType'),
            assetID: nonEmpty(input, 'assetID'),
            color: nonEmpty(input, 'color'),
            size: positive(input, 'size'),
            owner: ctx.clientIdentity.getID(),
        };
        const { assetID } = asset;
        const details: AssetPrivateDetails = { assetID, appraisedValue: positive(input, 'appraisedValue') };
        if (await read(ctx, ASSETS, assetID, 'failed to get asset')) {
            throw new Error(`this asset already exists: ${assetID}`);
        }
        mustBeOfThisPeer(ctx, 'CreateAsset');
        await put(ctx, ASSETS, assetID, asset);
        await put(ctx, ownCollection(ctx), assetID, details);
    }

    /** Records a buyer's agreement to the value of an asset. Transient data: `asset_value`. */
    @Transaction()
    async AgreeToTransfer(ctx: Context): Promise<void> {
        const value = transient(ctx, 'asset_value', 'asset_value key not found in the transient map');
        const input = inputOf(value);
        const id = nonEmpty(input, 'assetID');
        positive(input, 'appraisedValue');
        await existing(ctx, id);
        mustBeOfThisPeer(ctx, 'AgreeToTransfer');
        // The received bytes, unchanged: their hash is compared with the owner's.
        await ctx.stub.putPrivateData(ownCollection(ctx), id, value);
        await ctx.stub.putPrivateData(ASSETS, agreementKey(ctx, id), Buffer.from(ctx.clientIdentity.getID()));
    }

    /** Transfers an asset of the client to the buyer that agreed. Transient data: `asset_owner`. */
    @Transaction()
    async TransferAsset(ctx: Context): Promise<void> {
        const input = inputOf(transient(ctx, 'asset_owner', 'asset owner not found in the transient map'));
        const id = nonEmpty(input, 'assetID');
        const buyerMSP = nonEmpty(input, 'buyerMSP');
        const asset = await existing(ctx, id);
        mustBeOfThisPeer(ctx, 'TransferAsset');
        await verifyAgreement(ctx, asset, buyerMSP);
        const agreement = await this.ReadTransferAgreement(ctx, id);
        if (!agreement) {
            throw new Error(`BuyerID not found in TransferAgreement for ${id}`);
        }
        await put(ctx, ASSETS, id, { ...asset, owner: agreement.buyerID });
        await ctx.stub.deletePrivateData(ownCollection(ctx), id);
        await ctx.stub.deletePrivateData(ASSETS, agreementKey(ctx, id));
    }

    /** Deletes an asset of the client's organization. Transient data: `asset_delete`. */
    @Transaction()
    async DeleteAsset(ctx: Context): Promise<void> {
        const missing = 'asset to delete not found in the transient map';
        const id = nonEmpty(inputOf(transient(ctx, 'asset_delete', missing)), 'assetID');
        mustBeOfThisPeer(ctx, 'DeleteAsset');
        if (!(await read(ctx, ASSETS, id, 'failed to read asset'))) {
            throw new Error(`asset not found: ${id}`);
        }
        const own = ownCollection(ctx);
        if (!(await read(ctx, own, id, "failed to read asset from owner's Collection"))) {
            throw new Error(`asset not found in owner's private Collection ${own}: ${id}`);
        }
        await ctx.stub.deletePrivateData(ASSETS, id);
        await ctx.stub.deletePrivateData(own, id);
    }

    /** Deletes an asset and its history on all peers. Transient data: `asset_purge`. */
    @Transaction()
    async PurgeAsset(ctx: Context): Promise<void> {
        const missing = 'asset to purge not found in the transient map';
        const id = nonEmpty(inputOf(transient(ctx, 'asset_purge', missing)), 'assetID');
        mustBeOfThisPeer(ctx, 'PurgeAsset');
        // Does not check that it exists: it may already be deleted.
        await ctx.stub.purgePrivateData(ASSETS, id);
        await ctx.stub.purgePrivateData(ownCollection(ctx), id);
    }

    /** Withdraws the client's agreement. Transient data: `agreement_delete`. The misspelling is the sample's. */
    @Transaction()
    async DeleteTranferAgreement(ctx: Context): Promise<void> {
        const input = inputOf(transient(ctx, 'agreement_delete', 'asset to delete not found in the transient map'));
        const id = nonEmpty(input, 'assetID', 'transient input ID');
        mustBeOfThisPeer(ctx, 'DeleteTranferAgreement');
        const key = agreementKey(ctx, id);
        if (!(await read(ctx, ASSETS, key, 'failed to read transfer_agreement'))) {
            throw new Error(`asset's transfer_agreement does not exist: ${id}`);
        }
        await ctx.stub.deletePrivateData(ownCollection(ctx), id);
        await ctx.stub.deletePrivateData(ASSETS, key);
    }

    /** Returns the asset with this id, or nothing. */
    @Transaction(false)
    @Returns('Asset')
    async ReadAsset(ctx: Context, assetID: string): Promise<Asset | undefined> {
        const value = await read(ctx, ASSETS, assetID, 'failed to read asset');
        return value && (fromBytes(value) as Asset);
    }

    /** Returns the value in an organization's collection. Only for clients of that organization. */
    @Transaction(false)
    @Returns('AssetPrivateDetails')
    async ReadAssetPrivateDetails(
        ctx: Context,
        collection: string,
        assetID: string,
    ): Promise<AssetPrivateDetails | undefined> {
        const value = await read(ctx, collection, assetID, 'failed to read asset details');
        return value && (fromBytes(value) as AssetPrivateDetails);
    }

    /** Returns the agreement to buy an asset, or nothing. */
    @Transaction(false)
    @Returns('TransferAgreement')
    async ReadTransferAgreement(ctx: Context, assetID: string): Promise<TransferAgreement | undefined> {
        const key = agreementKey(ctx, assetID);
        const buyer = await read(ctx, ASSETS, key, 'failed to read TransferAgreement');
        return buyer && { assetID, buyerID: Buffer.from(buyer).toString() };
    }

    /** Returns the assets with ids from `startKey` (included) to `endKey` (excluded). */
    @Transaction(false)
    @Returns('Asset[]')
    async GetAssetByRange(ctx: Context, startKey: string, endKey: string): Promise<Asset[]> {
        return assetsOf(ctx.stub.getPrivateDataByRange(ASSETS, startKey, endKey));
    }

    /** Returns the assets of one type and owner. Needs a state database with rich queries. */
    @Transaction(false)
    @Returns('Asset[]')
    async QueryAssetByOwner(ctx: Context, assetType: string, owner: string): Promise<Asset[]> {
        const query = { selector: { objectType: assetType, owner } };
        return this.QueryAssets(ctx, JSON.stringify(query));
    }

    /** Returns the assets that match a CouchDB query. Needs a state database with rich queries. */
    @Transaction(false)
    @Returns('Asset[]')
    async QueryAssets(ctx: Context, queryString: string): Promise<Asset[]> {
        return assetsOf(ctx.stub.getPrivateDataQueryResult(ASSETS, queryString));
    }
}

/** Returns a value of a collection, or undefined. `failed` begins the error's text if the peer refuses. */
async function read(ctx: Context, collection: string, key: string, failed: string): Promise<Uint8Array | undefined> {
    try {
        const value = await ctx.stub.getPrivateData(collection, key);
        return value.length > 0 ? value : undefined;
    } catch (error) {
        throw new Error(`${failed}: ${messageOf(error)}`);
    }
}

async function put(ctx: Context, collection: string, key: string, value: Asset | AssetPrivateDetails): Promise<void> {
    await ctx.stub.putPrivateData(collection, key, Buffer.from(JSON.stringify(value)));
}

async function existing(ctx: Context, id: string): Promise<Asset> {
    const value = await read(ctx, ASSETS, id, 'error reading asset: failed to read asset');
    if (!value) {
        throw new Error(`${id} does not exist`);
    }
    return fromBytes(value) as Asset;
}

async function assetsOf(rows: AsyncIterable<{ value: Uint8Array }>): Promise<Asset[]> {
    const assets: Asset[] = [];
    for await (const { value } of rows) {
        assets.push(fromBytes(value) as Asset);
    }
    return assets;
}

function agreementKey(ctx: Context, id: string): string {
    return ctx.stub.createCompositeKey(AGREEMENT, [id]);
}

/**
 * Fails unless the client owns the asset, and the buyer's organization agreed to its value: both collections have a
 * value with the same hash, which every peer has.
 */
async function verifyAgreement(ctx: Context, asset: Asset, buyerMSP: string): Promise<void> {
    const failed = (why: string) => new Error(`failed transfer verification: ${why}`);
    if (ctx.clientIdentity.getID() !== asset.owner) {
        throw failed('error: submitting client identity does not own asset');
    }
    const hashIn = async (collection: string, advice: string) => {
        const hash = await ctx.stub.getPrivateDataHash(collection, asset.assetID);
        if (hash.length === 0) {
            const what = `hash of appraised value for ${asset.assetID}`;
            throw failed(`${what} does not exist in collection ${collection}${advice}`);
        }
        return Buffer.from(hash).toString('hex');
    };
    const owners = await hashIn(ownCollection(ctx), '');
    const advice = '. AgreeToTransfer must be called by the buyer first';
    const buyers = await hashIn(collectionOf(buyerMSP), advice);
    if (owners !== buyers) {
        throw failed(`hash for appraised value for owner ${owners} does not value for seller ${buyers}`);
    }
}
