//! Looks up the collections of a chaincode in the state (fabric
//! `core/chaincode/lifecycle/deployedcc_infoprovider.go`,
//! `core/scc/lscc/deployedcc_infoprovider.go`).
//!
//! Reads exactly the keys that Fabric reads, because a simulator records them.

use prost::Message;

use crate::collections::collection::Collection;
use crate::definition::{Fields, ReadError, implicit_org};
use wasmcc_types::proto::protos::collection_config::Payload;
use wasmcc_types::proto::protos::{CollectionConfigPackage, StaticCollectionConfig};
use wasmcc_types::{LIFECYCLE, LSCC};

/// Returns the value of a key of a namespace, at one height.
pub(crate) type ReadKey<'a, E> = dyn FnMut(&str, &str) -> Result<Option<Vec<u8>>, E> + 'a;

/// The key in LSCC's namespace with a chaincode's collections.
pub fn lscc_key(chaincode: &str) -> String {
    format!("{chaincode}~collection")
}

/// Returns the chaincode of such a key; None for another key.
pub fn name_in_lscc_key(key: &str) -> Option<&str> {
    key.strip_suffix("~collection")
}

/// The collections in the definition of one namespace.
#[derive(Clone, Debug, PartialEq)]
pub struct DefinedCollections {
    namespace: String,
    /// None if LSCC's definition has no collections, or there is no definition.
    package: Option<CollectionConfigPackage>,
    /// True if organizations have implicit collections.
    implicit: bool,
}

/// Why a look-up failed.
#[derive(Debug, thiserror::Error)]
pub enum LookupError<E: std::error::Error + 'static> {
    /// The state cannot be read.
    #[error(transparent)]
    State(E),
    /// The state has a form that no peer writes.
    #[error("the definition of chaincode {namespace} is damaged: {reason}")]
    Damaged {
        /// The chaincode.
        namespace: String,
        /// Describes the damage.
        reason: String,
    },
}

/// The collection does not exist. The texts are those of Fabric's ledger
/// (`core/ledger/ledger_interface.go`).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotDefined {
    /// The chaincode has no collections.
    #[error(
        "collection config not defined for chaincode [{0}], pass the collection configuration upon \
         chaincode definition/instantiation"
    )]
    Config(String),
    /// The chaincode has other collections.
    #[error(
        "collection [{collection}] not defined in the collection config for chaincode [{namespace}]"
    )]
    Collection {
        /// The chaincode.
        namespace: String,
        /// The collection.
        collection: String,
    },
}

impl DefinedCollections {
    /// Looks up the collections of the chaincode `namespace`.
    pub fn look_up<E: std::error::Error>(
        namespace: &str,
        read: &mut ReadKey<'_, E>,
    ) -> Result<Self, LookupError<E>> {
        let (package, implicit) = match namespace {
            LIFECYCLE => (None, true),
            _ => match Self::of_lifecycle(namespace, read)? {
                Some(package) => (Some(package), true),
                None => (Self::of_lscc(namespace, read)?, false),
            },
        };
        Ok(Self { namespace: namespace.to_owned(), package, implicit })
    }

    fn of_lifecycle<E: std::error::Error>(
        namespace: &str,
        read: &mut ReadKey<'_, E>,
    ) -> Result<Option<CollectionConfigPackage>, LookupError<E>> {
        let mut state = |key: &str| read(LIFECYCLE, key);
        let found = Fields::of_chaincode(namespace, &mut state);
        let package = found.and_then(|fields| fields.map(Fields::collections_of_whole).transpose());
        package.map_err(|error| match error {
            ReadError::State { error, .. } => LookupError::State(error),
            ReadError::Damaged(reason) => {
                LookupError::Damaged { namespace: namespace.into(), reason }
            }
        })
    }

    fn of_lscc<E: std::error::Error>(
        namespace: &str,
        read: &mut ReadKey<'_, E>,
    ) -> Result<Option<CollectionConfigPackage>, LookupError<E>> {
        let Some(stored) = read(LSCC, &lscc_key(namespace)).map_err(LookupError::State)? else {
            return Ok(None);
        };
        let package = CollectionConfigPackage::decode(stored.as_slice());
        package.map(Some).map_err(|e| LookupError::Damaged {
            namespace: namespace.into(),
            reason: format!("collections: {e}"),
        })
    }

    /// Returns the collection of this name, implicit ones included. As Fabric's `CollectionInfo`,
    /// does not check that the organization of an implicit collection is on the channel.
    pub fn get(&self, name: &str) -> Option<StaticCollectionConfig> {
        if let Some(msp_id) = implicit_org(name).filter(|_| self.implicit) {
            return Some(Collection::implicit(msp_id));
        }
        self.explicit().find(|config| config.name == name).cloned()
    }

    /// Returns the collection package of the definition, unchanged.
    pub(crate) fn package(&self) -> Option<&CollectionConfigPackage> {
        self.package.as_ref()
    }

    /// The collections in the definition.
    pub fn explicit(&self) -> impl Iterator<Item = &StaticCollectionConfig> {
        let configs = self.package.iter().flat_map(|package| &package.config);
        let payloads = configs.filter_map(|config| config.payload.as_ref());
        payloads.map(|Payload::StaticCollectionConfig(config)| config)
    }

    /// Checks that a collection of this name exists; `msp_ids` are the organizations of the
    /// channel's application group (fabric `txmgr/collection_val.go`, `validateCollName`).
    pub fn check_name<'a>(
        &self,
        name: &str,
        mut msp_ids: impl Iterator<Item = &'a str>,
    ) -> Result<(), NotDefined> {
        if self.package.is_none() && !self.implicit {
            return Err(NotDefined::Config(self.namespace.clone()));
        }
        let is_implicit = self.implicit
            && implicit_org(name).is_some_and(|wanted| msp_ids.any(|msp_id| msp_id == wanted));
        if is_implicit || self.explicit().any(|config| config.name == name) {
            return Ok(());
        }
        let namespace = self.namespace.clone();
        Err(NotDefined::Collection { namespace, collection: name.to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::definition::metadata_prefix;
    use wasmcc_types::proto::lifecycle::StateMetadata;

    const KEY: &str = "namespaces/fields/cc/Collections";

    fn look_up(
        collections: Result<Vec<u8>, std::io::Error>,
    ) -> Result<DefinedCollections, LookupError<std::io::Error>> {
        let datatype = "ChaincodeDefinition".to_owned();
        let metadata = StateMetadata { datatype, fields: vec![] }.encode_to_vec();
        let (mut collections, defines) = (Some(collections), metadata_prefix("namespaces"));
        DefinedCollections::look_up("cc", &mut |namespace, key| match (namespace, key) {
            (LIFECYCLE, KEY) => collections.take().transpose(),
            (LIFECYCLE, key) if key.starts_with(&defines) => Ok(Some(metadata.clone())),
            _ => Ok(None),
        })
    }

    #[test]
    fn a_damaged_definition_names_chaincode_and_key() {
        let error = look_up(Ok(vec![0xff])).unwrap_err().to_string();
        let text = format!(
            "the definition of chaincode cc is damaged: could not unmarshal state for key {KEY}: "
        );
        assert!(error.starts_with(&text), "{error}");
        assert!(look_up(Ok(Vec::new())).unwrap().get("_implicit_org_A").is_some());
    }

    #[test]
    fn a_state_that_cannot_be_read_is_told_as_it_is() {
        let error = look_up(Err(std::io::Error::other("the disk is gone"))).unwrap_err();
        assert!(matches!(error, LookupError::State(_)));
        assert_eq!(error.to_string(), "the disk is gone");
    }
}
