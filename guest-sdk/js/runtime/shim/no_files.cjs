// Replaces files for code of Fabric's shim that reads a connection's certificates, which a component does not have.
module.exports = {};
