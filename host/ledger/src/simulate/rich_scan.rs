//! The documents of a query, one by one, as they were at the height of a snapshot.
//!
//! An index entry is in the table while its document has that value. If a newer block has changed
//! the document, the entry may be gone, but then the overlay has the key. So the candidates are the
//! rows of the table and those of the overlay, in one order. Each document is read at the height of
//! the snapshot and matched again.
//!
//! Invariant: the table is read before the overlay (see `store::overlay`). A row that the table no
//! longer has was replaced before, so the overlay has it.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use crate::error::{LedgerError, QueryError};
use crate::json::{Json, Value};
use crate::rich::field::Document;
use crate::rich::index::Index;
use crate::rich::plan::QueryPlan;
use crate::rich::projection::Projection;
use crate::rich::query::RichQuery;
use crate::rich::selector::Selector;
use crate::rich::space::{Space, entry_key};
use crate::rich::work::{DOCUMENT, DOCUMENT_BYTE, QueryWork};
use crate::simulate::snapshot::Snapshot;
use crate::store::TableRows;
use crate::store::state::VersionedValue;
use wasmcc_types::{Exhausted, Meter};

/// An open query.
pub(crate) struct RichScan {
    snapshot: Snapshot,
    /// The transaction's meter, which is charged.
    meter: Option<Arc<Meter>>,
    pub(crate) space: Space,
    pub(crate) plan: QueryPlan,
    selector: Selector,
    fields: Option<Projection>,
    skip: u64,
    examined: usize,
    rows: TableRows,
    /// The next row of the table, if it was read ahead.
    peeked: Option<Vec<u8>>,
    /// Rows of the overlay that were not examined yet.
    replaced: BTreeSet<Vec<u8>>,
    /// The first block whose layer was not read yet.
    next_layer: u64,
    /// The last row that was examined.
    pub(crate) last: Option<Vec<u8>>,
}

/// A document that was found.
pub(crate) struct FoundRow {
    pub(crate) key: String,
    /// The version, and the value that is returned to the chaincode.
    pub(crate) value: VersionedValue,
}

impl RichScan {
    /// Opens a query; logs a warning if it reads every document.
    pub(crate) fn new(
        snapshot: &Snapshot,
        meter: Option<Arc<Meter>>,
        space: Space,
        query: RichQuery,
    ) -> Result<Self, LedgerError> {
        let ledger = snapshot.ledger();
        let indexes = ledger.indexes.get();
        let plan =
            QueryPlan::new(&query, &space, indexes.of(space.namespace(), space.collection()))?;
        for warning in &plan.warnings {
            let (channel, chaincode) = (ledger.channel_id(), space.namespace());
            tracing::warn!(%channel, chaincode, warning, "warning about a rich query");
        }
        let mut scan = Self {
            rows: ledger.table.range(&plan.from, &plan.from),
            next_layer: snapshot.height(),
            snapshot: snapshot.clone(),
            meter,
            space,
            plan,
            selector: query.selector,
            fields: query.fields,
            skip: query.skip,
            examined: 0,
            peeked: None,
            replaced: BTreeSet::new(),
            last: None,
        };
        if let Some(bookmark) = query.bookmark {
            scan.go_on_after(&bookmark)?;
        }
        let (from, to) = (&scan.plan.from, &scan.plan.to);
        if from < to && !matches!(scan.selector, Selector::Nothing) {
            scan.rows = scan.snapshot.ledger().table.range(from, to);
        } else {
            scan.plan.to.clone_from(&scan.plan.from);
        }
        Ok(scan)
    }

    /// Returns the next matching document.
    pub(crate) fn next(&mut self) -> Result<Option<FoundRow>, LedgerError> {
        while let Some(row) = self.next_row()? {
            self.check_examined()?;
            let found = self.look_at(&row)?;
            self.last = Some(row);
            match found {
                Some(_) if self.skip > 0 => self.skip -= 1,
                Some(found) => return Ok(Some(found)),
                None => {}
            }
        }
        Ok(None)
    }

    /// Returns the next row of the table or the overlay, whichever is first.
    fn next_row(&mut self) -> Result<Option<Vec<u8>>, LedgerError> {
        if self.peeked.is_none() {
            let row = match self.plan.reverse {
                false => self.rows.next(),
                true => self.rows.next_back(),
            };
            self.peeked = row.transpose()?.map(|(row, _)| row);
        }
        // The overlay must be read after the table.
        self.look_at_layers()?;
        if let Some(index) = self.plan.index.as_ref().filter(|i| i.replaced.load(Ordering::SeqCst))
        {
            let name = index.definition.full_name();
            return Err(QueryError::IndexReplaced { name }.into());
        }
        let replaced = match self.plan.reverse {
            false => self.replaced.first(),
            true => self.replaced.last(),
        };
        let row = match (&self.peeked, replaced) {
            (Some(stored), Some(replaced)) if self.is_before(replaced, stored) => replaced.clone(),
            (Some(stored), _) => stored.clone(),
            (None, Some(replaced)) => replaced.clone(),
            (None, None) => return Ok(None),
        };
        self.replaced.remove(&row);
        if self.peeked.as_ref() == Some(&row) {
            self.peeked = None;
        }
        Ok(Some(row))
    }

