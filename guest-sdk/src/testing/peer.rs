//! The peer behind the context of a native test: the counterpart of `component`.
//!
//! Its functions are those of the WIT, with the texts of Fabric's shim and simulator.
//!
//! Invariant: reads see the world as it was when the transaction began; writes are only collected.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use crate::Context;
use crate::Error;
use crate::Result;
use crate::composite_key;
use crate::error::Refusal;
use crate::policy::check_key_policy;
pub(crate) use crate::testing::batches::{HistoryCursor, StateCursor};
use crate::testing::simulation::{Simulation, sha256};
use crate::testing::world::Place;
use crate::timestamp::Timestamp;
use crate::types::{Level, MetadataEntry, Page, Response, SignedProposal};

/// The name that Fabric gives a key's policy among its metadata.
const POLICY: &str = "VALIDATION_PARAMETER";

/// One chaincode's part in a transaction.
pub(crate) struct Peer {
    simulation: Rc<Simulation>,
    chaincode: String,
    args: Vec<Vec<u8>>,
    event: RefCell<Option<(String, Vec<u8>)>>,
}

impl Peer {
    pub(super) fn new(simulation: Rc<Simulation>, chaincode: &str, args: Vec<Vec<u8>>) -> Self {
        simulation.running.borrow_mut().push(chaincode.to_owned());
        Self { simulation, chaincode: chaincode.to_owned(), args, event: RefCell::default() }
    }

    pub(super) fn into_event(self) -> Option<(String, Vec<u8>)> {
        self.event.take()
    }

    fn place(&self) -> Place {
        Place::public(&self.chaincode)
    }

    fn collection(&self, name: &str) -> Result<Place> {
        non_empty(name, "collection must not be an empty string")?;
        Ok(Place::private(&self.chaincode, name))
    }

    /// Where a key with an endorsement policy is; in the collection "" it is a public one.
    fn protected_place(&self, collection: &str) -> Place {
        match collection {
            "" => self.place(),
            name => Place::private(&self.chaincode, name),
        }
    }

    fn get(&self, place: &Place, key: &str) -> Option<Vec<u8>> {
        self.simulation.world.get(place, key).map(<[u8]>::to_vec)
    }

    fn write(&self, place: Place, key: &str, value: &[u8]) -> Result<()> {
        self.simulation.begin_write()?;
        let value = (!value.is_empty()).then(|| value.to_vec());
        self.simulation.writes.borrow_mut().values.insert((place, key.to_owned()), value);
        Ok(())
    }

    fn write_metadata(&self, place: Place, key: &str, name: &str, value: &[u8]) -> Result<()> {
        self.simulation.begin_write()?;
        let metadata = BTreeMap::from([(name.to_owned(), value.to_vec())]);
        self.simulation.writes.borrow_mut().metadata.insert((place, key.to_owned()), metadata);
        Ok(())
    }

    fn policy(&self, place: &Place, key: &str) -> Option<Vec<u8>> {
        self.simulation.world.metadata(place, key).remove(POLICY)
    }

    fn range(&self, place: &Place, (start, end): (String, String)) -> StateCursor {
        StateCursor::new(self.simulation.world.range(place, &start, &end))
    }

    fn page(&self, (start, end): (String, String), page_size: i32, bookmark: &str) -> Result<Page> {
        if page_size == 0 && bookmark.is_empty() {
            // No page to a peer: all rows come, and nothing is said of them.
            let rows = self.simulation.world.range(&self.place(), &start, &end);
            return Ok(Page { rows, fetched_records_count: 0, bookmark: String::new() });
        }
        self.simulation.begin_page()?;
        let start = if bookmark.is_empty() { start } else { bookmark.to_owned() };
        let mut rows = self.simulation.world.range(&self.place(), &start, &end);
        // A size of zero leaves it to the peer, whose own limit is far beyond a unit test.
        let size = usize::try_from(page_size).ok().filter(|size| *size > 0);
        let behind = rows.split_off(size.unwrap_or(rows.len()).min(rows.len()));
        Ok(Page {
            fetched_records_count: rows.len() as u32,
            rows,
            bookmark: behind.into_iter().next().map_or(String::new(), |row| row.key),
        })
    }
}

/// The interface `transaction`.
impl Peer {
    pub(crate) fn get_args(&self) -> Vec<Vec<u8>> {
        self.args.clone()
    }

    pub(crate) fn get_tx_id(&self) -> String {
        self.simulation.proposal.tx_id()
    }

    pub(crate) fn get_channel_id(&self) -> String {
        self.simulation.proposal.channel.clone()
    }

    pub(crate) fn get_creator(&self) -> Vec<u8> {
        self.simulation.proposal.creator.clone()
    }

