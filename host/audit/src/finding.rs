//! What an audit reports.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::compare::Difference;

/// What is wrong with a transaction, or not known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// It comes out otherwise than it was endorsed, and nothing explains that.
    Differs,
    /// Its stored verdict is not what signatures and policies lead to.
    Verdict,
    /// It comes out otherwise, but was told something that no block holds.
    Unknown,
    /// It could not be run again.
    NotRun,
}

impl Kind {
    /// Whether an audit with such a finding is not clean.
    pub fn is_fault(self) -> bool {
        matches!(self, Self::Differs | Self::Verdict)
    }
}

/// One transaction of which there is something to say.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// The block.
    pub block: u64,
    /// The transaction's place in it.
    pub transaction: u64,
    /// Its id.
    pub tx_id: String,
    /// The chaincode that it called; empty if it called none.
    pub chaincode: String,
    /// The function that it called.
    pub function: String,
    /// The verdict in the block.
    pub code: String,
    /// What is the matter.
    pub kind: Kind,
    /// Number of the blocks on whose state it ran; None if it did not run.
    pub height: Option<u64>,
    /// Why.
    pub reasons: Vec<String>,
    /// The kinds of the reasons, to count by.
    pub reason_kinds: Vec<String>,
    /// In what it differs.
    pub differences: Vec<Difference>,
}

/// Numbers of an audit.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Totals {
    /// Blocks, the genesis block included.
    pub blocks: u64,
    /// Transactions in them, configurations included.
    pub transactions: u64,
    /// Of these, such as no component was given for: other chaincodes, configurations.
    pub of_others: u64,
    /// Came out as they were endorsed, to the byte.
    pub same: u64,
    /// Came out otherwise, unexplained.
    pub differ: u64,
    /// Came out otherwise, and were told something that no block holds.
    pub unknown: u64,
    /// Could not be run again.
    pub not_run: u64,
    /// Have a verdict that signatures and policies do not lead to.
    pub wrong_verdicts: u64,
    /// How many transactions each kind of reason explains.
    pub reasons: BTreeMap<String, u64>,
}

impl Totals {
    /// Whether nothing is wrong.
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
    /// The block.
    pub number: u64,
    /// Its numbers.
    pub totals: Totals,
    /// In the order of its transactions.
    pub findings: Vec<Finding>,
}
