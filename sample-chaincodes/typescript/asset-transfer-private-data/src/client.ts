// The calling client and its rights at this peer.

import { Context } from 'fabric-contract-api';

/** Returns the collection that only the client's organization may read. */
export function ownCollection(ctx: Context): string {
    return collectionOf(ctx.clientIdentity.getMSPID());
}

/** Returns the collection that only this organization may read. */
export function collectionOf(mspId: string): string {
    return `${mspId}PrivateCollection`;
}

/**
 * Refuses clients of other organizations than this peer's: they must not make it write into a collection that they
 * cannot read. `name` is the function in the error.
 */
export function mustBeOfThisPeer(ctx: Context, name: string): void {
    const [client, peer] = [ctx.clientIdentity.getMSPID(), ctx.stub.getMspID()];
    if (client !== peer) {
        throw new Error(
            `${name} cannot be performed: Error client from org ${client} is not authorized to read or write private ` +
                `data from an org ${peer} peer`,
        );
    }
}
