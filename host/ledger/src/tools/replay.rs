//! Validates a channel's blocks again from the first on, into a separate state.
//!
//! Opening a ledger trusts the stored verdicts (`commit::recover`); this determines them again. A
//! transaction with a conflict must have it again, and a valid one must be valid. Two things are
//! taken from the block:
//! - the verdicts of the layers above (signatures, policies);
//! - that a valid transaction may write keys and values that CouchDB does not accept, because
//!   blocks do not record the rules of their peer.
//!
//! The lifetime of private data hashes comes from the private data store. If the store lacks the
//! block, such as an imported one, the lifetime comes from the collections in the state.
//!
//! Invariant: the block file, its stored state and stored private data are not changed.

use std::sync::Arc;

use prost::bytes::Bytes;

use crate::block;
use crate::block::envelope::TxEnvelope;
use crate::block::known_state::KnownState;
use crate::block::tx::CommitTx;
use crate::commit::judge::BlockOutcome;
use crate::config::LedgerConfig;
use crate::error::LedgerError;
use crate::ledger::Ledger;
use crate::private::collect::without_sets;
use crate::private::record::PrivateBlock;
use crate::private::rules::{CollectionRules, NoCollections};
use crate::private::store::PrivateStore;
use crate::store::block_file::{BlockFile, Location};
use crate::store::tables::Tables;
use crate::store::{Database, Table};
use crate::tools::private_check::CheckedPrivate;
use crate::tools::records::{Record, Records};
use crate::tools::rules::RulesOfState;
use wasmcc_types::ChannelId;
use wasmcc_types::proto::common::Block;
use wasmcc_types::proto::protos::TxValidationCode;

/// Tables of a temporary database: records of missing sets, and an empty private data store. No
/// channel's name contains `~`.
const NOTES: &str = "~notes";
const EMPTY: &str = "~private";

/// The progress of a long operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    /// Blocks done so far.
    pub blocks: u64,
    /// The size of these blocks, in bytes.
    pub bytes: u64,
    /// The size of all blocks, in bytes.
    pub of_bytes: u64,
}

/// Replays blocks, one after the other, into a table.
pub(crate) struct Replay {
    // Order of dropping: the tables before their database, the database before its folder.
    ledger: Arc<Ledger>,
    records: Records,
    /// Receives records of private data that the store lacks, as missing.
    notes: Option<PrivateStore>,
    scratch: Option<(Database, tempfile::TempDir)>,
    offset: u64,
    rules: Arc<dyn RulesOfState>,
    /// Private data of this block and later ones belong to a fork, and are not used.
    fork: u64,
}

impl Replay {
    /// Replays into `table`, which must be empty.
    pub(crate) fn new(
        channel: ChannelId,
        config: LedgerConfig,
        tables: Tables,
        blocks: BlockFile,
    ) -> Self {
        let records = Records::new(channel.clone(), blocks.clone());
        let ledger = Arc::new(Ledger::assemble(channel, config, tables, blocks));
        let rules = Arc::new(NoCollections);
        Self { ledger, records, scratch: None, offset: 0, rules, notes: None, fork: u64::MAX }
    }

    /// Reads and decodes each block while the one before it is validated. The block file must not
    /// grow.
    pub(crate) fn reading_ahead(self) -> Self {
        Self { records: self.records.ahead(), ..self }
    }

    /// Sets the rules for private data that the private data store lacks.
    pub(crate) fn with_rules(self, rules: &Arc<dyn RulesOfState>) -> Self {
        Self { rules: Arc::clone(rules), ..self }
    }

    /// Ignores private data of block `fork` and later ones.
    pub(crate) fn without_fork(self, fork: u64) -> Self {
        Self { fork, ..self }
    }

    /// Records private data that the store lacks as missing, in the store.
    pub(crate) fn noting(self) -> Self {
        let notes = Some(PrivateStore::new(self.ledger.private.table.clone()));
        Self { notes, ..self }
    }

    /// As `noting`, but in a temporary table beside the state, which must be temporary, too. The
    /// store does not change.
    pub(crate) fn noting_aside(self) -> Result<Self, LedgerError> {
        let scratch = self.scratch.as_ref().map(|(database, _)| database.table(NOTES));
        Ok(Self { notes: scratch.transpose()?.map(PrivateStore::new), ..self })
    }

    /// The records of missing private data.
    pub(crate) fn notes(&self) -> Option<&PrivateStore> {
        self.notes.as_ref()
    }

