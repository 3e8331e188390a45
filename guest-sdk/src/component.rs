//! The peer behind a component's imports, and the component's exports around a [`Chaincode`].
//!
//! Each function only calls the import of its name. The linker drops imports that are not called,
//! so a component imports only the interfaces that its chaincode uses. They show what the chaincode
//! can do on a channel.
//!
//! Does not contain rules: the peer applies them.

#![allow(unsafe_code, reason = "generated bindings speak the canonical ABI")]

use std::panic;

use crate::iter::Cursor;
use crate::timestamp::Timestamp;
use crate::types::{
    KeyModification, KeyValue, Level, MetadataEntry, Page, Response, SignedProposal,
};
use crate::{Chaincode, Context, Result};

wit_bindgen::generate!({
    path: "wit",
    world: "chaincode",
    generate_all,
    pub_export_macro: true,
    with: {
        "fabric:chaincode/types@0.2.0/key-value": crate::types::KeyValue,
        "fabric:chaincode/types@0.2.0/entry": crate::types::MetadataEntry,
        "fabric:chaincode/types@0.2.0/timestamp": crate::timestamp::Timestamp,
        "fabric:chaincode/types@0.2.0/response": crate::types::Response,
        "fabric:chaincode/types@0.2.0/error": crate::error::Refusal,
        "fabric:chaincode/transaction@0.2.0/signed-proposal": crate::types::SignedProposal,
        "fabric:chaincode/rows@0.2.0/key-modification": crate::types::KeyModification,
        "fabric:chaincode/log@0.2.0/level": crate::types::Level,
    },
});

pub use exports::fabric::chaincode::contract::Guest;

use fabric::chaincode::{event, invocation, log, private_data, query, rows, state, transaction};

/// The peer that answers the imports.
pub(crate) struct Peer;

impl Peer {
    pub(crate) fn get_args(&self) -> Vec<Vec<u8>> {
        transaction::get_args()
    }

    pub(crate) fn get_tx_id(&self) -> String {
        transaction::get_tx_id()
    }

    pub(crate) fn get_channel_id(&self) -> String {
        transaction::get_channel_id()
    }

    pub(crate) fn get_creator(&self) -> Vec<u8> {
        transaction::get_creator()
    }

    pub(crate) fn get_transient(&self) -> Vec<MetadataEntry> {
        transaction::get_transient()
    }

    pub(crate) fn get_tx_timestamp(&self) -> Option<Timestamp> {
        transaction::get_tx_timestamp()
    }

    pub(crate) fn get_binding(&self) -> Vec<u8> {
        transaction::get_binding()
    }

    pub(crate) fn get_signed_proposal(&self) -> Option<SignedProposal> {
        transaction::get_signed_proposal()
    }

    pub(crate) fn get_decorations(&self) -> Vec<MetadataEntry> {
        transaction::get_decorations()
    }

    pub(crate) fn get_peer_msp_id(&self) -> Option<String> {
        transaction::get_peer_msp_id()
    }

    pub(crate) fn get_state(&self, key: &str) -> Result<Option<Vec<u8>>> {
        Ok(state::get_state(key)?)
    }

    pub(crate) fn get_multiple_states(&self, keys: &[String]) -> Result<Vec<Option<Vec<u8>>>> {
        Ok(state::get_multiple_states(keys)?)
    }

    pub(crate) fn put_state(&self, key: &str, value: &[u8]) -> Result<()> {
        Ok(state::put_state(key, value)?)
    }

    pub(crate) fn del_state(&self, key: &str) -> Result<()> {
        Ok(state::del_state(key)?)
    }

    pub(crate) fn get_state_metadata(&self, key: &str) -> Result<Vec<MetadataEntry>> {
        Ok(state::get_state_metadata(key)?)
    }

    pub(crate) fn put_state_metadata(&self, key: &str, entry: &MetadataEntry) -> Result<()> {
        Ok(state::put_state_metadata(key, entry)?)
    }

    pub(crate) fn get_state_validation_parameter(&self, key: &str) -> Result<Option<Vec<u8>>> {
        Ok(state::get_state_validation_parameter(key)?)
    }

    pub(crate) fn set_state_validation_parameter(&self, key: &str, policy: &[u8]) -> Result<()> {
        Ok(state::set_state_validation_parameter(key, policy)?)
    }

