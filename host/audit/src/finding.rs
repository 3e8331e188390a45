//! The report of an audit.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::compare::Difference;

/// The kind of a finding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// The results differ from those endorsed, without an explanation.
    Differs,
    /// The stored verdict contradicts the one on signatures and policies.
    Verdict,
    /// The results differ, but the transaction used information that no block contains.
    Unknown,
    /// The transaction could not be run again.
    NotRun,
}

impl Kind {
    /// True if an audit with such a finding is not clean.
    pub fn is_fault(self) -> bool {
        matches!(self, Self::Differs | Self::Verdict)
    }
}

/// A transaction with a finding.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// The block.
    pub block: u64,
    /// The transaction's index in it.
    pub transaction: u64,
    /// Its id.
    pub tx_id: String,
    /// The chaincode that it called; empty if it called none.
    pub chaincode: String,
    /// The function that it called.
    pub function: String,
    /// The verdict that is stored in the block.
    pub code: String,
    /// The kind of the finding.
    pub kind: Kind,
    /// Number of the blocks on whose state it ran; None if it did not run.
    pub height: Option<u64>,
    /// The reasons, human-readable.
    pub reasons: Vec<String>,
    /// The kinds of the reasons, for statistics.
    pub reason_kinds: Vec<String>,
    /// The differences.
    pub differences: Vec<Difference>,
}

/// The statistics of an audit.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Totals {
    /// Blocks, the genesis block included.
    pub blocks: u64,
    /// Transactions in them, configurations included.
    pub transactions: u64,
    /// Of these, transactions without a component (other chaincodes), and configurations.
    pub of_others: u64,
    /// Transactions with the endorsed results, byte for byte.
    pub same: u64,
    /// Transactions whose results differ without an explanation.
    pub differ: u64,
    /// Transactions whose results differ, but that used information that no block contains.
    pub unknown: u64,
    /// Transactions that could not be run again.
    pub not_run: u64,
    /// Transactions whose verdict contradicts signatures and policies.
    pub wrong_verdicts: u64,
    /// Number of transactions for each kind of reason.
    pub reasons: BTreeMap<String, u64>,
}

impl Totals {
    /// True if nothing is wrong.
    pub fn is_clean(&self) -> bool {
        self.differ == 0 && self.wrong_verdicts == 0
    }

    /// Counts one finding.
    pub(crate) fn count(&mut self, finding: &Finding) {
        match finding.kind {
            Kind::Differs => self.differ += 1,
            Kind::Verdict => self.wrong_verdicts += 1,
            Kind::Unknown => self.unknown += 1,
            Kind::NotRun => self.not_run += 1,
        }
        for kind in &finding.reason_kinds {
            *self.reasons.entry(kind.clone()).or_default() += 1;
        }
    }

    /// Adds the numbers of a block.
    pub fn add(&mut self, other: &Self) {
        self.blocks += other.blocks;
        self.transactions += other.transactions;
        self.of_others += other.of_others;
        self.same += other.same;
        self.differ += other.differ;
        self.unknown += other.unknown;
        self.not_run += other.not_run;
        self.wrong_verdicts += other.wrong_verdicts;
        for (kind, count) in &other.reasons {
            *self.reasons.entry(kind.clone()).or_default() += count;
        }
    }
}

/// What an audit found in one block.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BlockReport {
    /// The block's number.
    pub number: u64,
    /// The block's statistics.
    pub totals: Totals,
    /// The findings, in the order of the transactions.
    pub findings: Vec<Finding>,
}
