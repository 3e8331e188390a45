import { Object as DataType, Property } from 'fabric-contract-api';

/**
 * An asset. It lies under its own id, as JSON with the members in this order: alphabetical, as every language of the
 * samples writes it.
 */
@DataType()
export class Asset {
    /** What it is thought to be worth. */
    @Property()
    AppraisedValue: number = 0;

    /** Such as `blue`. */
    @Property()
    Color: string = '';

    /** Its key on the ledger. */
    @Property()
    ID: string = '';

    /** Who has it. */
    @Property()
    Owner: string = '';

    /** In a unit that the owners agree on. */
    @Property()
    Size: number = 0;
}

/** An asset with its members in the order in which they are written. */
export function asset(id: string, color: string, size: number, owner: string, appraisedValue: number): Asset {
    return { AppraisedValue: appraisedValue, Color: color, ID: id, Owner: owner, Size: size };
}