    /// Adds the rows that blocks have replaced since the last call.
    fn look_at_layers(&mut self) -> Result<(), LedgerError> {
        let layers = self.snapshot.ledger().overlay.layers_from(self.next_layer);
        if layers.is_empty() {
            return Ok(());
        }
        let (first, after) = self.space.bounds();
        let meter = self.meter.clone();
        let mut work = QueryWork::of(meter.as_deref());
        for (block, layer) in layers {
            for row in layer.range(first.clone()..after.clone()).map(|(row, _)| row) {
                let key = self.space.key(row)?;
                let Some(place) = self.place(&key, &mut work)? else { continue };
                let passed = self.last.as_ref().is_some_and(|last| !self.is_before(last, &place));
                if self.plan.from <= place && place < self.plan.to && !passed {
                    self.replaced.insert(place);
                }
            }
            self.next_layer = block + 1;
        }
        Ok(work.settle()?)
    }

    /// Returns the row of a key in the order of the query, at the height of the snapshot.
    fn place(&self, key: &str, work: &mut QueryWork<'_>) -> Result<Option<Vec<u8>>, LedgerError> {
        let Some(index) = &self.plan.index else { return Ok(Some(self.space.row(key))) };
        let Some((_, json)) = self.document(key, work)? else { return Ok(None) };
        Ok(self.entry(index, key, json.value(), work)?)
    }

    /// Returns the row of a document in an index.
    fn entry(
        &self,
        index: &Index,
        key: &str,
        json: Value<'_>,
        work: &mut QueryWork<'_>,
    ) -> Result<Option<Vec<u8>>, Exhausted> {
        let mut spent = 0;
        let row = index.row(&self.space, key, json, &mut spent);
        work.spend(spent)?;
        Ok(row)
    }

    /// Returns a value of the snapshot, and the document that it contains; None if the key does not
    /// exist.
    fn document(
        &self,
        key: &str,
        work: &mut QueryWork<'_>,
    ) -> Result<Option<(VersionedValue, Json)>, LedgerError> {
        work.spend(DOCUMENT)?;
        let Some(value) = self.snapshot.row(&self.space.row(key))? else { return Ok(None) };
        work.spend(DOCUMENT_BYTE * value.value.len() as u64)?;
        let document = Json::read_document(&value.value);
        Ok(Some((value, document)))
    }

    fn look_at(&self, row: &[u8]) -> Result<Option<FoundRow>, LedgerError> {
        let key = match &self.plan.index {
            None => self.space.key(row)?,
            Some(index) => {
                let head = self.space.index_head(index.id).len();
                entry_key(row, head, index.definition.columns.len())
                    .ok_or(LedgerError::CorruptState { what: "an index entry has no key" })?
                    .to_owned()
            }
        };
        let mut work = QueryWork::of(self.meter.as_deref());
        let Some((mut value, json)) = self.document(&key, &mut work)? else {
            work.settle()?;
            return Ok(None);
        };
        let json = json.value();
        let is_here = match &self.plan.index {
            None => true,
            // Otherwise the document has another row and is found there.
            Some(index) => self.entry(index, &key, json, &mut work)?.is_some_and(|it| it == row),
        };
        let document = Document { key: Some(&key), value: json };
        let is_wanted = is_here && self.selector.matches(document, &mut work)?;
        if let (true, Some(fields)) = (is_wanted, &self.fields) {
            value.value = fields.apply(json, &mut work)?;
        }
        work.settle()?;
        if !is_wanted {
            return Ok(None);
        }
        Ok(Some(FoundRow { key, value }))
    }

    /// True if one row precedes another in the order of the query.
    fn is_before(&self, a: &[u8], b: &[u8]) -> bool {
        if self.plan.reverse { a > b } else { a < b }
    }

    fn check_examined(&mut self) -> Result<(), LedgerError> {
        let limit = self.snapshot.ledger().config.max_examined_values;
        if self.examined >= limit {
            return Err(QueryError::TooManyExamined { limit }.into());
        }
        self.examined += 1;
        Ok(())
    }
}
