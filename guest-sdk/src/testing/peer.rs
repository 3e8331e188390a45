//! The peer behind the context of a native test: the counterpart of `component`.
//!
//! Its functions are those of the WIT, with the error texts of Fabric's shim and simulator.
//!
//! Invariant: reads see the world as it was when the transaction began; writes are only collected.

mod private_data;
mod query;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use serde_json::{Map, Value};

use crate::error::Refusal;
use crate::policy::check_key_policy;
pub(crate) use crate::testing::batches::{HistoryCursor, StateCursor};
use crate::testing::go_json::whole;
use crate::testing::simulation::{POLICY, Simulation};
use crate::testing::system;
use crate::testing::world::{Metadata, Place};
use crate::timestamp::Timestamp;
use crate::types::{Level, MetadataEntry, Response, SignedProposal};
use crate::{Context, Error, Result};

const NO_KEY: &str = "invalid key. Empty string is not supported as a key by couchdb";

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

    /// Returns a refusal of the peer; `call` is the name of the request's message.
    fn refused(&self, call: &str, kind: fn(String) -> Refusal, cause: &str) -> Error {
        self.simulation.refused(call, kind, cause)
    }

    /// Returns a committed value and records the read for the check at commit.
    fn get(&self, call: &str, place: &Place, key: &str) -> Result<Option<Vec<u8>>> {
        self.check_key(call, key)?;
        self.record(place, key);
        Ok(self.simulation.world.get(place, key).map(<[u8]>::to_vec))
    }

    fn record(&self, place: &Place, key: &str) {
        let key = (place.clone(), key.to_owned());
        let version = self.simulation.world.version(&key);
        self.simulation.reads.borrow_mut().keys.entry(key).or_insert(version);
    }

    fn write(&self, call: &str, place: Place, key: &str, value: &[u8]) -> Result<()> {
        self.simulation.begin_write(call)?;
        self.check_key(call, key)?;
        self.check_value(call, value)?;
        let value = (!value.is_empty()).then(|| value.to_vec());
        self.simulation.writes.borrow_mut().values.insert((place, key.to_owned()), value);
        Ok(())
    }

    fn metadata(&self, place: &Place, key: &str) -> Result<Metadata> {
        // A private key is looked up by its hash.
        if place.collection().is_empty() {
            self.check_key("GET_STATE_METADATA", key)?;
        }
        self.record(place, key);
        Ok(self.simulation.world.metadata(place, key))
    }

    fn write_metadata(&self, place: Place, key: &str, name: &str, value: &[u8]) -> Result<()> {
        self.simulation.begin_write("PUT_STATE_METADATA")?;
        self.check_key("PUT_STATE_METADATA", key)?;
        let metadata = BTreeMap::from([(name.to_owned(), value.to_vec())]);
        self.simulation.writes.borrow_mut().metadata.insert((place, key.to_owned()), metadata);
        Ok(())
    }

    /// Checks a key by CouchDB's rules, as a peer with rich queries does.
    fn check_key(&self, call: &str, key: &str) -> Result<()> {
        let cause = match key {
            "" => NO_KEY.to_owned(),
            key if key.starts_with('_') => {
                format!("invalid key [{key}], cannot begin with \"_\"")
            }
            _ => return Ok(()),
        };
        Err(self.refused(call, Refusal::InvalidArgument, &cause))
    }

    fn check_value(&self, call: &str, value: &[u8]) -> Result<()> {
        let Ok(members) = serde_json::from_str::<Map<String, Value>>(&whole(value)) else {
            return Ok(());
        };
        let is_reserved = |name: &&String| name.starts_with('_') || *name == "~version";
        let Some(field) = members.keys().find(is_reserved) else { return Ok(()) };
        let cause = format!("field [{field}] is not valid for the CouchDB state database");
        Err(self.refused(call, Refusal::InvalidArgument, &cause))
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

    pub(crate) fn get_transient(&self) -> Vec<MetadataEntry> {
        let transient = self.simulation.proposal.transient.clone().into_iter();
        transient.map(|(name, value)| MetadataEntry { name, value }).collect()
    }

    pub(crate) fn get_tx_timestamp(&self) -> Option<Timestamp> {
        Some(self.simulation.proposal.timestamp)
    }

    pub(crate) fn get_binding(&self) -> Vec<u8> {
        self.simulation.proposal.binding()
    }

    /// Returns None: this ledger does not sign.
    pub(crate) fn get_signed_proposal(&self) -> Option<SignedProposal> {
        None
    }

    pub(crate) fn get_decorations(&self) -> Vec<MetadataEntry> {
        Vec::new()
    }

    pub(crate) fn get_peer_msp_id(&self) -> Option<String> {
        Some(self.simulation.proposal.peer_msp_id.clone())
    }
}