    pub(crate) fn get_transient(&self) -> Vec<(String, Vec<u8>)> {
        self.simulation.proposal.transient.clone().into_iter().collect()
    }

    pub(crate) fn get_tx_timestamp(&self) -> Result<Timestamp> {
        Ok(self.simulation.proposal.timestamp)
    }

    pub(crate) fn get_binding(&self) -> Vec<u8> {
        self.simulation.proposal.binding()
    }

    /// Nothing is signed here.
    pub(crate) fn get_signed_proposal(&self) -> Option<SignedProposal> {
        None
    }

    pub(crate) fn get_decorations(&self) -> Vec<(String, Vec<u8>)> {
        Vec::new()
    }

    pub(crate) fn get_peer_msp_id(&self) -> Result<String> {
        Ok(self.simulation.proposal.peer_msp_id.clone())
    }
}

/// The interface `state`.
impl Peer {
    pub(crate) fn get_state(&self, key: &str) -> Result<Option<Vec<u8>>> {
        Ok(self.get(&self.place(), key))
    }

    pub(crate) fn get_multiple_states(&self, keys: &[String]) -> Result<Vec<Option<Vec<u8>>>> {
        Ok(keys.iter().map(|key| self.get(&self.place(), key)).collect())
    }

    pub(crate) fn put_state(&self, key: &str, value: &[u8]) -> Result<()> {
        non_empty(key, "key must not be an empty string")?;
        self.write(self.place(), key, value)
    }

    pub(crate) fn del_state(&self, key: &str) -> Result<()> {
        self.write(self.place(), key, b"")
    }

    pub(crate) fn get_state_metadata(&self, key: &str) -> Result<Vec<MetadataEntry>> {
        let metadata = self.simulation.world.metadata(&self.place(), key).into_iter();
        Ok(metadata.map(|(name, value)| MetadataEntry { name, value }).collect())
    }

    pub(crate) fn put_state_metadata(&self, key: &str, entry: &MetadataEntry) -> Result<()> {
        self.write_metadata(self.place(), key, &entry.name, &entry.value)
    }

    pub(crate) fn get_state_validation_parameter(&self, key: &str) -> Result<Option<Vec<u8>>> {
        Ok(self.policy(&self.place(), key))
    }

    pub(crate) fn set_state_validation_parameter(&self, key: &str, policy: &[u8]) -> Result<()> {
        readable(policy)?;
        self.write_metadata(self.place(), key, POLICY, policy)
    }

    /// Batches are about messages; there are none here.
    pub(crate) fn start_write_batch(&self) {}

    pub(crate) fn finish_write_batch(&self) -> Result<()> {
        Ok(())
    }
}

/// The interface `query`.
impl Peer {
    pub(crate) fn get_state_by_range(&self, start: &str, end: &str) -> Result<StateCursor> {
        Ok(self.range(&self.place(), simple_range(start, end)?))
    }

    pub(crate) fn get_state_by_range_with_pagination(
        &self,
        start: &str,
        end: &str,
        page_size: i32,
        bookmark: &str,
    ) -> Result<Page> {
        self.page(simple_range(start, end)?, page_size, bookmark)
    }

    pub(crate) fn get_state_by_partial_composite_key(
        &self,
        object_type: &str,
        attributes: &[String],
    ) -> Result<StateCursor> {
        Ok(self.range(&self.place(), composite_range(object_type, attributes)?))
    }

    pub(crate) fn get_state_by_partial_composite_key_with_pagination(
        &self,
        object_type: &str,
        attributes: &[String],
        page_size: i32,
        bookmark: &str,
    ) -> Result<Page> {
        self.page(composite_range(object_type, attributes)?, page_size, bookmark)
    }

    pub(crate) fn get_query_result(&self, _query: &str) -> Result<StateCursor> {
        Err(no_rich_queries())
    }

    pub(crate) fn get_query_result_with_pagination(
        &self,
        _query: &str,
        _page_size: i32,
        _bookmark: &str,
    ) -> Result<Page> {
        Err(no_rich_queries())
    }

    pub(crate) fn get_history_for_key(&self, key: &str) -> Result<HistoryCursor> {
        Ok(HistoryCursor::new(self.simulation.world.history(&self.place(), key)))
    }
}

/// The interface `private-data`.
impl Peer {
    pub(crate) fn get_private_data(&self, collection: &str, key: &str) -> Result<Option<Vec<u8>>> {
        Ok(self.get(&self.collection(collection)?, key))
    }

    pub(crate) fn get_private_data_hash(
        &self,
        collection: &str,
        key: &str,
    ) -> Result<Option<Vec<u8>>> {
        Ok(self.get_private_data(collection, key)?.map(|value| sha256(&[&value])))
    }

