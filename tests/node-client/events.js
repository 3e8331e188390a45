// Does what an application of the sample `asset-transfer-events` does: it listens, creates an asset, updates, transfers
// and deletes it, and replays the events from the first of these blocks. Prints the results as one JSON object; the
// Rust test checks it.
//
// node events.js HOST:PORT ORGANIZATIONS CHAINCODE

const { connectAsUser1 } = require('./connect.js');

const ASSET = 'asset1';

// Returns name and asset of each event, until the asset is deleted.
async function untilDeleted(events) {
    const seen = [];
    for await (const event of events) {
        const asset = JSON.parse(Buffer.from(event.payload).toString());
        seen.push({ name: event.eventName, owner: asset.Owner, value: asset.AppraisedValue });
        if (event.eventName === 'DeleteAsset') {
            break;
        }
    }
    events.close();
    return seen;
}

async function main([address, organizations, name]) {
    const { gateway, client } = connectAsUser1(address, organizations);
    const network = gateway.getNetwork('mychannel');
    const contract = network.getContract(name);
    const result = {};

    const listening = untilDeleted(await network.getChaincodeEvents(name));
    const created = await contract.submitAsync('CreateAsset', {
        arguments: [ASSET, 'blue', '10', 'Sam', '100'],
    });
    const status = await created.getStatus();
    result.created = status.successful;
    await contract.submitTransaction('UpdateAsset', ASSET, 'blue', '10', 'Sam', '200');
    const oldOwner = await contract.submitTransaction('TransferAsset', ASSET, 'Mary');
    result.oldOwner = Buffer.from(oldOwner).toString();
    await contract.submitTransaction('DeleteAsset', ASSET);
    result.heard = await listening;
    const startBlock = status.blockNumber;
    result.replayed = await untilDeleted(await network.getChaincodeEvents(name, { startBlock }));
    try {
        await contract.submitTransaction('DeleteAsset', ASSET);
    } catch (error) {
        result.refused = error.details[0].message;
    }
    gateway.close();
    client.close();
    console.log(JSON.stringify(result));
}

main(process.argv.slice(2)).catch((error) => {
    console.error(error);
    process.exit(1);
});
