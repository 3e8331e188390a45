import { Object as DataType, Property } from 'fabric-contract-api';

@DataType()
export class Offer {
    @Property()
    id: string = '';

    @Property('amount', 'number')
    amount: number = 0;

    @Property('open', 'boolean')
    open: boolean = true;

    @Property('tags', 'string[]')
    tags?: string[];
}
