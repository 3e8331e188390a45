//! Adds blocks of another peer to a separate ledger, for tools that analyze a channel's past.
//!
//! Verdicts of the layers above (signatures, policies) are taken from the block; those of the
//! ledger are determined again, as in `replay`.
//!
//! Invariant: a block whose verdicts or commit hash differ changes nothing.

use std::sync::Arc;

use crate::block;
use crate::block::known_state::KnownState;
use crate::block::matched::MatchedBlock;
use crate::block::tx::CommitTx;
use crate::commit::apply::CommittedBlock;
use crate::commit::judge::BlockOutcome;
use crate::commit::recover::opened_txs;
use crate::error::LedgerError;
use crate::ledger::Ledger;
use crate::private::collect::{purges, without_sets};
use crate::private::record::PrivateBlock;
use crate::private::store::PrivateStore;
use crate::store::peer_values::PeerValues;
use crate::store::tables::{PEER, Tables};
use crate::tools::folder::LedgerFolder;
use crate::tools::replay::{had_refused_writes, unjudged_tx};
use crate::tools::rules::RulesOfState;
use wasmcc_types::ChannelId;
use wasmcc_types::proto::common::Block;

/// The private data of one channel in a peer, for all its organizations.
pub struct StoredPrivateData(PrivateStore);

impl LedgerFolder {
    /// Returns the private data of a channel.
    ///
    /// Errors: `PrivateData` if the database cannot be opened.
    pub fn stored_private(&self, channel: &ChannelId) -> Result<StoredPrivateData, LedgerError> {
        Ok(StoredPrivateData(PrivateStore::new(self.private()?.table(channel)?)))
    }

    /// Returns a channel as stored in the state database, for reading. Blocks that the state lacks
    /// after a crash are not included.
    ///
    /// Errors: `CorruptState` if the database cannot be opened, `Io` if the operating system
    /// prevents that; `StateAhead`.
    pub fn stored(&self, channel: &ChannelId) -> Result<Arc<Ledger>, LedgerError> {
        let damaged =
            LedgerError::CorruptState { what: "the database of the state cannot be opened" };
        let state = self.state.as_ref().map_err(|error| error.refusal().unwrap_or(damaged))?;
        let private = self.private.as_ref().unwrap_or(state);
        let tables = Tables::open(state, private, channel)?;
        let blocks = self.blocks(channel)?;
        let ledger = Ledger::assemble(channel.clone(), self.config.clone(), tables, blocks);
        ledger.show_stored()?;
        Ok(Arc::new(ledger))
    }

    /// Returns the peer's values that are independent of channels, such as installed packages.
    pub fn peer_values(&self) -> Result<Vec<(String, Vec<u8>)>, LedgerError> {
        let values = PeerValues::open(&self.dir.join(PEER))?;
        let mut all = Vec::new();
        for key in values.keys("")? {
            if let Some(value) = values.get(&key)? {
                all.push((key, value));
            }
        }
        Ok(all)
    }
}

impl Ledger {
    /// Returns the private data of an open ledger; each read sees their current state.
    pub fn stored_private(&self) -> StoredPrivateData {
        StoredPrivateData(PrivateStore::new(self.private.table.clone()))
    }

    /// Adds the next block of another peer, with that peer's verdicts on signatures and policies.
    /// Private data come from `private`, or are missing. `rules` set the lifetime of hashes that
    /// `private` lacks.
    ///
    /// Errors: `CorruptBlock` if a verdict or the commit hash differs; those of `commit`. The
    /// ledger accepts further blocks after these.
    pub fn follow(
        self: &Arc<Self>,
        block: Block,
        rules: &dyn RulesOfState,
        private: Option<&StoredPrivateData>,
    ) -> Result<CommittedBlock, LedgerError> {
        let number = self.height();
        let (entries, verdicts) =
            (block.data.as_ref().map_or(0, |data| data.data.len()), block::tx_filter(&block).len());
        if verdicts != entries {
            let reason = format!(
                "it has {entries} transactions and {verdicts} verdicts: take blocks from a peer, \
                 orderers do not validate them"
            );
            return Err(self.corrupt(number, reason));
        }
        let txs = opened_txs(&self.channel, &block, number, unjudged_tx)?;
        let writes = had_refused_writes(&block);
        let collections = rules.rules(&self.snapshot());
        let metadata = block.metadata.clone();
        let stored = Block { header: block.header.clone(), data: None, metadata };
        let check = |outcome: &BlockOutcome| {
            self.check_verdicts(&stored, number, outcome)?;
            // Channels that began with Fabric 1.x have no commit hashes.
            match block::commit_hash(&stored) {
                Some(hash) if hash != outcome.commit_hash => Err(self.wrong_changes(number)),
                _ => Ok(()),
            }
        };
        let private = |number, txs: &[CommitTx], outcome: &BlockOutcome| {
            let Some(StoredPrivateData(held)) = private else {
                return self.store_private(number, txs, outcome, collections.as_ref());
            };
            let mut of_block = held.block(number)?;
            let (codes, rules) = (&outcome.codes, collections.as_ref());
            let unknown = without_sets(txs, codes, &of_block.records, rules)?;
            of_block.records.extend(unknown);
            self.private.put_block(number, &of_block, &purges(txs, &outcome.codes))?;
            Ok::<PrivateBlock, LedgerError>(of_block)
        };
        let block = (MatchedBlock::of(block)?, txs, KnownState::default());
        self.commit_checked(block, writes, check, private)
    }
}
