//! The indexes of a channel, and what a commit changes in them.
//!
//! Each entry is a row of the channel's table, without a value; one more row for each index has its
//! definition. A commit changes entries in its own batch, so an index is never behind the state.
//!
//! Invariant: changed only with the channel's writer lock held. A reader keeps the set that it
//! began with.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

use serde::{Deserialize, Serialize};

use crate::error::LedgerError;
use crate::json::{Json, Value};
use crate::rich::field::Document;
use crate::rich::index::{Index, IndexDefinition};
use crate::rich::space::{DEFINITION, Space, definition_row};
use crate::store::state::VersionedValue;
use crate::store::{Batch, Table};

/// The indexes of a channel.
#[derive(Default)]
pub(crate) struct Indexes {
    all: RwLock<Arc<IndexSet>>,
}

/// All indexes at some time, without those that are being removed.
#[derive(Default)]
pub(crate) struct IndexSet {
    /// By namespace and collection, then by design document and name.
    spaces: BTreeMap<(String, String), Vec<Arc<Index>>>,
    /// The ids of dropped indexes whose entries have yet to be removed.
    pub(crate) dropped: Vec<u32>,
    /// Those of them that this version cannot use, each with its chaincode and why.
    pub(crate) useless: Vec<(String, String)>,
    pub(crate) next_id: u32,
}

/// The state of an index.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum IndexState {
    /// Commits maintain it; earlier documents are still being added.
    Building,
    /// Complete.
    Built,
    /// Its entries are being removed.
    Dropped,
}

/// The row of an index.
#[derive(Serialize, Deserialize)]
pub(crate) struct StoredIndex {
    pub(crate) namespace: String,
    pub(crate) collection: String,
    /// The JSON of the definition.
    pub(crate) definition: String,
    pub(crate) state: IndexState,
    /// The version of the reader that read the indexed documents.
    #[serde(default)]
    pub(crate) reader: u32,
}

impl StoredIndex {
    /// The definition, or why this version cannot use the index.
    fn usable(&self) -> Result<IndexDefinition, String> {
        let parsed = IndexDefinition::parse(self.definition.as_bytes());
        let definition = parsed
            .map_err(|error| format!("the definition of an index is refused today: {error}"))?;
        if self.reader == READER {
            return Ok(definition);
        }
        let name = definition.full_name();
        Err(format!("index {name} was made by an earlier version and is built again"))
    }
}

/// Has to change when other values than before become documents, or documents are read differently:
/// earlier indexes are useless then.
pub(crate) const READER: u32 = 1;

impl Indexes {
    /// Returns the current set.
    pub(crate) fn get(&self) -> Arc<IndexSet> {
        Arc::clone(&self.all.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Reads the set from a table again.
    pub(crate) fn load(&self, table: &Table) -> Result<(), LedgerError> {
        let set = IndexSet::read(table, &self.get())?;
        *self.all.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(set);
        Ok(())
    }
}

impl IndexSet {
    /// Reads the set from a table. Indexes that are also in `before` keep their identity for their
    /// readers.
    fn read(table: &Table, before: &Self) -> Result<Self, LedgerError> {
        let mut set = Self::default();
        for row in table.range(&[DEFINITION], &[DEFINITION + 1]) {
            let (row, value) = row?;
            let damaged = LedgerError::CorruptState { what: "an index definition does not parse" };
            let id = row.get(1..).and_then(|id| id.try_into().ok()).map(u32::from_be_bytes);
            let (Some(id), Ok(stored)) = (id, serde_json::from_slice::<StoredIndex>(&value)) else {
                return Err(damaged);
            };
            set.next_id = id.saturating_add(1);
            if stored.state == IndexState::Dropped {
                set.dropped.push(id);
                continue;
            }
            let definition = match stored.usable() {
                Ok(definition) => definition,
                // An earlier version accepted this definition. Queries do without the index until
                // it is defined again.
                Err(why) => {
                    set.dropped.push(id);
                    set.useless.push((stored.namespace, why));
                    continue;
                }
            };
            let known = before.all().find(|index| index.id == id);
            let index = Index {
                id,
                namespace: stored.namespace,
                collection: stored.collection,
                definition,
                is_built: stored.state == IndexState::Built,
                replaced: known.map(|known| Arc::clone(&known.replaced)).unwrap_or_default(),
            };
            let space = (index.namespace.clone(), index.collection.clone());
            set.spaces.entry(space).or_default().push(Arc::new(index));
        }
        for indexes in set.spaces.values_mut() {
            let name = |index: &Arc<Index>| index.definition.full_name();
            indexes.sort_by_key(name);
        }
        Ok(set)
    }

    /// The indexes of a space, by name, including those that are not built.
    pub(crate) fn of(&self, namespace: &str, collection: &str) -> &[Arc<Index>] {
        if self.spaces.is_empty() {
            return &[];
        }
        let space = (namespace.to_owned(), collection.to_owned());
        self.spaces.get(&space).map_or(&[], Vec::as_slice)
    }

    /// Indexes that are not complete, so that their entries cannot be compared.
    pub(crate) fn incomplete(&self) -> Vec<u32> {
        let building = self.all().filter(|index| !index.is_built).map(|index| index.id);
        building.chain(self.dropped.iter().copied()).collect()
    }

    pub(crate) fn all(&self) -> impl Iterator<Item = &Arc<Index>> {
        self.spaces.values().flatten()
    }

    /// True if a commit to this space changes an index.
    pub(crate) fn concern(&self, namespace: &str, collection: &str) -> bool {
        !self.of(namespace, collection).is_empty()
    }

    /// Adds the changes of a space's indexes to a batch, for one changed key.
    pub(crate) fn change(
        &self,
        batch: &mut Batch,
        space: &Space,
        key: &str,
        before: Option<&VersionedValue>,
        after: Option<&VersionedValue>,
    ) {
        let indexes = self.of(space.namespace(), space.collection());
        if indexes.is_empty() {
            return;
        }
        let [before, after] = [before, after].map(|value| Json::read_object(&value?.value));
        for index in indexes {
            let [old, new] = [&before, &after]
                .map(|value| index.row(space, key, value.as_ref()?.value(), &mut 0));
            if old == new {
                continue;
            }
            if let Some(row) = old {
                batch.delete(row);
            }
            if let Some(row) = new {
                batch.put(row, Vec::new());
            }
        }
    }
}

impl Index {
    /// The entry of a document; None if it is not in the index. Adds the units of work to `spent`.
    pub(crate) fn row(
        &self,
        space: &Space,
        key: &str,
        value: Value<'_>,
        spent: &mut u64,
    ) -> Option<Vec<u8>> {
        let entry = self.definition.entry(Document { key: Some(key), value }, spent)?;
        let mut row = space.index_head(self.id);
        row.extend_from_slice(&entry);
        row.extend_from_slice(key.as_bytes());
        Some(row)
    }

    pub(crate) fn stored(&self, state: IndexState) -> StoredIndex {
        StoredIndex {
            namespace: self.namespace.clone(),
            collection: self.collection.clone(),
            definition: self.definition.json.clone(),
            state,
            reader: READER,
        }
    }
}

impl StoredIndex {
    /// Adds the index's row to a batch.
    pub(crate) fn put(&self, batch: &mut Batch, id: u32) -> Result<(), LedgerError> {
        batch.put(definition_row(id), self.encode()?);
        Ok(())
    }

    /// Encodes the value of the index's row.
    pub(crate) fn encode(&self) -> Result<Vec<u8>, LedgerError> {
        serde_json::to_vec(self)
            .map_err(|_| LedgerError::CorruptState { what: "an index cannot be written" })
    }
}
