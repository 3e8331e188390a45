// What the collections hold. JSON has the members in the order of these classes.

import { Object as DataType, Property } from 'fabric-contract-api';

/** What both organizations may know of an asset, in `assetCollection`. */
@DataType()
export class Asset {
    /** Tells kinds of documents apart in rich queries. */
    @Property()
    objectType: string = '';

    /** Its key in the collection. */
    @Property()
    assetID: string = '';

    /** Such as `green`. */
    @Property()
    color: string = '';

    /** In a unit that the owners agree on. */
    @Property()
    size: number = 0;

    /** The client that has it: `x509::`, subject, `::`, and issuer of its certificate. */
    @Property()
    owner: string = '';
}

/** What only the owner's organization knows, in its own collection. A buyer writes the same into the collection of its
 * organization. */
@DataType()
export class AssetPrivateDetails {
    /** The asset's id. */
    @Property()
    assetID: string = '';

    /** What it is worth. */
    @Property()
    appraisedValue: number = 0;
}

/** Who agreed to buy an asset. */
@DataType()
export class TransferAgreement {
    /** The asset's id. */
    @Property()
    assetID: string = '';

    /** The buyer, as in `Asset.owner`. */
    @Property()
    buyerID: string = '';
}
