//! Judges signatures and policies of the transactions of a block. Fabric:
//! `core/committer/txvalidator/v20/validator.go`.
//!
//! Invariant: writes nothing. A verdict depends only on the block, the state before it and the
//! channel's configuration. The ledger judges conflicts over the state.

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};

use prost::Message;
use prost::bytes::Bytes;

use crate::definitions::BlockDefinitions;
use crate::endorsement_validator::{EndorsementValidator, ValidationFailure, ValidationRequest};
use crate::fatal::Fatal;
use crate::invocation::Invocation;
use crate::lanes::Lanes;
use crate::opened_tx::{self, Content};
use crate::required_policies::{Protected, required_policies};
use crate::v14_rules::{self, Instances};
use crate::verdict::{Invalid, Trouble};
use wasmcc_channel::configtx;
use wasmcc_ledger::{self as ledger, CommitTx, ReadRows, StateReader, TxRwSet, config_rwset};
use wasmcc_msp::ChannelConfig;
use wasmcc_types::proto::common::{ConfigEnvelope, HeaderType};
use wasmcc_types::proto::protos::TxValidationCode;
use wasmcc_types::{Opened, TxId};

/// Judges one block.
pub(crate) struct BlockValidator {
    entries: Vec<BlockEntry>,
    config: Arc<ChannelConfig>,
    definitions: BlockDefinitions,
    endorsements: Arc<dyn EndorsementValidator>,
}

/// A transaction with its verdict so far.
#[derive(Debug, Default)]
pub(crate) struct JudgedTx {
    /// The transaction for the ledger.
    pub(crate) tx: CommitTx,
    /// Why it is not valid, human-readable.
    pub(crate) reason: Option<String>,
    /// The new configuration in it. Boxed, because most transactions have none and all are moved.
    pub(crate) config: Option<Box<ChannelConfig>>,
    /// The type that it claims to have, for the metrics.
    pub(crate) kind: TxKind,
    /// Set for a valid transaction on a channel without the capability V2_0.
    pub(crate) instances: Option<Instances>,
    /// The state that was read for it. If it is a valid transaction of a chaincode, the ledger was
    /// checked not to have its id.
    pub(crate) read: ReadRows,
    /// The transaction itself, if it can be opened.
    opened: Option<Box<Opened>>,
}

/// An entry of a block. Opening it shares its bytes.
struct BlockEntry {
    bytes: Bytes,
    /// The opened entry, if it was opened before; judging takes it.
    opened: Mutex<Option<Opened>>,
}

impl BlockEntry {
    fn open(&self) -> Result<Opened, Invalid> {
        let opened = self.opened.lock().unwrap_or_else(PoisonError::into_inner).take();
        opened.map_or_else(|| opened_tx::open(self.bytes.clone()), Ok)
    }
}

/// The type of a transaction for the metrics, as far as it could be read.
#[derive(Debug, Default)]
pub(crate) struct TxKind {
    pub(crate) header_type: Option<HeaderType>,
    /// "name:version".
    pub(crate) chaincode: Option<String>,
}

/// The effects of a valid transaction.
struct ValidTx {
    rwset: TxRwSet,
    config: Option<Box<ChannelConfig>>,
    instances: Option<Instances>,
    read: ReadRows,
}

impl JudgedTx {
    pub(crate) fn invalidate(&mut self, Invalid { code, reason }: Invalid) {
        self.tx.code = code;
        self.tx.rwset = None;
        self.config = None;
        self.instances = None;
        self.reason = Some(reason);
    }
}

impl BlockValidator {
    /// Makes the validator. `opened` may have entries that are opened already, by their index.
    pub(crate) fn new(
        (entries, opened): (&[Bytes], Vec<Option<Opened>>),
        definitions: BlockDefinitions,
        endorsements: Arc<dyn EndorsementValidator>,
    ) -> Self {
        let config = Arc::clone(definitions.config());
        let opened = opened.into_iter().chain(std::iter::repeat_with(|| None)).map(Mutex::new);
        let entries = entries.iter().cloned().zip(opened);
        let entries = entries.map(|(bytes, opened)| BlockEntry { bytes, opened }).collect();
        Self { entries, config, definitions, endorsements }
    }