    /// Replays into a temporary table, which is removed when this is dropped. Private data come
    /// from `private`, if there is such a store.
    pub(crate) fn scratch(
        channel: ChannelId,
        config: LedgerConfig,
        private: Option<&Database>,
        blocks: BlockFile,
    ) -> Result<Self, LedgerError> {
        let path = std::env::temp_dir();
        let dir = tempfile::Builder::new()
            .prefix("wasmcc-replay")
            .tempdir_in(&path)
            .map_err(|source| LedgerError::Io { action: "make a folder in", path, source })?;
        let database = Database::open(&dir.path().join("state"), config.cache_bytes, true)?;
        let mut tables = Tables::open(&database, private.unwrap_or(&database), &channel)?;
        if private.is_none() {
            // Rows of private data have keys like those of the state.
            tables.private = database.table(EMPTY)?;
        }
        let replay = Self::new(channel, config, tables, blocks);
        Ok(Self { scratch: Some((database, dir)), ..replay })
    }

    /// Copies the indexes of another table, before the first block; see `Ledger::copy_indexes`.
    pub(crate) fn copy_indexes(&self, other: &Table, as_built: bool) -> Result<(), LedgerError> {
        self.ledger.copy_indexes(other, as_built)
    }

    /// The indexes that are incomplete in the other table.
    pub(crate) fn incomplete_indexes(&self) -> Vec<u32> {
        self.ledger.indexes.get().incomplete()
    }

    /// Validates the next block; None at the end, and at an incomplete block.
    ///
    /// Errors: `CorruptBlock` if the block differs from the stored one, or its outcome differs from
    /// the stored outcome.
    pub(crate) fn next(&mut self) -> Result<Option<BlockOutcome>, LedgerError> {
        let Some(Record { location, opened }) = self.records.next()? else { return Ok(None) };
        let rules = self.rules.rules(&self.ledger.snapshot());
        let private = self.private()?;
        let outcome = opened.and_then(|(block, txs)| {
            let read = (location, &block, &txs[..]);
            self.ledger.rejudge(read, private, rules.as_ref(), self.notes.as_ref())
        });
        let Some(outcome) = unless_torn(self.blocks(), location, outcome)? else {
            return Ok(None);
        };
        self.offset = location.end();
        Ok(Some(outcome))
    }

    /// Returns the private data of the next block in the private data store.
    fn private(&self) -> Result<PrivateBlock, LedgerError> {
        let mut private = self.ledger.private.block(self.height())?;
        private.late.retain(|(block, _)| *block < self.fork);
        if self.height() >= self.fork {
            private.records.clear();
            private.new_holders.clear();
        }
        Ok(private)
    }

    /// True if the private data store belongs to these blocks. Call it after the first block.
    pub(crate) fn has_its_private_store(&self) -> Result<bool, LedgerError> {
        Ok(self.ledger.private.chain()? == Some(self.ledger.tip().current_hash))
    }

    /// Starts the private data store for these blocks. Call it after the first block.
    ///
    /// Errors: `PrivateDataOfAnotherChain` if private data would be lost.
    pub(crate) fn begin_private_store(&self) -> Result<(), LedgerError> {
        let (store, chain) = (&self.ledger.private, self.ledger.tip().current_hash);
        match store.holds_sets()? {
            true => Err(store.of_another_chain(self.channel(), &chain)),
            false => store.begin(&chain),
        }
    }

    /// Compares the private data of the last block with the block.
    pub(crate) fn check_private(
        &self,
        outcome: &BlockOutcome,
    ) -> Result<CheckedPrivate, LedgerError> {
        self.ledger.check_private(self.height().saturating_sub(1), &outcome.codes)
    }

    /// Number of blocks so far.
    pub(crate) fn height(&self) -> u64 {
        self.ledger.height()
    }

    /// Offset of the next block, if there is one.
    pub(crate) fn offset(&self) -> u64 {
        self.offset
    }

    /// The commit hash of the last block; empty for a genesis block.
    pub(crate) fn commit_hash(&self) -> Vec<u8> {
        self.ledger.last_commit_hash()
    }

    /// The progress.
    pub(crate) fn step(&self) -> Result<Step, LedgerError> {
        let of_bytes = self.blocks().length()?;
        Ok(Step { blocks: self.height(), bytes: self.offset, of_bytes })
    }

    pub(crate) fn channel(&self) -> &ChannelId {
        self.ledger.channel_id()
    }

    pub(crate) fn blocks(&self) -> &BlockFile {
        &self.ledger.blocks
    }

    /// The table with the state after the blocks so far.
    pub(crate) fn table(&self) -> &Table {
        &self.ledger.table
    }
}

