import { type Contract } from 'fabric-contract-api';

import { TokenERC20 } from './tokenERC20';

export const contracts: (typeof Contract)[] = [TokenERC20];
