//! Version 0.1 of the WIT package, as a conversion to the current one.
//!
//! Invariant: costs, records and answers of a call stay as they were when 0.1 was the only version.

use wasmtime::component::Resource;

use crate::backend::{BackendError, ErrorKind, KeyValue as Row, PageRequest, QueryBatch};
use crate::bindings::fabric::chaincode as now;
use crate::bindings::fabric::chaincode::types::{Error, KeyValue, Response, Timestamp};
use crate::bindings::v0_1::fabric::chaincode as then;
use crate::cost::Received;
use crate::failure::{Failure, Stop};
use crate::imports::cursor::{HistoryIterator, StateIterator};
use crate::imports::rows::key_value;
use crate::imports::{ImportResult, invalid};
use crate::tx_state::TxState;
use wasmcc_types as types;

/// Functions that are the same in the current version.
macro_rules! unchanged {
    ($now:path { $(fn $name:ident($($arg:ident: $type:ty),*) -> $answer:ty;)* }) => {
        $(
            async fn $name(&mut self, $($arg: $type),*) -> $answer {
                <Self as $now>::$name(self, $($arg),*).await
            }
        )*
    };
}

/// As `unchanged`, for functions that never wait.
macro_rules! unchanged_at_once {
    ($now:path { $(fn $name:ident($($arg:ident: $type:ty),*) -> $answer:ty;)* }) => {
        $(
            fn $name(&mut self, $($arg: $type),*) -> $answer {
                <Self as $now>::$name(self, $($arg),*)
            }
        )*
    };
}

impl then::state::Host for TxState {
    unchanged!(now::state::Host {
        fn get_state(key: String) -> ImportResult<Option<Vec<u8>>>;
        fn get_multiple_states(keys: Vec<String>) -> ImportResult<Vec<Option<Vec<u8>>>>;
        fn put_state(key: String, value: Vec<u8>) -> ImportResult<()>;
        fn del_state(key: String) -> ImportResult<()>;
        fn get_state_validation_parameter(key: String) -> ImportResult<Option<Vec<u8>>>;
        fn set_state_validation_parameter(key: String, policy: Vec<u8>) -> ImportResult<()>;
        fn start_write_batch() -> wasmtime::Result<()>;
        fn finish_write_batch() -> ImportResult<()>;
    });

    async fn get_state_metadata(
        &mut self,
        key: String,
    ) -> ImportResult<Vec<then::state::MetadataEntry>> {
        let entries = now::state::Host::get_state_metadata(self, key).await?;
        Ok(entries.map(|entries| {
            let entry =
                |now::types::Entry { name, value }| then::state::MetadataEntry { name, value };
            entries.into_iter().map(entry).collect()
        }))
    }

    async fn put_state_metadata(
        &mut self,
        key: String,
        entry: then::state::MetadataEntry,
    ) -> ImportResult<()> {
        let then::state::MetadataEntry { name, value } = entry;
        let entry = now::types::Entry { name, value };
        now::state::Host::put_state_metadata(self, key, entry).await
    }
}

/// Converts a page. If the peer ignores the page, it has no bookmark and no count.
fn page(batch: QueryBatch<Row>) -> then::query::Page {
    let counted = if batch.bookmark.is_some() { batch.rows.len() } else { 0 };
    then::query::Page {
        fetched_records_count: u32::try_from(counted).unwrap_or(u32::MAX),
        bookmark: batch.bookmark.unwrap_or_default(),
        rows: batch.rows.into_iter().map(key_value).collect(),
    }
}

impl then::query::Host for TxState {
    unchanged!(now::query::Host {
        fn get_state_by_range(start_key: String, end_key: String)
            -> ImportResult<Resource<StateIterator>>;
        fn get_state_by_partial_composite_key(object_type: String, attributes: Vec<String>)
            -> ImportResult<Resource<StateIterator>>;
        fn get_query_result(query: String) -> ImportResult<Resource<StateIterator>>;
        fn get_history_for_key(key: String) -> ImportResult<Resource<HistoryIterator>>;
    });

    async fn get_state_by_range_with_pagination(
        &mut self,
        start_key: String,
        end_key: String,
        page_size: i32,
        bookmark: String,
    ) -> ImportResult<then::query::Page> {
        let wanted = PageRequest { size: page_size, bookmark };
        Ok(self.simple_page(&start_key, &end_key, &wanted).await?.map(page))
    }

    async fn get_state_by_partial_composite_key_with_pagination(
        &mut self,
        object_type: String,
        attributes: Vec<String>,
        page_size: i32,
        bookmark: String,
    ) -> ImportResult<then::query::Page> {
        let wanted = PageRequest { size: page_size, bookmark };
        Ok(self.composite_page(&object_type, &attributes, &wanted).await?.map(page))
    }

    async fn get_query_result_with_pagination(
        &mut self,
        query: String,
        page_size: i32,
        bookmark: String,
    ) -> ImportResult<then::query::Page> {
        let wanted = PageRequest { size: page_size, bookmark };
        Ok(self.rich_page(&query, &wanted).await?.map(page))
    }
}

impl then::query::HostStateIterator for TxState {
    unchanged!(now::rows::HostStateIterator {
        fn next_batch(this: Resource<StateIterator>, max: u32) -> ImportResult<Vec<KeyValue>>;
        fn drop(this: Resource<StateIterator>) -> wasmtime::Result<()>;
    });
}