    pub(crate) fn put_private_data(&self, collection: &str, key: &str, value: &[u8]) -> Result<()> {
        let place = self.collection(collection)?;
        non_empty(key, "key must not be an empty string")?;
        self.write(place, key, value)
    }

    pub(crate) fn del_private_data(&self, collection: &str, key: &str) -> Result<()> {
        self.write(self.collection(collection)?, key, b"")
    }

    /// There is no past of private data here, so it is a deletion.
    pub(crate) fn purge_private_data(&self, collection: &str, key: &str) -> Result<()> {
        self.del_private_data(collection, key)
    }

    pub(crate) fn get_private_data_by_range(
        &self,
        collection: &str,
        start: &str,
        end: &str,
    ) -> Result<StateCursor> {
        let (place, range) = (self.collection(collection)?, simple_range(start, end)?);
        self.simulation.begin_private_query()?;
        Ok(self.range(&place, range))
    }

    pub(crate) fn get_private_data_by_partial_composite_key(
        &self,
        collection: &str,
        object_type: &str,
        attributes: &[String],
    ) -> Result<StateCursor> {
        let place = self.collection(collection)?;
        let range = composite_range(object_type, attributes)?;
        self.simulation.begin_private_query()?;
        Ok(self.range(&place, range))
    }

    pub(crate) fn get_private_data_query_result(
        &self,
        collection: &str,
        _query: &str,
    ) -> Result<StateCursor> {
        self.collection(collection)?;
        Err(no_rich_queries())
    }

    pub(crate) fn get_private_data_validation_parameter(
        &self,
        collection: &str,
        key: &str,
    ) -> Result<Option<Vec<u8>>> {
        Ok(self.policy(&self.protected_place(collection), key))
    }

    pub(crate) fn set_private_data_validation_parameter(
        &self,
        collection: &str,
        key: &str,
        policy: &[u8],
    ) -> Result<()> {
        readable(policy)?;
        self.write_metadata(self.protected_place(collection), key, POLICY, policy)
    }
}

/// The interfaces `invocation`, `event` and `log`.
impl Peer {
    pub(crate) fn invoke_chaincode(&self, name: &str, args: &[Vec<u8>], channel: &str) -> Response {
        let simulation = &self.simulation;
        let own_channel = &simulation.proposal.channel;
        let refused =
            |words: String| Response { payload: words.into_bytes(), ..Response::error("") };
        if !channel.is_empty() && channel != own_channel {
            return refused(format!("failed to find ledger for channel: {channel}"));
        }
        // The version behind the colon is ignored, as in Fabric.
        let name = name.split(':').next().unwrap_or_default();
        if simulation.running.borrow().iter().any(|running| running == name) {
            let tx_id = simulation.proposal.tx_id();
            return refused(format!("txid: {tx_id}({own_channel}) exists"));
        }
        let Some(chaincode) = simulation.chaincodes.get(name) else {
            return refused(format!("chaincode {name} not found"));
        };
        // The event of the called one is dropped with its context.
        let ctx = Context::new(Self::new(Rc::clone(simulation), name, args.to_vec()));
        let response = chaincode.invoke(&ctx);
        simulation.running.borrow_mut().pop();
        response
    }

    pub(crate) fn set_event(&self, name: &str, payload: &[u8]) -> Result<()> {
        non_empty(name, "event name can not be empty string")?;
        self.event.replace(Some((name.to_owned(), payload.to_vec())));
        Ok(())
    }

    /// To stderr, which `cargo test` shows for tests that fail.
    pub(crate) fn log(&self, level: Level, message: &str) {
        eprintln!("{level:?}: {message}");
    }
}

fn readable(policy: &[u8]) -> Result<()> {
    check_key_policy(policy).map_err(|words| Refusal::InvalidArgument(words).into())
}

fn non_empty(text: &str, words: &str) -> Result<()> {
    match text {
        "" => Err(Refusal::InvalidArgument(words.to_owned()).into()),
        _ => Ok(()),
    }
}

fn simple_range(start: &str, end: &str) -> Result<(String, String)> {
    for key in [start, end] {
        if key.starts_with(composite_key::SEPARATOR) {
            return Err(Refusal::InvalidArgument(format!(
                "first character of the key [{key}] contains a null character which is not allowed"
            ))
            .into());
        }
    }
    // Behind all composite keys.
    let start = if start.is_empty() { "\u{1}" } else { start };
    Ok((start.to_owned(), end.to_owned()))
}

fn composite_range(object_type: &str, attributes: &[String]) -> Result<(String, String)> {
    let start = composite_key::create(object_type, attributes)?;
    let end = format!("{start}{}", composite_key::MAX);
    Ok((start, end))
}

fn no_rich_queries() -> Error {
    Refusal::Unsupported("rich queries are not supported by the mock ledger".to_owned()).into()
}
