//! The files of a package below META-INF: index definitions of rich queries. Fabric:
//! `internal/ccmetadata/validators.go`, `privacyenabledstate/db.go` (`HandleChaincodeDeploy`).
//!
//! Invariant: a chaincode runs even if one of its definitions is wrong. Wrong definitions are
//! reported when a package is made.

use std::collections::BTreeMap;

use crate::chaincode::package::tar_gz::Files;
use wasmcc_ledger::{IndexDefinition, Ledger, MAX_INDEXES, QueryError};

const COUCHDB: &str = "META-INF/statedb/couchdb/";

/// The reason why the files of a new package are refused.
#[derive(Debug, thiserror::Error)]
pub enum MetaInfError {
    /// There are more index definitions than a chaincode may have.
    #[error("a package may have at most {MAX_INDEXES} indexes, not {0}")]
    TooMany(usize),
    /// A file is outside of the folders of index definitions.
    #[error(
        "metadata file path or name is not supported: {0}; expected is {COUCHDB}indexes/NAME.json \
         or {COUCHDB}collections/NAME/indexes/NAME.json"
    )]
    Path(String),
    /// A file is not an index definition.
    #[error("Index metadata file [{file}]: {error}")]
    Definition {
        /// The file's name in the package.
        file: String,
        /// Describes the error.
        error: QueryError,
    },
}

/// Checks the files of a new package as Fabric's client does.
pub fn check_meta_inf(files: &Files) -> Result<(), MetaInfError> {
    if files.len() > MAX_INDEXES {
        return Err(MetaInfError::TooMany(files.len()));
    }
    for (name, bytes) in files {
        // As Fabric's client: anywhere in a name.
        let is_json = name.contains(".json") && collection_of(name).is_some();
        is_json.then_some(()).ok_or_else(|| MetaInfError::Path(name.clone()))?;
        IndexDefinition::parse(bytes)
            .map_err(|error| MetaInfError::Definition { file: name.clone(), error })?;
    }
    Ok(())
}

/// Creates the indexes of a chaincode on a channel that runs it, and returns when they are built.
/// Indexes of earlier versions stay.
pub fn create_indexes(ledger: &Ledger, chaincode: &str, files: &Files) {
    declare_indexes(ledger, chaincode, files);
    if let Err(error) = ledger.finish_indexes() {
        tracing::error!(channel = %ledger.channel_id(), chaincode, %error, "indexes are not built");
    }
}

/// As [`create_indexes`], but does not wait: the caller lets the ledger build them.
pub fn declare_indexes(ledger: &Ledger, chaincode: &str, files: &Files) {
    let channel = ledger.channel_id();
    let mut definitions = BTreeMap::<&str, Vec<IndexDefinition>>::new();
    // In the order of names, so that all peers use the same one of two definitions of an index. One
    // definition over the limit is enough to be refused below.
    for (file, bytes) in files.iter().take(MAX_INDEXES + 1) {
        let Some(collection) = collection_of(file) else { continue };
        match IndexDefinition::parse(bytes) {
            Ok(definition) => definitions.entry(collection).or_default().push(definition),
            Err(error) => tracing::error!(%channel, chaincode, file, %error, "no index created"),
        }
    }
    for (collection, definitions) in definitions {
        match ledger.declare_indexes(chaincode, collection, &definitions) {
            Ok(0) => {}
            Ok(new) => tracing::info!(%channel, chaincode, collection, new, "created indexes"),
            Err(error) => tracing::error!(%channel, chaincode, %error, "no indexes created"),
        }
    }
}

/// Returns the collection of an index file, empty for public state. None if it is not an index
/// file. As on a Fabric peer, an index may be in its own folder and have any name.
fn collection_of(name: &str) -> Option<&str> {
    let parts: Vec<&str> = name.strip_prefix(COUCHDB)?.split('/').collect();
    let allowed = |c: u8| c.is_ascii_alphanumeric() || c == b'_' || c == b'-';
    let (collection, file) = match parts.as_slice() {
        ["indexes", .., file] => ("", file),
        ["collections", name, "indexes", .., file] if !name.is_empty() => (*name, file),
        _ => return None,
    };
    (!file.is_empty() && collection.bytes().all(allowed)).then_some(collection)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn index_files_are_known_by_their_place() {
        for (name, collection) in [
            ("indexes/a.json", Some("")),
            ("collections/c-1_X/indexes/a.json", Some("c-1_X")),
            ("indexes/a.txt", Some("")),
            ("indexes/b/a.json", Some("")),
            ("collections/c/indexes/b/c/a.json", Some("c")),
            ("indexes/", None),
            ("indexes", None),
            ("collections/c.1/indexes/a.json", None),
            ("collections//indexes/a.json", None),
            ("collections/c/a.json", None),
        ] {
            assert_eq!(collection_of(&format!("{COUCHDB}{name}")), collection, "{name}");
        }
        assert_eq!(collection_of("META-INF/statedb/leveldb/indexes/a.json"), None);
        let file = |text: &str| vec![(format!("{COUCHDB}indexes/a.json"), text.into())];
        assert!(check_meta_inf(&file(r#"{"index": {"fields": ["a"]}}"#)).is_ok());
        let many: Vec<_> =
            (0..65).map(|n| (format!("{COUCHDB}indexes/{n}.json"), "{}".into())).collect();
        let refused = check_meta_inf(&many).unwrap_err().to_string();
        assert_eq!(refused, "a package may have at most 64 indexes, not 65");
        let text = vec![(format!("{COUCHDB}indexes/a.txt"), "{}".into())];
        let refused = check_meta_inf(&text).unwrap_err().to_string();
        assert!(refused.starts_with("metadata file path or name is not supported"), "{refused}");
        let refused = check_meta_inf(&file("{}")).unwrap_err().to_string();
        assert!(refused.contains("indexes/a.json]: not an index definition"), "{refused}");
    }
}
