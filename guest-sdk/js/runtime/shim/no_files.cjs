// For code of Fabric's shim that reads certificates of a connection, which a component does not have.
module.exports = {};