    pub(crate) fn start_write_batch(&self) {
        state::start_write_batch();
    }

    pub(crate) fn finish_write_batch(&self) -> Result<()> {
        Ok(state::finish_write_batch()?)
    }

    pub(crate) fn get_state_by_range(&self, start: &str, end: &str) -> Result<StateCursor> {
        Ok(query::get_state_by_range(start, end)?)
    }

    pub(crate) fn get_state_by_range_with_pagination(
        &self,
        start: &str,
        end: &str,
        page_size: u32,
        bookmark: &str,
    ) -> Result<Page> {
        let bookmark = some(bookmark);
        let page = query::get_state_by_range_with_pagination(start, end, page_size, bookmark)?;
        Ok(page_of(page, page_size, bookmark))
    }

    pub(crate) fn get_state_by_partial_composite_key(
        &self,
        object_type: &str,
        attributes: &[String],
    ) -> Result<StateCursor> {
        Ok(query::get_state_by_partial_composite_key(object_type, attributes)?)
    }

    pub(crate) fn get_state_by_partial_composite_key_with_pagination(
        &self,
        object_type: &str,
        attributes: &[String],
        page_size: u32,
        bookmark: &str,
    ) -> Result<Page> {
        let bookmark = some(bookmark);
        let page = query::get_state_by_partial_composite_key_with_pagination(
            object_type,
            attributes,
            page_size,
            bookmark,
        )?;
        Ok(page_of(page, page_size, bookmark))
    }

    pub(crate) fn get_all_states_composite_key_with_pagination(
        &self,
        page_size: u32,
        bookmark: &str,
    ) -> Result<Page> {
        let bookmark = some(bookmark);
        let page = query::get_all_states_composite_key_with_pagination(page_size, bookmark)?;
        Ok(page_of(page, page_size, bookmark))
    }

    pub(crate) fn get_query_result(&self, query: &str) -> Result<StateCursor> {
        Ok(query::get_query_result(query)?)
    }

    pub(crate) fn get_query_result_with_pagination(
        &self,
        query: &str,
        page_size: u32,
        bookmark: &str,
    ) -> Result<Page> {
        let bookmark = some(bookmark);
        let page = query::get_query_result_with_pagination(query, page_size, bookmark)?;
        Ok(page_of(page, page_size, bookmark))
    }

    pub(crate) fn get_history_for_key(&self, key: &str) -> Result<HistoryCursor> {
        Ok(query::get_history_for_key(key)?)
    }

    pub(crate) fn get_private_data(&self, collection: &str, key: &str) -> Result<Option<Vec<u8>>> {
        Ok(private_data::get_private_data(collection, key)?)
    }

    pub(crate) fn get_multiple_private_data(
        &self,
        collection: &str,
        keys: &[String],
    ) -> Result<Vec<Option<Vec<u8>>>> {
        Ok(private_data::get_multiple_private_data(collection, keys)?)
    }

    pub(crate) fn get_private_data_hash(
        &self,
        collection: &str,
        key: &str,
    ) -> Result<Option<Vec<u8>>> {
        Ok(private_data::get_private_data_hash(collection, key)?)
    }

    pub(crate) fn put_private_data(&self, collection: &str, key: &str, value: &[u8]) -> Result<()> {
        Ok(private_data::put_private_data(collection, key, value)?)
    }

    pub(crate) fn del_private_data(&self, collection: &str, key: &str) -> Result<()> {
        Ok(private_data::del_private_data(collection, key)?)
    }

    pub(crate) fn purge_private_data(&self, collection: &str, key: &str) -> Result<()> {
        Ok(private_data::purge_private_data(collection, key)?)
    }

    pub(crate) fn get_private_data_by_range(
        &self,
        collection: &str,
        start: &str,
        end: &str,
    ) -> Result<StateCursor> {
        Ok(private_data::get_private_data_by_range(collection, start, end)?)
    }

    pub(crate) fn get_private_data_by_partial_composite_key(
        &self,
        collection: &str,
        object_type: &str,
        attributes: &[String],
    ) -> Result<StateCursor> {
        Ok(private_data::get_private_data_by_partial_composite_key(
            collection,
            object_type,
            attributes,
        )?)
    }

    pub(crate) fn get_private_data_query_result(
        &self,
        collection: &str,
        query: &str,
    ) -> Result<StateCursor> {
        Ok(private_data::get_private_data_query_result(collection, query)?)
    }

