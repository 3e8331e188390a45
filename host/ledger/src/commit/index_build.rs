//! Creates and removes indexes while the channel is in use.
//!
//! First the definition is stored; from then on, commits maintain the index. Earlier documents are
//! added in batches, between which blocks may be committed. At the end the index is marked as
//! built. An interrupted build starts again on request after the channel is opened. Adding an entry
//! is idempotent.
//!
//! Invariant: every batch is applied with the channel's writer lock held, so no entry is added for
//! a value that a commit has just replaced.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::Ordering;
use std::sync::{Arc, MutexGuard, PoisonError};

use crate::error::{LedgerError, QueryError};
use crate::json::Json;
use crate::ledger::{Ledger, Writer};
use crate::rich::index::{Index, IndexDefinition};
use crate::rich::indexes::{IndexState, READER, StoredIndex};
use crate::rich::space::{DEFINITION, Space, definition_row, entry_range};
use crate::store::state::VersionedValue;
use crate::store::{Batch, Table, key};

/// Limits of one batch: rows, and bytes of their values.
const BATCH_ROWS: usize = 1000;
const BATCH_BYTES: usize = 8 << 20;

/// An index of a chaincode.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DefinedIndex {
    /// The collection; empty for public state.
    pub collection: String,
    /// `DESIGN_DOCUMENT/NAME`.
    pub name: String,
    /// Whether it is built.
    pub is_built: bool,
}

impl Ledger {
    /// As [`declare_indexes`](Self::declare_indexes), but returns when the indexes are built.
    pub fn define_indexes(
        &self,
        namespace: &str,
        collection: &str,
        definitions: &[IndexDefinition],
    ) -> Result<usize, LedgerError> {
        let new = self.declare_indexes(namespace, collection, definitions)?;
        self.finish_indexes()?;
        Ok(new)
    }

    /// Builds all declared indexes.
    pub fn finish_indexes(&self) -> Result<(), LedgerError> {
        self.build_indexes(|| true).map(drop)
    }

    /// Builds the declared indexes, in batches between which blocks may be committed. Queries do
    /// not use an index before it is built. `may_go_on` is called before each batch of up to 1,000
    /// documents. If it returns false, this returns false, and the next call starts again.
    pub fn build_indexes(&self, may_go_on: impl Fn() -> bool) -> Result<bool, LedgerError> {
        let set = self.indexes.get();
        for id in &set.dropped {
            let mut is_left = true;
            while is_left {
                if !may_go_on() {
                    return Ok(false);
                }
                is_left = self.remove_entries(*id)?;
            }
        }
        for index in set.all().filter(|index| !index.is_built) {
            for space in self.index_spaces(&index.namespace, &index.collection)? {
                let (first, to) = space.bounds();
                let mut next = Some(first);
                while let Some(from) = next {
                    if !may_go_on() {
                        return Ok(false);
                    }
                    next = self.add_entries(index, &space, &from, &to)?;
                }
            }
            self.declare_built(index)?;
        }
        Ok(true)
    }

    /// Returns the indexes of a chaincode.
    pub fn indexes_of(&self, namespace: &str) -> Vec<DefinedIndex> {
        let set = self.indexes.get();
        let own = set.all().filter(|index| index.namespace == namespace);
        own.map(|index| DefinedIndex {
            collection: index.collection.clone(),
            name: index.definition.full_name(),
            is_built: index.is_built,
        })
        .collect()
    }

    /// Returns the spaces with documents from before the declaration. An organization that gets its
    /// first private key later is not among them: commits maintain the index by then.
    fn index_spaces(&self, namespace: &str, collection: &str) -> Result<Vec<Space>, LedgerError> {
        if collection.is_empty() {
            return Ok(vec![Space::public(namespace)]);
        }
        let mut spaces = Vec::new();
        let (mut from, to) = key::all_private();
        while let Some(row) = self.table.range(&from, &to).next() {
            let (org, after) = key::private_org(&row?.0)?;
            spaces.push(Space::private(&org, namespace, collection));
            from = after;
        }
        Ok(spaces)
    }