    /// Judges all entries of the block on up to `lanes` threads. Signatures take most of the time.
    pub(crate) fn validate(self, lanes: usize) -> Result<Vec<JudgedTx>, Fatal> {
        let count = self.entries.len();
        let this = Arc::new(self);
        let work = {
            let this = Arc::clone(&this);
            move |index: usize| this.judge(&this.entries[index])
        };
        let outcomes = Lanes::shared().run(count, lanes, work);
        let judged = outcomes
            .into_iter()
            .enumerate()
            .map(|(index, outcome)| outcome.unwrap_or_else(|| this.judge_again(index)));
        let mut judged = judged.collect::<Result<Vec<_>, _>>()?;
        refuse_changed_policies(&mut judged);
        refuse_later_configs(&mut judged);
        if !this.config.capabilities().v2_0 {
            v14_rules::refuse_upgraded(&mut judged);
        }
        if this.config.capabilities().v1_4_2 {
            open_invalid(&mut judged);
        }
        Ok(judged)
    }

    /// Judges a transaction again whose validation panicked. A second panic is caused by the
    /// transaction itself and would occur on every peer and at every start; a Fabric peer would not
    /// start again.
    fn judge_again(&self, index: usize) -> Result<JudgedTx, Fatal> {
        let entry = &self.entries[index];
        let isolated = AssertUnwindSafe(|| self.judge(entry));
        if let Ok(outcome) = catch_unwind(isolated) {
            return outcome;
        }
        let opened = catch_unwind(AssertUnwindSafe(|| {
            let opened = entry.open().ok()?;
            Some((opened.tx_id(), Box::new(opened)))
        }));
        let mut judged = JudgedTx::default();
        (judged.tx.tx_id, judged.opened) = opened.ok().flatten().unzip();
        let tx_id = judged.tx.tx_id.as_deref().unwrap_or_default();
        tracing::error!(index, tx_id, "the validation of a transaction panicked; it is not valid");
        let reason = "the validation of the transaction panicked";
        judged.invalidate(Invalid::new(TxValidationCode::InvalidOtherReason, reason));
        Ok(judged)
    }

