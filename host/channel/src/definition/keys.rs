//! The keys of definitions, approvals and package choices.

/// Prefix of definitions in the public state, and of approvals in the organizations' collections.
pub const NAMESPACES: &str = "namespaces";
/// Prefix of package choices in an organization's collection.
pub const CHAINCODE_SOURCES: &str = "chaincode-sources";

pub(crate) const SEQUENCE: &str = "Sequence";
pub(crate) const ENDORSEMENT_INFO: &str = "EndorsementInfo";
pub(crate) const VALIDATION_INFO: &str = "ValidationInfo";
pub(crate) const COLLECTIONS: &str = "Collections";
pub(crate) const PACKAGE_ID: &str = "PackageID";

/// Prefix of the names of implicit collections, one for each organization.
const IMPLICIT_PREFIX: &str = "_implicit_org_";

/// The implicit collection of an organization. It holds the organization's approvals; chaincodes
/// may use it, too.
pub fn implicit_collection(msp_id: &str) -> String {
    format!("{IMPLICIT_PREFIX}{msp_id}")
}

/// Returns the MSP id in the name of an implicit collection; None for another name.
pub fn implicit_org(collection: &str) -> Option<&str> {
    collection.strip_prefix(IMPLICIT_PREFIX)
}

/// The key of a chaincode's sequence. Every transaction of the chaincode reads it.
pub fn sequence_key(name: &str) -> String {
    field_key(NAMESPACES, name, SEQUENCE)
}

/// Returns the chaincode of a sequence's key; None for another key.
pub fn name_in_sequence_key(key: &str) -> Option<&str> {
    let field = key.strip_prefix(NAMESPACES)?.strip_prefix("/fields/")?;
    field.strip_suffix(SEQUENCE)?.strip_suffix('/')
}

/// Returns the chaincode of the key of a definition's collections; None for another key.
pub fn name_in_collections_key(key: &str) -> Option<&str> {
    let field = key.strip_prefix(NAMESPACES)?.strip_prefix("/fields/")?;
    field.strip_suffix(COLLECTIONS)?.strip_suffix('/')
}

/// The key of the package id that an organization chose.
pub fn package_id_key(name: &str) -> String {
    field_key(CHAINCODE_SOURCES, name, PACKAGE_ID)
}

/// The prefix of the keys that hold metadata of structures.
pub fn metadata_prefix(namespace: &str) -> String {
    format!("{namespace}/metadata/")
}

pub(crate) fn metadata_key(namespace: &str, name: &str) -> String {
    format!("{namespace}/metadata/{name}")
}

pub(crate) fn field_key(namespace: &str, name: &str, field: &str) -> String {
    format!("{namespace}/fields/{name}/{field}")
}
