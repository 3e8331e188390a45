import { type Contract } from 'fabric-contract-api';

import { Offers } from './offers';
import { Prices } from './prices';

export const contracts: (typeof Contract)[] = [Offers, Prices];
