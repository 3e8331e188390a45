//! The indexes of a channel, and their changes by a commit.
//!
//! Each entry is a row of the channel's table, without a value. One more row for each index has its
//! definition. A commit changes entries in its own batch, so an index is never behind the state.
//!
//! Invariant: changed only with the channel's writer lock held. A reader keeps the set with which
//! it began.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

use serde::{Deserialize, Serialize};

use crate::error::LedgerError;
use crate::json::{Json, Value};
use crate::rich::columns::Columns;
use crate::rich::field::{Document, Path};
use crate::rich::index::{Index, IndexDefinition};
use crate::rich::space::{DEFINITION, Space, definition_row};
use crate::store::state::VersionedValue;
use crate::store::{Batch, Table};

/// The indexes of a channel.
#[derive(Default)]
pub(crate) struct Indexes {
    all: RwLock<Arc<IndexSet>>,
}

/// A snapshot of all indexes, without those that are being removed.
#[derive(Default)]
pub(crate) struct IndexSet {
    /// By namespace and collection.
    spaces: BTreeMap<(String, String), SpaceIndexes>,
    /// The ids of dropped indexes whose entries have yet to be removed.
    pub(crate) dropped: Vec<u32>,
    /// Dropped indexes that this version cannot use: chaincode and reason.
    pub(crate) useless: Vec<(String, String)>,
    pub(crate) next_id: u32,
}

/// The indexes of one space.
#[derive(Default)]
struct SpaceIndexes {
    /// Sorted by design document and name.
    all: Vec<Arc<Index>>,
    /// The columns of all indexes.
    columns: Columns,
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
    /// Parses the definition. The error is the reason why this version cannot use the index.
    fn usable(&self) -> Result<IndexDefinition, String> {
        let parsed = IndexDefinition::parse(self.definition.as_bytes());
        let definition = parsed
            .map_err(|error| format!("this version refuses the definition of an index: {error}"))?;
        let has_all = self.reader == READER_OF_OBJECTS
            && definition.filter.is_none()
            && !definition.columns.iter().all(Path::is_id);
        if self.reader == READER || has_all {
            return Ok(definition);
        }
        let name = definition.full_name();
        Err(format!("index {name} was made by an earlier version and is being rebuilt"))
    }
}

/// Version of the reader of documents. Increase it when other values become documents, or documents
/// are read differently: earlier indexes are then unusable.
pub(crate) const READER: u32 = 2;
/// The version that treated only JSON objects as documents, and matched some filters differently.
/// Documents added since lack all fields but the key. So an index without a filter and with
/// another field is unchanged.
const READER_OF_OBJECTS: u32 = 1;

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
                // An earlier version accepted this definition. Queries do not use the index until
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
            set.spaces.entry(space).or_default().all.push(Arc::new(index));
        }
        for SpaceIndexes { all, columns } in set.spaces.values_mut() {
            all.sort_by_key(|index| index.definition.full_name());
            *columns = all.iter().flat_map(|index| &index.definition.columns).collect();
        }
        Ok(set)
    }

    /// The indexes of a space, by name, including those that are not built.
    pub(crate) fn of(&self, namespace: &str, collection: &str) -> &[Arc<Index>] {
        self.space(namespace, collection).map_or(&[], |space| &space.all)
    }

    fn space(&self, namespace: &str, collection: &str) -> Option<&SpaceIndexes> {
        if self.spaces.is_empty() {
            return None;
        }
        self.spaces.get(&(namespace.to_owned(), collection.to_owned()))
    }

    /// Returns the indexes that are incomplete, so that their entries cannot be compared.
    pub(crate) fn incomplete(&self) -> Vec<u32> {
        let building = self.all().filter(|index| !index.is_built).map(|index| index.id);
        building.chain(self.dropped.iter().copied()).collect()
    }

    pub(crate) fn all(&self) -> impl Iterator<Item = &Arc<Index>> {
        self.spaces.values().flat_map(|space| &space.all)
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
        let Some(indexes) = self.space(space.namespace(), space.collection()) else { return };
        let read = [before, after].map(|value| Some(Json::read_document(&value?.value)));
        let [before, after] = read.each_ref().map(|json| {
            let document = Document { key: Some(key), value: json.as_ref()?.value() };
            Some((document, indexes.columns.find(document)))
        });
        for index in &indexes.all {
            let [old, new] = [&before, &after].map(|found| {
                let (document, found) = found.as_ref()?;
                let entry = index.definition.entry_of(*document, found)?;
                Some(index.row_of(space, key, &entry))
            });
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
    /// Returns the entry of a document; None if it is not in the index. Adds the units of work to
    /// `spent`.
    pub(crate) fn row(
        &self,
        space: &Space,
        key: &str,
        value: Value<'_>,
        spent: &mut u64,
    ) -> Option<Vec<u8>> {
        let entry = self.definition.entry(Document { key: Some(key), value }, spent)?;
        Some(self.row_of(space, key, &entry))
    }

    fn row_of(&self, space: &Space, key: &str, entry: &[u8]) -> Vec<u8> {
        [&space.index_head(self.id), entry, key.as_bytes()].concat()
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
