//! The collections of a chaincode, looked up in the state (fabric
//! `core/chaincode/lifecycle/deployedcc_infoprovider.go`,
//! `core/scc/lscc/deployedcc_infoprovider.go`).
//!
//! A simulator records what it is asked for, so the keys that are read here are those that Fabric
//! reads, and all of them.

use prost::Message;

use crate::collections::collection::Collection;
use crate::collections::implicit_org;
use crate::proto::lifecycle::state_data::Type as Data;
use crate::proto::lifecycle::{StateData, StateMetadata};
use crate::proto::protos::collection_config::Payload;
use crate::proto::protos::{CollectionConfigPackage, StaticCollectionConfig};
use crate::types::LIFECYCLE;

const LSCC: &str = "lscc";
const CHAINCODE_TYPE: &str = "ChaincodeDefinition";

/// Gives the value of a key of a namespace, at one height.
pub type Read<'a, E> = dyn FnMut(&str, &str) -> Result<Option<Vec<u8>>, E> + 'a;

/// The key in LSCC's namespace under which a chaincode's collections are kept.
pub fn lscc_key(chaincode: &str) -> String {
    format!("{chaincode}~collection")
}

/// What the definition of one namespace says of collections.
#[derive(Clone, Debug, PartialEq)]
pub struct DefinedCollections {
    namespace: String,
    /// None: defined by LSCC without collections, or not defined.
    package: Option<CollectionConfigPackage>,
    /// Whether organizations have collections of their own here.
    implicit: bool,
}

/// Why a look-up failed.
#[derive(Debug, thiserror::Error)]
pub enum LookupError<E: std::error::Error + 'static> {
    /// The state cannot be read.
    #[error(transparent)]
    State(E),
    /// The state holds what no peer writes.
    #[error("the definition of chaincode {namespace} is damaged: {reason}")]
    Damaged {
        /// The chaincode.
        namespace: String,
        /// What is wrong.
        reason: String,
    },
}

/// There is no such collection; the texts are those of Fabric's ledger
/// (`core/ledger/ledger_interface.go`).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotDefined {
    /// The chaincode has no collections at all.
    #[error(
        "collection config not defined for chaincode [{0}], pass the collection configuration upon \
         chaincode definition/instantiation"
    )]
    Config(String),
    /// The chaincode has others.
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
    /// Looks up what the chaincode `namespace` has.
    pub fn look_up<E: std::error::Error>(
        namespace: &str,
        read: &mut Read<'_, E>,
    ) -> Result<Self, LookupError<E>> {
        let (package, implicit) = match namespace {
            LIFECYCLE => (None, true),
            _ => {
                let key = format!("namespaces/metadata/{namespace}");
                match read(LIFECYCLE, &key).map_err(LookupError::State)? {
                    Some(metadata) => (Self::of_lifecycle(namespace, &metadata, read)?, true),
                    None => (Self::of_lscc(namespace, read)?, false),
                }
            }
        };
        Ok(Self { namespace: namespace.to_owned(), package, implicit })
    }

    fn of_lifecycle<E: std::error::Error>(
        namespace: &str,
        metadata: &[u8],
        read: &mut Read<'_, E>,
    ) -> Result<Option<CollectionConfigPackage>, LookupError<E>> {
        let damaged = |reason: String| LookupError::Damaged { namespace: namespace.into(), reason };
        let metadata =
            StateMetadata::decode(metadata).map_err(|e| damaged(format!("metadata: {e}")))?;
        if metadata.datatype != CHAINCODE_TYPE {
            return Err(damaged(format!("not a chaincode type: {}", metadata.datatype)));
        }
        let mut found = None;
        for field in ["Sequence", "EndorsementInfo", "ValidationInfo", "Collections"] {
            let key = format!("namespaces/fields/{namespace}/{field}");
            found = read(LIFECYCLE, &key).map_err(LookupError::State)?;
        }
        let Some(collections) = found else { return Ok(None) };
        let collections = StateData::decode(collections.as_slice());
        let bytes = match collections.map(|data| data.r#type) {
            Ok(Some(Data::Bytes(bytes))) => bytes,
            Ok(None) => Vec::new(),
            _ => return Err(damaged("field Collections is not of bytes".into())),
        };
        let package = CollectionConfigPackage::decode(bytes.as_slice());
        package.map(Some).map_err(|e| damaged(format!("Collections: {e}")))
    }

    fn of_lscc<E: std::error::Error>(
        namespace: &str,
        read: &mut Read<'_, E>,
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

    /// The collection of this name, implicit ones included. Fabric's `CollectionInfo`: whether the
    /// organization of an implicit one is on the channel is not asked.
    pub fn get(&self, name: &str) -> Option<StaticCollectionConfig> {
        if let Some(msp_id) = implicit_org(name).filter(|_| self.implicit) {
            return Some(Collection::implicit(msp_id));
        }
        self.explicit().find(|config| config.name == name).cloned()
    }

    /// The collections that the definition names.
    pub fn explicit(&self) -> impl Iterator<Item = &StaticCollectionConfig> {
        let configs = self.package.iter().flat_map(|package| &package.config);
        let payloads = configs.filter_map(|config| config.payload.as_ref());
        payloads.map(|Payload::StaticCollectionConfig(config)| config)
    }

    /// Whether there is a collection of this name; `msp_ids` are the organizations of the channel's
    /// application group (fabric `txmgr/collection_val.go`, `validateCollName`).
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