    pub(crate) fn get_private_data_validation_parameter(
        &self,
        collection: &str,
        key: &str,
    ) -> Result<Option<Vec<u8>>> {
        Ok(private_data::get_private_data_validation_parameter(collection, key)?)
    }

    pub(crate) fn set_private_data_validation_parameter(
        &self,
        collection: &str,
        key: &str,
        policy: &[u8],
    ) -> Result<()> {
        Ok(private_data::set_private_data_validation_parameter(collection, key, policy)?)
    }

    pub(crate) fn invoke_chaincode(
        &self,
        name: &str,
        args: &[Vec<u8>],
        channel: &str,
    ) -> Result<Response> {
        Ok(invocation::invoke_chaincode(name, args, some(channel))?)
    }

    pub(crate) fn set_event(&self, name: &str, payload: &[u8]) -> Result<()> {
        Ok(event::set_event(name, payload)?)
    }

    pub(crate) fn log(&self, level: Level, message: &str, fields: &[(&str, &str)]) {
        let field = |(name, value): &(&str, &str)| field(name, value);
        log::log(level, message, &fields.iter().map(field).collect::<Vec<_>>());
    }
}

fn field(name: &str, value: &str) -> log::Field {
    log::Field { name: name.to_owned(), value: value.to_owned() }
}

/// Fabric's stub has an empty text where the WIT has `none`.
fn some(text: &str) -> Option<&str> {
    (!text.is_empty()).then_some(text)
}

/// Returns a page as Fabric's stub does. Without page size and bookmark the peer returns all rows
/// and no count.
fn page_of(page: query::Page, size: u32, bookmark: Option<&str>) -> Page {
    let is_page = size != 0 || bookmark.is_some();
    Page {
        fetched_records_count: if is_page { page.rows.len() as u32 } else { 0 },
        rows: page.rows,
        bookmark: page.bookmark.unwrap_or_default(),
    }
}

/// An open query for the changes of a key.
pub use rows::HistoryIterator as HistoryCursor;
/// An open query for rows.
pub use rows::StateIterator as StateCursor;

impl Cursor for StateCursor {
    type Row = KeyValue;

    fn next_batch(&self, max: u32) -> Result<Vec<KeyValue>> {
        Ok(StateCursor::next_batch(self, max)?)
    }
}

impl Cursor for HistoryCursor {
    type Row = KeyModification;

    fn next_batch(&self, max: u32) -> Result<Vec<KeyModification>> {
        Ok(HistoryCursor::next_batch(self, max)?)
    }
}

/// Runs `chaincode` as the component's `init`.
pub fn init(chaincode: &impl Chaincode) -> Response {
    prepare();
    chaincode.init(&Context::new(Peer))
}

/// Runs `chaincode` as the component's `invoke`.
pub fn invoke(chaincode: &impl Chaincode) -> Response {
    prepare();
    chaincode.invoke(&Context::new(Peer))
}

/// Prepares an instance. A panic ends in a trap, which has no text. The hook therefore writes the
/// text to the peer's log; the standard hook then writes it to stderr as well.
fn prepare() {
    let standard = panic::take_hook();
    panic::set_hook(Box::new(move |panic| {
        log::log(Level::Error, &panic.to_string(), &[]);
        standard(panic);
    }));
    // An instance runs one transaction, so no other logger can be set.
    if ::log::set_logger(&PeerLog).is_ok() {
        ::log::set_max_level(::log::LevelFilter::Trace);
    }
}

/// Sends lines of the crate `log` to the peer's log.
struct PeerLog;

impl ::log::Log for PeerLog {
    fn enabled(&self, _: &::log::Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &::log::Record<'_>) {
        let level = match record.level() {
            ::log::Level::Error => Level::Error,
            ::log::Level::Warn => Level::Warn,
            ::log::Level::Info => Level::Info,
            ::log::Level::Debug => Level::Debug,
            ::log::Level::Trace => Level::Trace,
        };
        // By default the target is the module, which does not help an operator.
        let target = Some(record.target()).filter(|target| Some(*target) != record.module_path());
        let target = target.map(|target| field("target", target));
        log::log(level, &record.args().to_string(), target.as_slice());
    }

    fn flush(&self) {}
}
