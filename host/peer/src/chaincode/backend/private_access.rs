//! Checks whether a chaincode call may use a collection (fabric `core/chaincode/handler.go`,
//! `getReadWritePermission`, and `txmgr/collection_val.go` behind it).
//!
//! The reads of definitions for these checks are part of the transaction's read set.

use std::collections::HashMap;

use crate::chaincode::backend::access::{AccessControl, CollectionName};
use crate::chaincode::backend::refusal::BackendRefusal;
use crate::chaincode::tx_params::TxParams;
use wasmcc_ledger::Simulator;
use wasmcc_runtime::ErrorKind;
use wasmcc_types::{Entry, Permission};

/// How a call uses a collection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Use {
    /// Its values or metadata are read.
    Read,
    /// It is written.
    Write,
    /// The hash of a value is read, which everyone on the channel may do.
    Hash,
}

/// The permissions that one chaincode call has looked up so far; at most one for each collection of
/// the chaincode.
pub(super) struct PrivateAccess {
    entry: Entry,
    permissions: HashMap<String, Permission>,
}

impl PrivateAccess {
    /// Makes the checks for a call of `entry`.
    pub(super) fn new(entry: Entry) -> Self {
        Self { entry, permissions: HashMap::new() }
    }

    /// Checks that the call may use the collection in this way.
    pub(super) fn check(
        &mut self,
        wanted: Use,
        access: &dyn AccessControl,
        tx: &TxParams,
        namespace: &str,
        collection: &str,
        sim: &mut Simulator,
    ) -> Result<(), BackendRefusal> {
        if self.entry == Entry::Init {
            let text = "private data APIs are not allowed in chaincode Init()";
            return Err(BackendRefusal::new(ErrorKind::NotPermitted, text));
        }
        let name = CollectionName { channel: &tx.channel_id, namespace, collection };
        let mut read = |namespace: &str, key: &str| sim.get_state(namespace, key);
        let permission = match (wanted, self.permissions.get(collection)) {
            (_, Some(permission)) => *permission,
            (Use::Hash, None) => {
                return Ok(access.check_collection(name, &mut read)?);
            }
            (_, None) => {
                let permission = access.collection_permission(name, &tx.proposal, &mut read)?;
                access.check_collection(name, &mut read)?;
                self.permissions.insert(collection.to_owned(), permission);
                permission
            }
        };
        let denied = match wanted {
            Use::Read if !permission.read => "read",
            Use::Write if !permission.write => "write",
            _ => return Ok(()),
        };
        let text = format!(
            "tx creator does not have {denied} access permission on privatedata in \
             chaincodeName:{namespace} collectionName: {collection}"
        );
        Err(BackendRefusal::new(ErrorKind::NotPermitted, text))
    }
}
