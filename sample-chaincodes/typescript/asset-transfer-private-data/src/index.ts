import { type Contract } from 'fabric-contract-api';

import { PrivateAssets } from './privateAssets';

export const contracts: (typeof Contract)[] = [PrivateAssets];
