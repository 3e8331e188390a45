//! Judges the transactions of a block, as far as signatures and policies go. Fabric:
//! `core/committer/txvalidator/v20/validator.go`.
//!
//! Invariant: nothing is written, and a verdict depends on the block, the state before it and the
//! channel's configuration alone. Races over the state are judged by the ledger.

use std::collections::HashMap;

use crate::committer::definitions::Definitions;
use crate::committer::endorsement_validator::{
    EndorsementValidator, ValidationFailure, ValidationRequest,
};
use crate::committer::error::CommitError;
use crate::committer::invocation::Invocation;
use crate::committer::lanes;
use crate::committer::opened_tx::OpenedTx;
use crate::committer::required_policies::{Protected, required_policies};
use crate::committer::verdict::{Invalid, Trouble};
use crate::ledger::{CommitTx, Snapshot, TxRwSet};
use crate::msp::ChannelConfig;
use crate::proto::protos::TxValidationCode;

/// What judges one block.
pub(super) struct BlockValidator<'a> {
    snapshot: &'a Snapshot,
    config: &'a ChannelConfig,
    definitions: Definitions<'a>,
    endorsements: &'a dyn EndorsementValidator,
}

/// A transaction with its verdict so far.
#[derive(Debug, Default)]
pub(super) struct JudgedTx {
    /// What the ledger gets.
    pub(super) tx: CommitTx,
    /// Why it is not valid, for people.
    pub(super) reason: Option<String>,
}

impl JudgedTx {
    fn invalidate(&mut self, Invalid { code, reason }: Invalid) {
        self.tx.code = code;
        self.tx.rwset = None;
        self.reason = Some(reason);
    }
}

impl<'a> BlockValidator<'a> {
    pub(super) fn new(
        snapshot: &'a Snapshot,
        config: &'a ChannelConfig,
        endorsements: &'a dyn EndorsementValidator,
    ) -> Self {
        let definitions = Definitions::new(snapshot, config);
        Self { snapshot, config, definitions, endorsements }
    }

    /// Judges all entries of a block on up to `lanes` threads. Signatures take most of the time.
    pub(super) fn validate(
        &self,
        entries: &[Vec<u8>],
        lanes: usize,
    ) -> Result<Vec<JudgedTx>, CommitError> {
        let mut judged = lanes::run(entries.len(), lanes, |index| self.judge(&entries[index]))?;
        refuse_changed_policies(&mut judged);
        Ok(judged)
    }

    fn judge(&self, entry: &[u8]) -> Result<JudgedTx, CommitError> {
        let mut judged = JudgedTx::default();
        let outcome = OpenedTx::open(entry).map_err(Trouble::Invalid).and_then(|opened| {
            judged.tx.tx_id = Some(opened.channel_header.tx_id.clone());
            self.validate_tx(&opened)
        });
        match outcome {
            Ok(rwset) => judged.tx.rwset = Some(rwset),
            Err(Trouble::Invalid(invalid)) => judged.invalidate(invalid),
            Err(Trouble::Fatal(error)) => return Err(error),
        }
        Ok(judged)
    }

    /// Fabric: `validateTx`, and `Dispatch` for the endorsements.
    fn validate_tx(&self, opened: &OpenedTx<'_>) -> Result<TxRwSet, Trouble> {
        let response = opened.check(self.config.msps())?;
        let header = &opened.channel_header;
        if header.channel_id != self.config.channel_id().as_str() {
            let reason = format!("the transaction is for channel '{}'", header.channel_id);
            return Err(Invalid::new(TxValidationCode::TargetChainNotFound, reason).into());
        }
        if let Some((_, block)) = self.snapshot.ledger().tx_validation(&header.tx_id)? {
            let reason = format!("the transaction id is in block {block} already");
            return Err(Invalid::new(TxValidationCode::DuplicateTxid, reason).into());
        }
        let invocation = Invocation::read(header, &response)?;
        for namespace in &invocation.namespaces {
            self.validate_endorsements(opened, &invocation, namespace)?;
        }
        Ok(invocation.rwset)
    }

