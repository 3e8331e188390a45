// Validates metadata of contracts, a JSON document on standard input, against Fabric's schema, as fabric-shim does when
// a chaincode starts. Prints the errors; nothing if it is valid.
'use strict';

const fs = require('fs');
const path = require('path');
const Ajv = require('ajv');

const api = path.dirname(require.resolve('fabric-contract-api/package.json'));
const schema = JSON.parse(fs.readFileSync(path.join(api, 'schema/contract-schema.json'), 'utf8'));
const metadata = JSON.parse(fs.readFileSync(0, 'utf8'));

const ajv = new Ajv({ schemaId: 'id', allErrors: true, logger: false });
ajv.addMetaSchema(require('ajv/lib/refs/json-schema-draft-04.json'));
if (!ajv.validate(schema, metadata)) {
    console.log(ajv.errorsText(ajv.errors, { separator: '\n' }));
}

// The schemas of types are schemas themselves, of which fabric-shim makes validators. It does not know number formats
// of other languages, such as Go's int64.
const types = Object.values((metadata.components || {}).schemas || {});
const validators = new Ajv({ allErrors: true, unknownFormats: 'ignore', logger: false });
try {
    validators.addSchema(types);
    types.forEach((type) => validators.getSchema(type.$id));
} catch (error) {
    console.log(`schemas of types: ${error.message}`);
}
