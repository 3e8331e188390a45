//! Finds the rows in which two tables differ, and describes them.
//!
//! Invariant: reads both tables once from front to back and holds one row of each.

use std::cmp::Ordering;

use crate::error::LedgerError;
use crate::rich::entry_index;
use crate::store::key::height;
use crate::store::tx_entry::TxEntry;
use crate::store::{Table, TableRow, TableRows};
use crate::tools::interrupt::Interrupt;
use crate::tools::row_names::{RowKind, describe};

/// Compares a stored table with the expected one.
pub(crate) struct Differences {
    expected: TableRows,
    stored: TableRows,
    next: (Option<TableRow>, Option<TableRow>),
    started: bool,
    rows: u64,
    /// Indexes whose entries are not compared.
    incomplete: Vec<u32>,
    interrupt: Interrupt,
}

/// A row that differs.
pub(crate) struct RowDifference {
    /// The block that wrote the row, or should have.
    pub(crate) block: Option<u64>,
    /// The difference.
    pub(crate) reason: String,
}

impl Differences {
    /// Leaves out the entries of the indexes `incomplete`, whose number is not determined.
    pub(crate) fn new(expected: &Table, stored: &Table, incomplete: Vec<u32>) -> Self {
        let (expected, stored) = (expected.rows(), stored.rows());
        let (next, interrupt) = ((None, None), Interrupt::default());
        Self { expected, stored, next, started: false, rows: 0, incomplete, interrupt }
    }

    /// Stops with `Interrupted` if `interrupt` is raised.
    pub(crate) fn interruptible(self, interrupt: &Interrupt) -> Self {
        Self { interrupt: interrupt.clone(), ..self }
    }

    /// Number of rows of the stored table that were read.
    pub(crate) fn rows(&self) -> u64 {
        self.rows
    }

    /// Returns the next difference.
    ///
    /// Errors: a row of either table cannot be read; `Interrupted`.
    pub(crate) fn next(&mut self) -> Result<Option<RowDifference>, LedgerError> {
        if !self.started {
            self.started = true;
            self.next = (self.expected.next().transpose()?, self.read_stored()?);
        }
        loop {
            self.interrupt.check()?;
            let order = match &self.next {
                (None, None) => return Ok(None),
                (Some(_), None) => Ordering::Less,
                (None, Some(_)) => Ordering::Greater,
                (Some((expected, _)), Some((stored, _))) => expected.cmp(stored),
            };
            let expected = match order {
                Ordering::Greater => None,
                _ => std::mem::replace(&mut self.next.0, self.expected.next().transpose()?),
            };
            let stored = match order {
                Ordering::Less => None,
                _ => {
                    let next = self.read_stored()?;
                    std::mem::replace(&mut self.next.1, next)
                }
            };
            let row = expected.as_ref().or(stored.as_ref()).map(|(row, _)| row.as_slice());
            let index = row.and_then(entry_index);
            if index.is_some_and(|index| self.incomplete.contains(&index)) {
                continue;
            }
            match (expected, stored) {
                (Some((row, value)), None) => {
                    return Ok(Some(RowDifference::new(&row, &value, "is missing")));
                }
                (None, Some((row, value))) => {
                    return Ok(Some(RowDifference::new(
                        &row,
                        &value,
                        "is stored, but no block wrote it",
                    )));
                }
                (Some((row, value)), Some((_, stored))) if value != stored => {
                    return Ok(Some(RowDifference::new(
                        &row,
                        &value,
                        "differs from what the blocks wrote",
                    )));
                }
                _ => {}
            }
        }
    }

    fn read_stored(&mut self) -> Result<Option<TableRow>, LedgerError> {
        let row = self.stored.next().transpose()?;
        self.rows += u64::from(row.is_some());
        Ok(row)
    }
}

impl RowDifference {
    fn new(row: &[u8], value: &[u8], what: &str) -> Self {
        let (kind, name) = describe(row);
        let digits = |bytes: &[u8]| bytes.try_into().ok().map(u64::from_be_bytes);
        let block = match kind {
            RowKind::Value => height(value).map(|(version, _)| version.block),
            RowKind::History { last } => last.map(|height| height.block),
            RowKind::Transaction => TxEntry::decode(value).ok().map(|entry| entry.height.block),
            RowKind::Block { number } => number,
            RowKind::BlockHash | RowKind::Savepoint => digits(value),
            RowKind::Expiry { committing } => committing,
            RowKind::PrivateName | RowKind::Index | RowKind::Unknown => None,
        };
        Self { block, reason: format!("{name} {what}") }
    }
}