impl then::query::HostHistoryIterator for TxState {
    async fn next_batch(
        &mut self,
        this: Resource<HistoryIterator>,
        max: u32,
    ) -> ImportResult<Vec<then::query::KeyModification>> {
        let rows = now::rows::HostHistoryIterator::next_batch(self, this, max).await?;
        let row = |row: now::rows::KeyModification| then::query::KeyModification {
            tx_id: row.tx_id,
            value: row.value,
            timestamp: row.timestamp,
            is_delete: row.is_delete,
        };
        Ok(rows.map(|rows| rows.into_iter().map(row).collect()))
    }

    unchanged!(now::rows::HostHistoryIterator {
        fn drop(this: Resource<HistoryIterator>) -> wasmtime::Result<()>;
    });
}

impl then::private_data::Host for TxState {
    unchanged!(now::private_data::Host {
        fn get_private_data(collection: String, key: String) -> ImportResult<Option<Vec<u8>>>;
        fn get_private_data_hash(collection: String, key: String) -> ImportResult<Option<Vec<u8>>>;
        fn put_private_data(collection: String, key: String, value: Vec<u8>) -> ImportResult<()>;
        fn del_private_data(collection: String, key: String) -> ImportResult<()>;
        fn purge_private_data(collection: String, key: String) -> ImportResult<()>;
        fn get_private_data_by_range(collection: String, start_key: String, end_key: String)
            -> ImportResult<Resource<StateIterator>>;
        fn get_private_data_by_partial_composite_key(
            collection: String,
            object_type: String,
            attributes: Vec<String>
        ) -> ImportResult<Resource<StateIterator>>;
        fn get_private_data_query_result(collection: String, query: String)
            -> ImportResult<Resource<StateIterator>>;
    });

    /// Without a collection, `key` is a key of the public state, as in Fabric's shim.
    async fn get_private_data_validation_parameter(
        &mut self,
        collection: String,
        key: String,
    ) -> ImportResult<Option<Vec<u8>>> {
        self.read_policy(&collection, &key).await
    }

    /// Without a collection, `key` is a key of the public state, as in Fabric's shim.
    async fn set_private_data_validation_parameter(
        &mut self,
        collection: String,
        key: String,
        policy: Vec<u8>,
    ) -> ImportResult<()> {
        self.write_policy(&collection, &key, policy).await
    }
}

impl then::invocation::Host for TxState {
    /// As in fabric-chaincode-go, a refusal by the peer becomes a response with its text as
    /// payload.
    async fn invoke_chaincode(
        &mut self,
        name: String,
        args: Vec<Vec<u8>>,
        channel: String,
    ) -> wasmtime::Result<Response> {
        let answer = match self.call_chaincode(&name, args, &channel).await? {
            Ok(response) => response,
            Err(BackendError { kind: ErrorKind::TransactionOver, text }) => {
                return Err(Stop(Failure::TransactionOver(text)).into());
            }
            Err(BackendError { text, .. }) => types::Response {
                status: types::Response::ERROR,
                message: String::new(),
                payload: text.into_bytes(),
            },
        };
        self.charge(answer.cost());
        let types::Response { status, message, payload } = answer;
        Ok(Response { status, message, payload })
    }
}

impl then::event::Host for TxState {
    unchanged_at_once!(now::event::Host {
        fn set_event(name: String, payload: Vec<u8>) -> ImportResult<()>;
    });
}

impl then::log::Host for TxState {
    fn log(&mut self, level: then::log::Level, message: String) -> wasmtime::Result<()> {
        let level = match level {
            then::log::Level::Debug => now::log::Level::Debug,
            then::log::Level::Info => now::log::Level::Info,
            then::log::Level::Warn => now::log::Level::Warn,
            then::log::Level::Error => now::log::Level::Error,
        };
        self.log_line(level, &message, &[])
    }
}

/// Converts named bytes to those of 0.1.
fn pairs(entries: Vec<now::types::Entry>) -> Vec<(String, Vec<u8>)> {
    entries.into_iter().map(|entry| (entry.name, entry.value)).collect()
}

impl then::transaction::Host for TxState {
    unchanged_at_once!(now::transaction::Host {
        fn get_args() -> wasmtime::Result<Vec<Vec<u8>>>;
        fn get_tx_id() -> wasmtime::Result<String>;
        fn get_channel_id() -> wasmtime::Result<String>;
        fn get_creator() -> wasmtime::Result<Vec<u8>>;
        fn get_binding() -> wasmtime::Result<Vec<u8>>;
    });

    fn get_transient(&mut self) -> wasmtime::Result<Vec<(String, Vec<u8>)>> {
        now::transaction::Host::get_transient(self).map(pairs)
    }

    fn get_decorations(&mut self) -> wasmtime::Result<Vec<(String, Vec<u8>)>> {
        now::transaction::Host::get_decorations(self).map(pairs)
    }

    fn get_tx_timestamp(&mut self) -> ImportResult<Timestamp> {
        match now::transaction::Host::get_tx_timestamp(self)? {
            Some(timestamp) => Ok(Ok(timestamp)),
            None => invalid("the proposal has no timestamp"),
        }
    }

    fn get_signed_proposal(
        &mut self,
    ) -> wasmtime::Result<Option<then::transaction::SignedProposal>> {
        let signed = now::transaction::Host::get_signed_proposal(self)?;
        Ok(signed.map(|signed| then::transaction::SignedProposal {
            proposal_bytes: signed.proposal_bytes,
            signature: signed.signature,
        }))
    }

    fn get_peer_msp_id(&mut self) -> ImportResult<String> {
        Ok(now::transaction::Host::get_peer_msp_id(self)?.ok_or_else(|| {
            // Text of fabric-chaincode-go `shim.GetMSPID`.
            Error::InvalidArgument("'CORE_PEER_LOCALMSPID' is not set".into())
        }))
    }
}