    fn validate_endorsements(
        &self,
        opened: &OpenedTx<'_>,
        invocation: &Invocation,
        namespace: &str,
    ) -> Result<(), Trouble> {
        let definition = self.definitions.get(namespace)?;
        let written = invocation.rwset.namespaces.get(namespace);
        let policies = required_policies(namespace, written, &definition, &self.definitions)?;
        for (policy, protected) in &policies {
            let request = ValidationRequest {
                channel_id: &opened.channel_header.channel_id,
                tx_id: &opened.channel_header.tx_id,
                namespace,
                plugin: &definition.plugin,
                envelope: opened.bytes,
                policy,
            };
            self.endorsements.validate(&request).map_err(|failure| match failure {
                ValidationFailure::Policy(reason) => {
                    let code = TxValidationCode::EndorsementPolicyFailure;
                    Invalid::new(code, reason).about(protected.of(namespace)).into()
                }
                ValidationFailure::Infrastructure(reason) => {
                    let (tx_id, namespace) = (request.tx_id.to_owned(), namespace.to_owned());
                    Trouble::Fatal(CommitError::Endorsements { tx_id, namespace, reason })
                }
            })?;
        }
        Ok(())
    }
}

/// Invalidates what writes a key after an earlier transaction of the block has changed the
/// endorsement policy of that key: which policy it must satisfy was not known when it was endorsed.
/// The earlier one counts if its endorsements are valid, whatever the ledger says about it later.
/// Fabric: `statebased/vpmanagerimpl.go`, `GetValidationParameterForKey`.
fn refuse_changed_policies(judged: &mut [JudgedTx]) {
    let mut changed: HashMap<StateKey, String> = HashMap::new();
    for tx in judged {
        let Some(rwset) = &tx.tx.rwset else { continue };
        let written = (!changed.is_empty())
            .then(|| written_keys(rwset).find_map(|key| changed.get_key_value(&key)))
            .flatten();
        match written {
            None => {
                let tx_id = tx.tx.tx_id.as_deref().unwrap_or_default();
                let keys = keys_with_new_metadata(rwset);
                changed.extend(keys.map(|key| (key, tx_id.to_owned())));
            }
            Some(((namespace, collection, key), earlier)) => {
                let protected = match collection.is_empty() {
                    true => Protected::Key(String::from_utf8_lossy(key).into_owned()),
                    false => Protected::PrivateKey(collection.clone(), key.clone()),
                };
                let reason = format!(
                    "the endorsement policy of {} has been changed by transaction {earlier}, \
                     earlier in this block",
                    protected.of(namespace)
                );
                tx.invalidate(Invalid::new(TxValidationCode::EndorsementPolicyFailure, reason));
            }
        }
    }
}

/// Namespace, collection or empty, and key or key hash.
type StateKey = (String, String, Vec<u8>);

fn keys_with_new_metadata(rwset: &TxRwSet) -> impl Iterator<Item = StateKey> {
    rwset.namespaces.iter().flat_map(|(name, ns)| {
        let public = ns
            .metadata_writes
            .iter()
            .map(|write| (name.clone(), String::new(), write.key.clone().into_bytes()));
        let private = ns.collections.iter().flat_map(|(collection, set)| {
            let hashes = set.metadata_writes.iter().map(|write| write.key_hash.clone());
            hashes.map(|hash| (name.clone(), collection.clone(), hash))
        });
        public.chain(private)
    })
}

fn written_keys(rwset: &TxRwSet) -> impl Iterator<Item = StateKey> {
    let values = rwset.namespaces.iter().flat_map(|(name, ns)| {
        let public = ns
            .writes
            .iter()
            .map(|write| (name.clone(), String::new(), write.key.clone().into_bytes()));
        let private = ns.collections.iter().flat_map(|(collection, set)| {
            let hashes = set.writes.iter().map(|write| write.key_hash.clone());
            hashes.map(|hash| (name.clone(), collection.clone(), hash))
        });
        public.chain(private)
    });
    values.chain(keys_with_new_metadata(rwset))
}