/// The interface `state`.
impl Peer {
    pub(crate) fn get_state(&self, key: &str) -> Result<Option<Vec<u8>>> {
        self.get("GET_STATE", &self.place(), key)
    }

    pub(crate) fn get_multiple_states(&self, keys: &[String]) -> Result<Vec<Option<Vec<u8>>>> {
        keys.iter().map(|key| self.get("GET_STATE", &self.place(), key)).collect()
    }

    pub(crate) fn put_state(&self, key: &str, value: &[u8]) -> Result<()> {
        non_empty(key, "key must not be an empty string")?;
        self.write("PUT_STATE", self.place(), key, value)
    }

    pub(crate) fn del_state(&self, key: &str) -> Result<()> {
        self.write("DEL_STATE", self.place(), key, b"")
    }

    pub(crate) fn get_state_metadata(&self, key: &str) -> Result<Vec<MetadataEntry>> {
        let metadata = self.metadata(&self.place(), key)?.into_iter();
        Ok(metadata.map(|(name, value)| MetadataEntry { name, value }).collect())
    }

    pub(crate) fn put_state_metadata(&self, key: &str, entry: &MetadataEntry) -> Result<()> {
        self.write_metadata(self.place(), key, &entry.name, &entry.value)
    }

    pub(crate) fn get_state_validation_parameter(&self, key: &str) -> Result<Option<Vec<u8>>> {
        Ok(self.metadata(&self.place(), key)?.remove(POLICY))
    }

    pub(crate) fn set_state_validation_parameter(&self, key: &str, policy: &[u8]) -> Result<()> {
        readable(policy)?;
        self.write_metadata(self.place(), key, POLICY, policy)
    }

    /// Does nothing: batches only save messages, and this ledger sends none.
    pub(crate) fn start_write_batch(&self) {}

    pub(crate) fn finish_write_batch(&self) -> Result<()> {
        Ok(())
    }
}

/// The interfaces `invocation`, `event` and `log`.
impl Peer {
    pub(crate) fn invoke_chaincode(
        &self,
        name: &str,
        args: &[Vec<u8>],
        channel: &str,
    ) -> Result<Response> {
        let simulation = &self.simulation;
        let own_channel = &simulation.proposal.channel;
        let refused =
            |cause: String| Err(self.refused("INVOKE_CHAINCODE", Refusal::LedgerFailure, &cause));
        // A name may have a version, which is ignored, and a channel, as in Fabric.
        let whole = if channel.is_empty() { name.to_owned() } else { format!("{name}/{channel}") };
        let (name, channel) = whole.split_once('/').unwrap_or((&whole, ""));
        let name = name.split(':').next().unwrap_or_default();
        if !channel.is_empty() && channel != own_channel {
            let cause = format!("Failed to get policy manager for channel [{channel}]");
            return Err(self.refused("INVOKE_CHAINCODE", Refusal::NotPermitted, &cause));
        }
        let original = simulation.running.borrow().first().cloned().unwrap_or_default();
        if let Some(response) = system::refusal(name, args, &original) {
            return Ok(response);
        }
        if simulation.running.borrow().iter().any(|running| running == name) {
            let tx_id = simulation.proposal.tx_id();
            let cause = format!("txid: {tx_id}({own_channel}) exists");
            return refused(format!("execute failed: error sending: {cause}"));
        }
        let Some(chaincode) = simulation.chaincodes.get(name) else {
            let cause = match name {
                "" => format!("could not retrieve state for chaincode : {NO_KEY}"),
                _ => format!("chaincode {name} not found"),
            };
            return refused(format!(
                "execute failed: invalid invocation: [channel {own_channel}] failed to get \
                 chaincode container info for {name}: {cause}"
            ));
        };
        // The called chaincode's event is dropped with its context.
        let ctx = Context::new(Self::new(Rc::clone(simulation), name, args.to_vec()));
        let response = chaincode.invoke(&ctx);
        simulation.running.borrow_mut().pop();
        Ok(response)
    }

    pub(crate) fn set_event(&self, name: &str, payload: &[u8]) -> Result<()> {
        non_empty(name, "event name can not be empty string")?;
        self.event.replace(Some((name.to_owned(), payload.to_vec())));
        Ok(())
    }

    /// Writes to stderr, which `cargo test` shows for failed tests.
    pub(crate) fn log(&self, level: Level, message: &str, fields: &[(&str, &str)]) {
        let fields: String =
            fields.iter().map(|(name, value)| format!(" {name}={value:?}")).collect();
        eprintln!("{level:?}: {message}{fields}");
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