    fn judge(&self, entry: &BlockEntry) -> Result<JudgedTx, Fatal> {
        let mut judged = JudgedTx::default();
        let outcome = match entry.open() {
            Ok(opened) => {
                judged.tx.tx_id = Some(opened.tx_id());
                judged.kind.header_type = HeaderType::try_from(opened.channel_header.r#type).ok();
                let outcome = self.validate_tx((&entry.bytes, &opened), &mut judged.kind);
                judged.opened = Some(Box::new(opened));
                outcome
            }
            Err(invalid) => Err(Trouble::Invalid(invalid)),
        };
        match outcome {
            Ok(valid) => {
                judged.tx.rwset = Some(valid.rwset);
                (judged.config, judged.instances) = (valid.config, valid.instances);
                judged.read = valid.read;
            }
            Err(Trouble::Invalid(mut invalid)) => {
                if !self.config.capabilities().v2_0 {
                    invalid.code = v14_rules::code(invalid.code);
                }
                judged.invalidate(invalid);
            }
            Err(Trouble::Fatal(error)) => return Err(error),
        }
        Ok(judged)
    }

    /// Fabric: `validateTx`, and `Dispatch` for the endorsements.
    fn validate_tx(
        &self,
        (entry, opened): (&[u8], &Opened),
        kind: &mut TxKind,
    ) -> Result<ValidTx, Trouble> {
        let content = opened_tx::check(opened, self.config.msps())?;
        let header = &opened.channel_header;
        if header.channel_id != self.config.channel_id().as_str() {
            let reason = format!("the transaction is for channel '{}'", header.channel_id);
            return Err(Invalid::new(TxValidationCode::TargetChainNotFound, reason).into());
        }
        let response = match content {
            Content::Endorsed(response) => response,
            Content::Config(bytes) => {
                let config = self.validate_config(bytes)?;
                let rwset = config_rwset(bytes.to_vec());
                let (config, read) = (Some(Box::new(config)), ReadRows::default());
                return Ok(ValidTx { rwset, config, instances: None, read });
            }
        };
        if let Some((_, block)) =
            self.definitions.snapshot().ledger().tx_validation(&header.tx_id)?
        {
            let reason = format!("the transaction id is in block {block} already");
            return Err(Invalid::new(TxValidationCode::DuplicateTxid, reason).into());
        }
        let capabilities = self.config.capabilities();
        let invocation = Invocation::read(header, response, capabilities)?;
        kind.chaincode = Some(format!("{}:{}", invocation.chaincode, invocation.version));
        let mut state = self.definitions.snapshot().reader();
        for namespace in &invocation.namespaces {
            self.validate_endorsements((entry, opened), &invocation, namespace, &mut state)?;
        }
        if invocation.writes_configuration() {
            // Only LSCC gets here, because its own policy covers all that it writes.
            let reason = "a chaincode attempted to write to the namespace of the channel";
            return Err(Invalid::new(TxValidationCode::IllegalWriteset, reason).into());
        }
        let instances = (!capabilities.v2_0).then(|| Instances::of(opened, &invocation));
        let read = state.into_rows();
        Ok(ValidTx { rwset: invocation.rwset, config: None, instances, read })
    }

    /// Refuses an invalid configuration like any other transaction. A Fabric peer would stop,
    /// because orderers never let one through.
    fn validate_config(&self, bytes: &[u8]) -> Result<ChannelConfig, Invalid> {
        let code = TxValidationCode::InvalidConfigTransaction;
        let envelope = ConfigEnvelope::decode(bytes)
            .map_err(Invalid::cause(code, "error unmarshalling ConfigEnvelope"))?;
        configtx::validate(&self.config, &envelope)
            .map_err(Invalid::cause(code, "error validating config"))
    }

    fn validate_endorsements(
        &self,
        (entry, opened): (&[u8], &Opened),
        invocation: &Invocation,
        namespace: &str,
        state: &mut StateReader<'_>,
    ) -> Result<(), Trouble> {
        let definition = self.definitions.get(namespace)?;
        if let (Some(version), false) = (&definition.version, self.config.capabilities().v2_0)
            && namespace == invocation.chaincode
        {
            v14_rules::check_version(invocation, version)?;
        }
        let validator = definition.validator()?;
        let tx_id = TxId::parse(&opened.channel_header.tx_id)
            .map_err(Invalid::cause(TxValidationCode::BadProposalTxid, "invalid txid"))?;
        let written = invocation.rwset.namespaces.get(namespace);
        let policies =
            required_policies(namespace, written, &definition, &self.definitions, state)?;
        for (policy, protected) in &policies {
            let request = ValidationRequest {
                channel_id: self.config.channel_id(),
                tx_id: &tx_id,
                namespace,
                validator,
                transaction: opened,
                envelope: entry,
                policy,
            };
            self.endorsements.validate(&request).map_err(|failure| match failure {
                ValidationFailure::Policy(reason) => {
                    let code = TxValidationCode::EndorsementPolicyFailure;
                    Trouble::Invalid(Invalid::new(code, reason).about(protected.of(namespace)))
                }
                ValidationFailure::Infrastructure(reason) => {
                    let (tx_id, namespace) = (tx_id.to_string(), namespace.to_owned());
                    Fatal::Validator { tx_id, namespace, reason }.into()
                }
            })?;
        }
        Ok(())
    }
}

/// Passes to the ledger the read-write sets of invalid transactions that write to collections. The
/// ledger stores their private data, too, as far as they are there. Fabric:
/// `gossip/privdata/coordinator.go`, `getTxPvtdataInfoFromBlock`, which opens everything that can
/// be opened.
fn open_invalid(judged: &mut [JudgedTx]) {
    for JudgedTx { tx, opened, .. } in judged.iter_mut().filter(|judged| judged.tx.is_invalid()) {
        let Some(opened) = opened.as_ref().filter(|opened| opened.is_endorser_tx()) else {
            continue;
        };
        // An entry whose judging panicked may panic here again.
        let rwset = catch_unwind(AssertUnwindSafe(|| ledger::rwset(opened).ok().flatten()));
        tx.rwset = rwset.ok().flatten().filter(TxRwSet::writes_collections);
    }
}

/// Keeps only the first configuration of a block; the others follow from one that is no longer in
/// force. Orderers give a configuration a block of its own.
fn refuse_later_configs(judged: &mut [JudgedTx]) {
    let mut configs = judged.iter_mut().filter(|tx| tx.config.is_some());
    let Some(first) = configs.next().and_then(|tx| tx.config.as_ref().map(|c| c.sequence())) else {
        return;
    };
    for later in configs {
        let reason = format!("the configuration of sequence {first} is earlier in the block");
        let code = TxValidationCode::InvalidConfigTransaction;
        later.invalidate(Invalid::new(code, reason));
    }
}

/// Invalidates transactions that write a key whose endorsement policy an earlier transaction of the
/// block has changed. Their endorsers did not know the new policy. The earlier one counts if its
/// endorsements are valid, whatever the ledger decides later. Fabric:
/// `statebased/vpmanagerimpl.go`, `GetValidationParameterForKey`.
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

/// The namespace, the collection or an empty text, and the key or its hash.
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
