//! Implements the port by plain calls of this peer's own ledger.

use std::sync::Arc;

use crate::chaincode::backend::access::Feature;
use crate::chaincode::backend::private_access::{PrivateAccess, Use};
use crate::chaincode::backend::queries::{OpenQuery, Queries, row};
use crate::chaincode::backend::refusal::BackendRefusal;
use crate::chaincode::execute::{Callee, ChaincodeSupport};
use crate::chaincode::tx_params::TxParams;
use wasmcc_ledger::{Page, Simulator};
use wasmcc_protocol::{MessageType, TxKey, failure_text};
use wasmcc_runtime::{
    Backend, BackendError, ErrorKind, KeyModification, KeyValue, PageRequest, QueryBatch, Reply,
};
use wasmcc_types::{Entry, Response, TxId};

/// One chaincode's view of one transaction. Texts of refusals begin as those of Fabric's peer, so
/// that a chaincode gets the same texts here and behind a Fabric peer.
pub(crate) struct LocalBackend {
    support: Arc<ChaincodeSupport>,
    tx: TxParams,
    namespace: String,
    queries: Queries,
    private: PrivateAccess,
    /// True if refusals contain only their cause.
    is_bare: bool,
}

impl LocalBackend {
    /// Makes the view of chaincode `namespace` in a call of its function `entry`.
    pub(crate) fn new(
        support: Arc<ChaincodeSupport>,
        tx: TxParams,
        namespace: String,
        entry: Entry,
    ) -> Self {
        let queries = Queries::new(support.config().queries.clone());
        let private = PrivateAccess::new(entry);
        Self { support, tx, namespace, queries, private, is_bare: false }
    }

    /// Omits the beginning of Fabric's texts, for a protocol that adds it itself.
    pub(crate) fn bare(self) -> Self {
        Self { is_bare: true, ..self }
    }

    fn answer<T>(&self, kind: MessageType, result: Result<T, BackendRefusal>) -> Reply<'static, T> {
        Reply::now(answered(result, kind, &self.tx.tx_id, self.is_bare))
    }

    /// Runs `work` on the simulator of the transaction.
    fn simulate<T>(
        &mut self,
        kind: MessageType,
        work: impl FnOnce(&mut Simulator, &str, &mut Queries) -> Result<T, BackendRefusal>,
    ) -> Reply<'static, T> {
        let result = match self.tx.simulator() {
            Ok(mut sim) => work(&mut sim, &self.namespace, &mut self.queries),
            Err(error) => Err(error.into()),
        };
        self.answer(kind, result)
    }

    /// As [`simulate`](Self::simulate), after checking that the call may use the collection in this
    /// way. An empty name is the public state.
    fn simulate_on<T>(
        &mut self,
        kind: MessageType,
        collection: &str,
        wanted: Use,
        work: impl FnOnce(&mut Simulator, &str, &mut Queries) -> Result<T, BackendRefusal>,
    ) -> Reply<'static, T> {
        let result = self.tx.simulator().map_err(BackendRefusal::from).and_then(|mut sim| {
            if !collection.is_empty() {
                let (access, namespace) = (self.support.access(), self.namespace.as_str());
                self.private.check(wanted, access, &self.tx, namespace, collection, &mut sim)?;
            }
            work(&mut sim, &self.namespace, &mut self.queries)
        });
        self.answer(kind, result)
    }

    fn check_feature(&self, feature: Feature) -> Result<(), BackendRefusal> {
        let checked = self.support.access().check_feature(feature, &self.tx.channel_id);
        checked.map_err(|error| BackendRefusal::new(ErrorKind::Unsupported, error.to_string()))
    }
}

/// Converts a refusal. Adds the beginning of Fabric's text, unless `is_bare` or the text is that of
/// a called chaincode.
fn answered<T>(
    result: Result<T, BackendRefusal>,
    kind: MessageType,
    tx_id: &TxId,
    is_bare: bool,
) -> Result<T, BackendError> {
    result.map_err(|refusal| {
        if is_bare || refusal.kind == ErrorKind::CalleeFailed {
            return BackendError::new(refusal.kind, refusal.cause);
        }
        let tx = TxKey::new("", tx_id.as_str());
        BackendError::new(refusal.kind, failure_text(kind, &tx, &refusal.cause))
    })
}

