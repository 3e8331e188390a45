import { Object as DataType, Property } from 'fabric-contract-api';

/** An asset in its form on the ledger: JSON with the members in this order. */
@DataType()
export class Asset {
    /** Its key on the ledger. */
    @Property()
    ID: string = '';

    /** For example `blue`. */
    @Property()
    Color: string = '';

    /** The organization that may transfer and delete it. */
    @Property()
    Owner: string = '';

    /** Its estimated value. */
    @Property()
    AppraisedValue: number = 0;
}
