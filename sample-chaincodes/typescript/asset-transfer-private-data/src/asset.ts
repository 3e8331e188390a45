// Data in the collections. JSON has the members in the order of these classes.

import { Object as DataType, Property } from 'fabric-contract-api';

/** The part of an asset that both organizations may read, in `assetCollection`. */
@DataType()
export class Asset {
    /** The kind of document, for rich queries. */
    @Property()
    objectType: string = '';

    /** Its key in the collection. */
    @Property()
    assetID: string = '';

    /** For example `green`. */
    @Property()
    color: string = '';

    /** In a unit that the owners agree on. */
    @Property()
    size: number = 0;

    /** The client that owns it: `x509::`, subject, `::`, and issuer of its certificate. */
    @Property()
    owner: string = '';
}

/** The part of an asset that only the owner's organization may read, in its own collection. A buyer writes the same
 * into the collection of its organization. */
@DataType()
export class AssetPrivateDetails {
    /** The asset's id. */
    @Property()
    assetID: string = '';

    /** Its value. */
    @Property()
    appraisedValue: number = 0;
}

/** A buyer's agreement to buy an asset. */
@DataType()
export class TransferAgreement {
    /** The asset's id. */
    @Property()
    assetID: string = '';

    /** The buyer, as in `Asset.owner`. */
    @Property()
    buyerID: string = '';
}
