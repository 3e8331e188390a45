import { type Contract } from 'fabric-contract-api';

import { AssetTransferEvents } from './assetTransferEvents';

export const contracts: (typeof Contract)[] = [AssetTransferEvents];