fn whole_page(page: Page) -> QueryBatch<KeyValue> {
    let rows = page.rows.into_iter().map(row).collect();
    QueryBatch { rows, has_more: false, id: String::new(), bookmark: Some(page.bookmark) }
}

impl Backend for LocalBackend {
    fn get_state(&mut self, collection: &str, key: &str) -> Reply<'_, Option<Vec<u8>>> {
        self.simulate_on(
            MessageType::GetState,
            collection,
            Use::Read,
            |sim, ns, _| match collection {
                "" => Ok(sim.get_state(ns, key)?),
                _ => Ok(sim.get_private_data(ns, collection, key)?),
            },
        )
    }

    fn put_state(&mut self, collection: &str, key: &str, value: Vec<u8>) -> Reply<'_, ()> {
        self.simulate_on(MessageType::PutState, collection, Use::Write, |sim, ns, _| {
            match collection {
                "" => Ok(sim.put_state(ns, key, value)?),
                _ => Ok(sim.put_private_data(ns, collection, key, value)?),
            }
        })
    }

    fn del_state(&mut self, collection: &str, key: &str) -> Reply<'_, ()> {
        self.simulate_on(MessageType::DelState, collection, Use::Write, |sim, ns, _| {
            match collection {
                "" => Ok(sim.delete_state(ns, key)?),
                _ => Ok(sim.delete_private_data(ns, collection, key)?),
            }
        })
    }

    fn purge_private_data(&mut self, collection: &str, key: &str) -> Reply<'_, ()> {
        let kind = MessageType::PurgePrivateData;
        if let Err(refused) = self.check_feature(Feature::PurgePrivateData) {
            return self.answer(kind, Err(refused));
        }
        self.simulate_on(kind, collection, Use::Write, |sim, ns, _| match collection {
            "" => {
                let text = "only applicable for private data";
                Err(BackendRefusal::new(ErrorKind::InvalidArgument, text))
            }
            _ => Ok(sim.purge_private_data(ns, collection, key)?),
        })
    }

    fn get_private_data_hash(&mut self, collection: &str, key: &str) -> Reply<'_, Option<Vec<u8>>> {
        let kind = MessageType::GetPrivateDataHash;
        self.simulate_on(kind, collection, Use::Hash, |sim, ns, _| match collection {
            "" => {
                let text = "collection must not be an empty string";
                Err(BackendRefusal::new(ErrorKind::InvalidArgument, text))
            }
            _ => Ok(sim.get_private_data_hash(ns, collection, key)?),
        })
    }

    fn get_state_metadata(
        &mut self,
        collection: &str,
        key: &str,
    ) -> Reply<'_, Vec<(String, Vec<u8>)>> {
        let kind = MessageType::GetStateMetadata;
        if let Err(refused) = self.check_feature(Feature::KeyLevelEndorsement) {
            return self.answer(kind, Err(refused));
        }
        self.simulate_on(kind, collection, Use::Read, |sim, ns, _| {
            let metadata = match collection {
                "" => sim.get_state_metadata(ns, key)?,
                _ => sim.get_private_data_metadata(ns, collection, key)?,
            };
            Ok(metadata.into_iter().collect())
        })
    }

    fn put_state_metadata(
        &mut self,
        collection: &str,
        key: &str,
        name: &str,
        value: Vec<u8>,
    ) -> Reply<'_, ()> {
        let kind = MessageType::PutStateMetadata;
        if let Err(refused) = self.check_feature(Feature::KeyLevelEndorsement) {
            return self.answer(kind, Err(refused));
        }
        self.simulate_on(kind, collection, Use::Write, |sim, ns, _| {
            // Fabric's peer replaces all metadata of the key with this one entry.
            let metadata = [(name.to_owned(), value)].into_iter().collect();
            match collection {
                "" => Ok(sim.put_state_metadata(ns, key, metadata)?),
                _ => Ok(sim.put_private_data_metadata(ns, collection, key, metadata)?),
            }
        })
    }

    fn get_state_by_range(
        &mut self,
        collection: &str,
        start: &str,
        end: &str,
        page: Option<&PageRequest>,
    ) -> Reply<'_, QueryBatch<KeyValue>> {
        let kind = MessageType::GetStateByRange;
        self.simulate_on(kind, collection, Use::Read, |sim, ns, queries| {
            if !collection.is_empty() {
                // Private data has no pages, but the page size still limits the answer.
                let id = queries.reserve()?;
                let range = sim.private_range(ns, collection, start, end)?;
                return queries.states(sim, id, OpenQuery::new(range).up_to(page));
            }
            match page {
                Some(page) if page.is_page() => {
                    let size = usize::try_from(page.size).unwrap_or(0);
                    let bytes = queries.limits().batch_bytes;
                    Ok(whole_page(sim.range_page(ns, start, end, size, &page.bookmark, bytes)?))
                }
                _ => {
                    let id = queries.reserve()?;
                    let range = sim.range(ns, start, end)?;
                    queries.states(sim, id, OpenQuery::new(range))
                }
            }
        })
    }

    fn get_query_result(
        &mut self,
        collection: &str,
        query: &str,
        page: Option<&PageRequest>,
    ) -> Reply<'_, QueryBatch<KeyValue>> {
        let kind = MessageType::GetQueryResult;
        self.simulate_on(kind, collection, Use::Read, |sim, ns, queries| {
            if !collection.is_empty() {
                // As with ranges: no pages, but the page size limits the answer.
                let id = queries.reserve()?;
                let rows = sim.private_rich_query(ns, collection, query)?;
                return queries.states(sim, id, OpenQuery::new(rows).up_to(page));
            }
            match page {
                Some(page) if page.is_page() => {
                    let size = usize::try_from(page.size).unwrap_or(0);
                    let bytes = queries.limits().batch_bytes;
                    Ok(whole_page(sim.rich_page(ns, query, size, &page.bookmark, bytes)?))
                }
                _ => {
                    let id = queries.reserve()?;
                    let rows = sim.rich_query(ns, query)?;
                    queries.states(sim, id, OpenQuery::new(rows))
                }
            }
        })
    }

    fn get_history_for_key(&mut self, key: &str) -> Reply<'_, QueryBatch<KeyModification>> {
        self.simulate(MessageType::GetHistoryForKey, |sim, ns, queries| {
            let id = queries.reserve()?;
            queries.changes(id, OpenQuery::new(sim.history(ns, key)?))
        })
    }

    fn query_next(&mut self, id: &str) -> Reply<'_, QueryBatch<KeyValue>> {
        self.simulate(MessageType::QueryStateNext, |sim, _, queries| match queries.take_range(id) {
            Some(query) => queries.states(sim, id.to_owned(), query),
            None => Err(BackendRefusal::new(ErrorKind::LedgerFailure, "query iterator not found")),
        })
    }

    fn history_next(&mut self, id: &str) -> Reply<'_, QueryBatch<KeyModification>> {
        self.simulate(MessageType::QueryStateNext, |_, _, queries| match queries.take_history(id) {
            Some(query) => queries.changes(id.to_owned(), query),
            None => Err(BackendRefusal::new(ErrorKind::LedgerFailure, "query iterator not found")),
        })
    }

    fn query_close(&mut self, id: &str) -> Reply<'_, ()> {
        self.simulate(MessageType::QueryStateClose, |sim, _, queries| {
            if let Some(query) = queries.take_range(id) {
                sim.close_range(query.source);
            }
            queries.take_history(id);
            Ok(())
        })
    }

    fn invoke_chaincode(&mut self, name: &str, args: Vec<Vec<u8>>) -> Reply<'_, Response> {
        let kind = MessageType::InvokeChaincode;
        let callee = match Callee::find(&self.support, &self.tx, name) {
            Ok(callee) => callee,
            Err(refused) => return self.answer(kind, Err(refused)),
        };
        if callee.is_system() {
            return self.answer(kind, callee.ask_system(args));
        }
        let (tx_id, is_bare) = (self.tx.tx_id.clone(), self.is_bare);
        Reply::later(async move { answered(callee.call(args).await, kind, &tx_id, is_bare) })
    }
}
