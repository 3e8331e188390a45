// An application like those of Fabric's samples. Prints its results as one JSON object; the Rust test checks it.
//
// node application.js HOST:PORT ORGANIZATIONS CHAINCODE

const { connectAsUser1 } = require('./connect.js');

async function main([address, organizations, name]) {
    const { gateway, client } = connectAsUser1(address, organizations);
    const contract = gateway.getNetwork('mychannel').getContract(name);
    const text = (bytes) => Buffer.from(bytes).toString();
    const result = {};

    await contract.submitTransaction('InitLedger');
    await contract.submitTransaction('TransferAsset', 'asset1', 'Saptha');
    const asset = JSON.parse(text(await contract.evaluateTransaction('ReadAsset', 'asset1')));
    result.owner = asset.Owner;

    // Both read the same version of the asset: the second one to be ordered is not valid.
    const endorse = (owner) =>
        contract.newProposal('TransferAsset', { arguments: ['asset2', owner] }).endorse();
    const [first, second] = [await endorse('one'), await endorse('two')];
    result.codes = [];
    for (const transaction of [first, second]) {
        const submitted = await transaction.submit();
        result.codes.push((await submitted.getStatus()).code);
    }
    result.writer = first.getTransactionId();
    gateway.close();
    client.close();
    console.log(JSON.stringify(result));
}

main(process.argv.slice(2)).catch((error) => {
    console.error(error);
    process.exit(1);
});