impl Ledger {
    /// Validates a stored block again and applies it.
    fn rejudge(
        &self,
        (location, block, txs): (Location, &Block, &[CommitTx]),
        mut private: PrivateBlock,
        rules: &dyn CollectionRules,
        notes: Option<&PrivateStore>,
    ) -> Result<BlockOutcome, LedgerError> {
        let tip = self.tip();
        let number = tip.height;
        let refused = had_refused_writes(block);
        let (outcome, updates) = self.judge(&tip, txs, KnownState::default(), refused)?;
        self.check_verdicts(block, number, &outcome)?;
        if outcome.commit_hash != block::commit_hash(block).unwrap_or_default() {
            return Err(self.wrong_changes(number));
        }
        let header = block.header.as_ref();
        let header = header.ok_or(LedgerError::IncompleteBlock { part: "header" })?;
        let unknown = without_sets(txs, &outcome.codes, &private.records, rules)?;
        if let Some(notes) = notes.filter(|_| !unknown.is_empty()) {
            notes.add(number, &unknown)?;
        }
        private.records.extend(unknown);
        self.apply_block(header, location, txs, &outcome, updates, &private)?;
        Ok(outcome)
    }
}

impl Ledger {
    /// Checks that the stored verdicts of a block equal those determined again.
    pub(crate) fn check_verdicts(
        &self,
        block: &Block,
        number: u64,
        outcome: &BlockOutcome,
    ) -> Result<(), LedgerError> {
        for (index, (code, &stored)) in
            outcome.codes.iter().zip(block::tx_filter(block)).enumerate()
        {
            if *code as i32 != i32::from(stored) {
                let name = |code: TxValidationCode| code.as_str_name();
                let stored = TxValidationCode::try_from(i32::from(stored)).map_or("unknown", name);
                let reason = format!(
                    "the verdict on transaction {index} is {stored}, but must be {}",
                    name(*code)
                );
                return Err(self.corrupt(number, reason));
            }
        }
        Ok(())
    }

    /// Returns the error for a block whose commit hash differs.
    pub(crate) fn wrong_changes(&self, number: u64) -> LedgerError {
        self.corrupt(number, "its changes do not match its commit hash")
    }
}

/// Returns None instead of the damage of an incomplete last block.
pub(crate) fn unless_torn<T>(
    blocks: &BlockFile,
    location: Location,
    read: Result<T, LedgerError>,
) -> Result<Option<T>, LedgerError> {
    match read {
        Err(LedgerError::CorruptBlock { .. }) if blocks.is_torn_at(location)? => Ok(None),
        read => read.map(Some),
    }
}

/// Returns for which transactions of a stored block CouchDB's rules apply: those that the rules
/// made invalid, which must be invalid again.
pub(crate) fn had_refused_writes(block: &Block) -> impl Fn(usize) -> bool + use<> {
    let verdicts = block::tx_filter(block).to_vec();
    move |index| verdicts.get(index) == Some(&(TxValidationCode::InvalidWriteset as i32 as u8))
}

/// True if a transaction with this verdict was valid before the ledger validated it.
pub(crate) fn is_of_ledger(code: TxValidationCode) -> bool {
    matches!(
        code,
        TxValidationCode::DuplicateTxid
            | TxValidationCode::InvalidWriteset
            | TxValidationCode::MvccReadConflict
            | TxValidationCode::PhantomReadConflict
    )
}

/// Returns a transaction as it was before the ledger validated it.
pub(crate) fn unjudged_tx(envelope: &Bytes, verdict: u8) -> Result<CommitTx, LedgerError> {
    let code = TxValidationCode::try_from(i32::from(verdict))
        .map_err(|_| LedgerError::Missing { what: "a known verdict" })?;
    let lost = is_of_ledger(code);
    let tx = |tx_id, code, rwset| CommitTx { tx_id, code, rwset };
    let parsed = match TxEnvelope::open(envelope.clone()) {
        Ok(parsed) => parsed,
        Err(error) if code == TxValidationCode::Valid => return Err(error),
        Err(_) => return Ok(tx(None, code, None)),
    };
    let rwset = match code {
        TxValidationCode::Valid => parsed.rwset()?,
        // A transaction that the layers above refused as a duplicate may have no read-write set.
        _ if lost => parsed.rwset().ok().flatten(),
        _ => None,
    };
    let code = if lost && rwset.is_some() { TxValidationCode::Valid } else { code };
    Ok(tx(Some(parsed.tx_id()), code, rwset))
}
