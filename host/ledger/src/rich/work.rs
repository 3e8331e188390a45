//! The cost of a query's work. One unit is about one instruction of a guest, as everywhere in a
//! `Meter`.
//!
//! Invariant: a cost depends on the query and the documents only, so a query that is too expensive
//! is so on every peer.

use wasmcc_types::{Exhausted, Meter};

/// Units for each examined document: finding and reading its row.
pub(crate) const DOCUMENT: u64 = 2_000;
/// Units for each byte of such a document: reading it as JSON.
pub(crate) const DOCUMENT_BYTE: u64 = 4;
/// Units for each evaluated condition.
pub(crate) const CONDITION: u64 = 40;
/// Units for each part of a document on the path to a field.
pub(crate) const STEP: u64 = 4;
/// Units for each byte that a regular expression reads.
pub(crate) const REGEX_BYTE: u64 = 4;
/// Units for each byte of a query: reading it, and choosing an index.
pub(crate) const QUERY_BYTE: u64 = 16;
/// Units for each byte of memory of a query's regular expressions: compiling them.
pub(crate) const COMPILED_BYTE: u64 = 16;
/// Bytes of a constant that cost one unit to compare.
pub(crate) const COMPARED_BYTES: usize = 8;

/// Units after which the meter is charged.
const BATCH: u64 = 10_000;

/// Counts the work of examining documents.
pub(crate) struct QueryWork<'m> {
    meter: Option<&'m Meter>,
    /// Units that are not charged yet.
    pending: u64,
    used: u64,
    limit: u64,
}

impl<'m> QueryWork<'m> {
    /// Charges a meter; without one, work is unlimited.
    pub(crate) fn of(meter: Option<&'m Meter>) -> Self {
        Self { meter, pending: 0, used: 0, limit: u64::MAX }
    }

    /// Makes work with a limit of its own, which decides a result. Use a new one for each
    /// document.
    pub(crate) fn up_to(limit: u64) -> Self {
        Self { meter: None, pending: 0, used: 0, limit }
    }

    /// True for work with a limit of its own.
    pub(crate) fn is_limited(&self) -> bool {
        self.limit < u64::MAX
    }

    /// Spends units of work.
    ///
    /// Errors: fewer units are left.
    pub(crate) fn spend(&mut self, units: u64) -> Result<(), Exhausted> {
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

    /// Charges the pending units.
    pub(crate) fn settle(&mut self) -> Result<(), Exhausted> {
        let units = std::mem::take(&mut self.pending);
        self.meter.map_or(Ok(()), |meter| meter.charge(units))
    }

    /// Units spent so far.
    pub(crate) fn used(&self) -> u64 {
        self.used
    }
}