    /// Defines indexes; `collection` is empty for public state. An index of the same design
    /// document and name is replaced if its definition differs; all others stay. Returns the number
    /// of new ones, which have to be built.
    ///
    /// Errors: `TooManyIndexes`; nothing has changed then.
    pub fn declare_indexes(
        &self,
        namespace: &str,
        collection: &str,
        definitions: &[IndexDefinition],
    ) -> Result<usize, LedgerError> {
        let _writer = self.writer()?;
        let set = self.indexes.get();
        let mut batch = Batch::default();
        let mut names: BTreeSet<_> = set
            .all()
            .filter(|index| index.namespace == namespace)
            .map(|index| (index.collection.clone(), index.definition.full_name()))
            .collect();
        let (mut next_id, mut replaced) = (set.next_id, Vec::new());
        // With several definitions of a name, the last one is used.
        let named = |definition| (IndexDefinition::full_name(definition), definition);
        let wanted: BTreeMap<_, _> = definitions.iter().map(named).collect();
        for (name, definition) in &wanted {
            let mut known = set.of(namespace, collection).iter();
            match known.find(|index| index.definition.full_name() == *name) {
                Some(index) if index.definition.json == definition.json => continue,
                Some(index) => {
                    index.stored(IndexState::Dropped).put(&mut batch, index.id)?;
                    replaced.push(Arc::clone(index));
                }
                None => {}
            }
            let stored = StoredIndex {
                namespace: namespace.to_owned(),
                collection: collection.to_owned(),
                definition: definition.json.clone(),
                state: IndexState::Building,
                reader: READER,
            };
            stored.put(&mut batch, next_id)?;
            next_id += 1;
            names.insert((collection.to_owned(), name.clone()));
        }
        let limit = self.config.max_indexes;
        if names.len() > limit {
            let namespace = namespace.to_owned();
            return Err(QueryError::TooManyIndexes { namespace, limit }.into());
        }
        let new = next_id - set.next_id;
        if new > 0 {
            // Readers of the index must see this before the first entry is removed.
            replaced.iter().for_each(|index| index.replaced.store(true, Ordering::SeqCst));
            self.table.apply(batch)?;
            self.indexes.load(&self.table)?;
        }
        Ok(new as usize)
    }

    /// Adds the entries of some documents; returns the row at which to continue.
    fn add_entries(
        &self,
        index: &Index,
        space: &Space,
        from: &[u8],
        to: &[u8],
    ) -> Result<Option<Vec<u8>>, LedgerError> {
        let _writer = self.writer()?;
        // Another thread may have finished or dropped the index.
        if !self.indexes.get().all().any(|known| known.id == index.id && !known.is_built) {
            return Ok(None);
        }
        let (mut batch, mut rows, mut bytes) = (Batch::default(), 0, 0);
        let mut next = None;
        for row in self.table.range(from, to) {
            let (row, value) = row?;
            if rows == BATCH_ROWS || bytes >= BATCH_BYTES {
                next = Some(row);
                break;
            }
            (rows, bytes) = (rows + 1, bytes + value.len());
            let key = space.key(&row)?;
            let document = Json::read_document(&VersionedValue::decode(&value)?.value);
            if let Some(entry) = index.row(space, &key, document.value(), &mut 0) {
                batch.put(entry, Vec::new());
            }
        }
        self.table.apply(batch)?;
        Ok(next)
    }

    fn declare_built(&self, index: &Index) -> Result<(), LedgerError> {
        let _writer = self.writer()?;
        if self.indexes.get().all().any(|known| known.id == index.id && !known.is_built) {
            let mut batch = Batch::default();
            index.stored(IndexState::Built).put(&mut batch, index.id)?;
            self.table.apply(batch)?;
            self.indexes.load(&self.table)?;
            let (channel, chaincode) = (&self.channel, index.namespace.as_str());
            let name = index.definition.full_name();
            tracing::info!(%channel, chaincode, collection = index.collection, name, "built index");
        }
        Ok(())
    }

    /// Removes some entries of a dropped index, and its definition after the last one. Returns
    /// whether entries are left.
    fn remove_entries(&self, id: u32) -> Result<bool, LedgerError> {
        let _writer = self.writer()?;
        let (from, to) = entry_range(id);
        let (mut batch, mut rows) = (Batch::default(), 0);
        for row in self.table.range(&from, &to).take(BATCH_ROWS) {
            batch.delete(row?.0);
            rows += 1;
        }
        if rows < BATCH_ROWS {
            batch.delete(definition_row(id));
        }
        self.table.apply(batch)?;
        if rows < BATCH_ROWS {
            self.indexes.load(&self.table)?;
        }
        Ok(rows == BATCH_ROWS)
    }

    fn writer(&self) -> Result<MutexGuard<'_, Writer>, LedgerError> {
        let writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        if writer.failed {
            return Err(LedgerError::NeedsReopen { channel: self.channel.clone() });
        }
        Ok(writer)
    }

    /// Copies the indexes of another table into a table that is being rebuilt from the first block.
    /// `as_built`: the table is empty, so the indexes are complete.
    pub(crate) fn copy_indexes(&self, other: &Table, as_built: bool) -> Result<(), LedgerError> {
        let mut batch = Batch::default();
        for row in other.range(&[DEFINITION], &[DEFINITION + 1]) {
            let (row, value) = row?;
            match serde_json::from_slice::<StoredIndex>(&value) {
                Ok(stored) if as_built && stored.state == IndexState::Dropped => {}
                Ok(mut stored) if as_built => {
                    stored.state = IndexState::Built;
                    batch.put(row, stored.encode()?);
                }
                _ => batch.put(row, value),
            }
        }
        self.table.apply(batch)?;
        self.indexes.load(&self.table)
    }
}
