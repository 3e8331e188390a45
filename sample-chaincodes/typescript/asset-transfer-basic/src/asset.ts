import { Object as DataType, Property } from 'fabric-contract-api';

/**
 * An asset. It is stored under its own id, as JSON with the members in this order. The order is alphabetical, as in all
 * languages of the samples.
 */
@DataType()
export class Asset {
    /** Its estimated value. */
    @Property()
    AppraisedValue: number = 0;

    /** For example `blue`. */
    @Property()
    Color: string = '';

    /** Its key on the ledger. */
    @Property()
    ID: string = '';

    /** Its owner. */
    @Property()
    Owner: string = '';

    /** In a unit that the owners agree on. */
    @Property()
    Size: number = 0;
}

/** Returns an asset whose JSON has the members in this order. */
export function asset(id: string, color: string, size: number, owner: string, appraisedValue: number): Asset {
    return { AppraisedValue: appraisedValue, Color: color, ID: id, Owner: owner, Size: size };
}
