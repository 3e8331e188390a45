import { Object as DataType, Property } from 'fabric-contract-api';

/** An asset, as it is on the ledger: JSON with the members in this order. */
@DataType()
export class Asset {
    /** Its key on the ledger. */
    @Property()
    ID: string = '';

    /** Such as `blue`. */
    @Property()
    Color: string = '';

    /** The organization that may transfer and delete it. */
    @Property()
    Owner: string = '';

    /** What it is thought to be worth. */
    @Property()
    AppraisedValue: number = 0;
}
