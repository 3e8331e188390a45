//! What a query costs its transaction. One unit is about one instruction of a guest, as everywhere
//! in a `Meter`.
//!
//! Invariant: depends on the query and the documents only, so a query that costs too much does so
//! on every peer.

use crate::types::Exhausted;
use crate::types::Meter;

/// Units for each document that is looked at: finding and reading its row.
pub(super) const DOCUMENT: u64 = 2_000;
/// Units for each byte of such a document: reading it as JSON.
pub(super) const DOCUMENT_BYTE: u64 = 4;
/// Units for each condition that is tried.
pub(super) const CONDITION: u64 = 40;
/// Units for each part of a document that is passed on the way to a field.
pub(super) const STEP: u64 = 4;
/// Units for each byte that a regular expression looks at.
pub(super) const REGEX_BYTE: u64 = 4;
/// Units for each byte of a query: reading it, and choosing an index.
pub(super) const QUERY_BYTE: u64 = 16;
/// Units for each byte of memory of a query's regular expressions: compiling them.
pub(super) const COMPILED_BYTE: u64 = 16;
/// Bytes of a constant for which a comparison costs one unit.
pub(super) const COMPARED_BYTES: usize = 8;

/// After so many units the meter is asked.
const BATCH: u64 = 10_000;

/// Counts the work of looking at documents.
pub(super) struct Work<'m> {
    meter: Option<&'m Meter>,
    /// Not yet charged.
    pending: u64,
    used: u64,
    limit: u64,
}

impl<'m> Work<'m> {
    /// Work at the expense of a meter; without one: as much as it takes.
    pub(super) fn of(meter: Option<&'m Meter>) -> Self {
        Self { meter, pending: 0, used: 0, limit: u64::MAX }
    }

    /// Work up to a limit that decides something: nothing that earlier documents left behind may
    /// make it less.
    pub(super) fn up_to(limit: u64) -> Self {
        Self { meter: None, pending: 0, used: 0, limit }
    }

    /// Whether it is work up to a limit.
    pub(super) fn is_limited(&self) -> bool {
        self.limit < u64::MAX
    }

    /// Asks for so much work.
    ///
    /// # Errors
    /// There is no more to be had.
    pub(super) fn spend(&mut self, units: u64) -> Result<(), Exhausted> {
        self.used = self.used.saturating_add(units);
        if self.used > self.limit {
            return Err(Exhausted::Work { limit: self.limit });
        }
        self.pending = self.pending.saturating_add(units);
        if self.pending < BATCH {
            return Ok(());
        }
        self.settle()
    }

    /// Charges what has not been charged.
    pub(super) fn settle(&mut self) -> Result<(), Exhausted> {
        let units = std::mem::take(&mut self.pending);
        self.meter.map_or(Ok(()), |meter| meter.charge(units))
    }

    /// All that was spent.
    pub(super) fn used(&self) -> u64 {
        self.used
    }
}
