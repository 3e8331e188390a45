//! Forwards each call to the peer's own back end and records it in the trace.
//!
//! Invariant: changes neither calls nor answers.

use std::sync::Arc;
use std::time::Duration;

use crate::observer::{SharedTrace, lock};
use crate::reason::Reason;
use crate::trace::{HostCall, Value};
use wasmcc_peer::chaincode::TxParams;
use wasmcc_runtime::{
    Backend, BackendError, ErrorKind, FuelGauge, KeyModification, KeyValue, PageRequest,
    ProposalPart, QueryBatch, Reply,
};
use wasmcc_types::{CSCC, ESCC, LIFECYCLE, LSCC, ProposalContext, QSCC, Response, VSCC};

/// Limit on the characters of a query in a reason.
const QUERY_CHARS: usize = 200;
/// The system chaincodes, which every peer can call.
const SYSTEM: [&str; 6] = [LSCC, CSCC, QSCC, ESCC, VSCC, LIFECYCLE];

/// The back end of one guest.
pub(crate) struct TracingBackend {
    inner: Box<dyn Backend>,
    trace: SharedTrace,
    chaincode: String,
    channel: Arc<str>,
    depth: u32,
    proposal: Arc<ProposalContext>,
    fuel: FuelGauge,
}

type Arguments = Vec<(&'static str, Value)>;

/// The record of a call that awaits its answer.
struct Awaited {
    trace: SharedTrace,
    place: Option<usize>,
    if_refused: Option<Reason>,
    /// The reason to record if the call ends the transaction.
    if_over: Option<Reason>,
}

impl Awaited {
    fn answered<T>(&self, answer: &Result<T, BackendError>, show: fn(&T) -> Value) {
        let is_over = |error: &BackendError| error.kind == ErrorKind::TransactionOver;
        let reason = match answer {
            Ok(_) => None,
            Err(error) if is_over(error) => self.if_over.clone().or(self.if_refused.clone()),
            Err(error) if error.kind == ErrorKind::LimitExceeded => {
                let refusal = error.text.chars().take(QUERY_CHARS).collect();
                Some(Reason::Limit { refusal })
            }
            Err(_) => self.if_refused.clone(),
        };
        if self.place.is_none() && reason.is_none() {
            return;
        }
        let mut trace = lock(&self.trace);
        if let Some(reason) = reason {
            trace.note(reason);
        }
        if let Some(place) = self.place {
            trace.end(place, answer.as_ref().map(show).map_err(ToString::to_string));
        }
    }
}

/// Forwards an answer, at once or when it arrives.
fn passed<'a, T: Send + 'a>(
    reply: Reply<'a, T>,
    to: Awaited,
    show: fn(&T) -> Value,
) -> Reply<'a, T> {
    match reply {
        Reply::Now(answer) => {
            let answer = answer.into_inner();
            to.answered(&answer, show);
            Reply::now(answer)
        }
        Reply::Later(answer) => Reply::later(async move {
            let answer = answer.await;
            to.answered(&answer, show);
            answer
        }),
    }
}

impl TracingBackend {
    /// Makes the back end of one guest of a transaction.
    pub(crate) fn new(
        inner: Box<dyn Backend>,
        trace: SharedTrace,
        (chaincode, tx): (&str, &TxParams),
        fuel: FuelGauge,
    ) -> Self {
        Self {
            inner,
            trace,
            chaincode: chaincode.to_owned(),
            channel: Arc::clone(&tx.channel_id),
            depth: tx.depth,
            proposal: Arc::clone(&tx.proposal),
            fuel,
        }
    }

    fn begin(&self, function: &'static str, arguments: impl FnOnce() -> Arguments) -> Awaited {
        let mut trace = lock(&self.trace);
        let place = match trace.keeps() {
            false => None,
            true => {
                let (chaincode, depth) = (self.chaincode.clone(), self.depth);
                let (arguments, fuel) = (arguments(), self.fuel.used());
                let (answer, took) = (None, Duration::ZERO);
                trace.begin(HostCall { chaincode, depth, function, arguments, answer, fuel, took })
            }
        };
        Awaited { trace: Arc::clone(&self.trace), place, if_refused: None, if_over: None }
    }

    /// As `begin`, for a read of one key. A refusal means that private data are missing here.
    fn begin_read(
        &self,
        functions: [&'static str; 2],
        collection: &str,
        arguments: impl FnOnce() -> Arguments,
    ) -> Awaited {
        let [public, private] = functions;
        if collection.is_empty() {
            return self.begin(public, arguments);
        }
        let begun = self.begin(private, || [of(collection), arguments()].concat());
        Awaited { if_refused: Some(self.private_data(collection)), ..begun }
    }

    /// As `begin_read`, for calls that do not need the private data.
    fn begin_on(
        &self,
        functions: [&'static str; 2],
        collection: &str,
        arguments: impl FnOnce() -> Arguments,
    ) -> Awaited {
        Awaited { if_refused: None, ..self.begin_read(functions, collection, arguments) }
    }

    fn private_data(&self, collection: &str) -> Reason {
        let (chaincode, collection) = (self.chaincode.clone(), collection.to_owned());
        Reason::PrivateData { chaincode, collection }
    }

    fn note(&self, reason: Reason) {
        lock(&self.trace).note(reason);
    }

    fn note_private_query(&self, collection: &str) {
        if !collection.is_empty() {
            let (chaincode, collection) = (self.chaincode.clone(), collection.to_owned());
            self.note(Reason::PrivateQuery { chaincode, collection });
        }
    }

    /// Records a call of a chaincode. Returns the reason to record if the call ends the
    /// transaction: the callee cannot run here.
    fn note_callee(&self, address: &str) -> Option<Reason> {
        let (name, channel) = address.split_once('/').unwrap_or((address, ""));
        if SYSTEM.contains(&name) {
            self.note(Reason::SystemChaincode { name: name.to_owned() });
        } else if !channel.is_empty() && *channel != *self.channel {
            self.note(Reason::OtherChannel { name: address.to_owned() });
        }
        Some(Reason::NoComponent { name: name.to_owned() })
    }
}

fn of(collection: &str) -> Arguments {
    vec![("collection", Value::text(collection))]
}

fn key_of(key: &str) -> Arguments {
    vec![("key", Value::text(key))]
}

fn nothing((): &()) -> Value {
    Value::Nothing
}

fn optional(value: &Option<Vec<u8>>) -> Value {
    value.as_ref().map_or(Value::Nothing, |value| Value::bytes(value))
}

fn rows(batch: &QueryBatch<KeyValue>) -> Value {
    Value::list(&batch.rows, |KeyValue { key, value }| {
        Value::Parts(vec![("key", Value::text(key)), ("value", Value::bytes(value))])
    })
}

fn changes(batch: &QueryBatch<KeyModification>) -> Value {
    Value::list(&batch.rows, |change| {
        let value = if change.is_delete { Value::Nothing } else { Value::bytes(&change.value) };
        Value::Parts(vec![("tx_id", Value::text(&change.tx_id)), ("value", value)])
    })
}

fn entries(metadata: &[(String, Vec<u8>)]) -> Value {
    Value::list(metadata, |(name, value)| {
        Value::Parts(vec![("name", Value::text(name)), ("value", Value::bytes(value))])
    })
}

fn response(response: &Response) -> Value {
    let Response { status, message, payload } = response;
    Value::Parts(vec![
        ("status", Value::text(&status.to_string())),
        ("message", Value::text(message)),
        ("payload", Value::bytes(payload)),
    ])
}

fn range(start: &str, end: &str, page: Option<&PageRequest>) -> Arguments {
    let mut arguments = vec![("start", Value::text(start)), ("end", Value::text(end))];
    arguments.extend(page.filter(|page| page.is_page()).map(paged));
    arguments
}

fn paged(page: &PageRequest) -> (&'static str, Value) {
    let PageRequest { size, bookmark } = page;
    let size = ("size", Value::text(&size.to_string()));
    ("page", Value::Parts(vec![size, ("bookmark", Value::text(bookmark))]))
}

impl Backend for TracingBackend {
    fn get_state(&mut self, collection: &str, key: &str) -> Reply<'_, Option<Vec<u8>>> {
        let names = ["get-state", "get-private-data"];
        let awaited = self.begin_read(names, collection, || key_of(key));
        passed(self.inner.get_state(collection, key), awaited, optional)
    }

    fn get_states<'a>(
        &'a mut self,
        collection: &'a str,
        keys: &'a [String],
    ) -> Reply<'a, Vec<Option<Vec<u8>>>> {
        let names = ["get-multiple-states", "get-multiple-private-data"];
        let awaited = self.begin_read(names, collection, || {
            vec![("keys", Value::list(keys, |key| Value::text(key)))]
        });
        let show = |values: &Vec<Option<Vec<u8>>>| Value::list(values, optional);
        passed(self.inner.get_states(collection, keys), awaited, show)
    }

    fn put_state(&mut self, collection: &str, key: &str, value: Vec<u8>) -> Reply<'_, ()> {
        let names = ["put-state", "put-private-data"];
        let awaited = self.begin_on(names, collection, || {
            vec![("key", Value::text(key)), ("value", Value::bytes(&value))]
        });
        passed(self.inner.put_state(collection, key, value), awaited, nothing)
    }

    fn del_state(&mut self, collection: &str, key: &str) -> Reply<'_, ()> {
        let names = ["del-state", "del-private-data"];
        let awaited = self.begin_on(names, collection, || key_of(key));
        passed(self.inner.del_state(collection, key), awaited, nothing)
    }

    fn purge_private_data(&mut self, collection: &str, key: &str) -> Reply<'_, ()> {
        let names = ["purge-private-data"; 2];
        let awaited = self.begin_on(names, collection, || key_of(key));
        passed(self.inner.purge_private_data(collection, key), awaited, nothing)
    }

    fn get_private_data_hash(&mut self, collection: &str, key: &str) -> Reply<'_, Option<Vec<u8>>> {
        let names = ["get-private-data-hash"; 2];
        let awaited = self.begin_on(names, collection, || key_of(key));
        passed(self.inner.get_private_data_hash(collection, key), awaited, optional)
    }

    fn get_state_metadata(
        &mut self,
        collection: &str,
        key: &str,
    ) -> Reply<'_, Vec<(String, Vec<u8>)>> {
        let names = ["get-state-metadata", "get-private-data-metadata"];
        let awaited = self.begin_read(names, collection, || key_of(key));
        passed(self.inner.get_state_metadata(collection, key), awaited, |found| entries(found))
    }

    fn put_state_metadata(
        &mut self,
        collection: &str,
        key: &str,
        name: &str,
        value: Vec<u8>,
    ) -> Reply<'_, ()> {
        let names = ["put-state-metadata", "put-private-data-metadata"];
        let awaited = self.begin_on(names, collection, || {
            let name = ("name", Value::text(name));
            vec![("key", Value::text(key)), name, ("value", Value::bytes(&value))]
        });
        passed(self.inner.put_state_metadata(collection, key, name, value), awaited, nothing)
    }

    fn get_state_by_range(
        &mut self,
        collection: &str,
        start: &str,
        end: &str,
        page: Option<&PageRequest>,
    ) -> Reply<'_, QueryBatch<KeyValue>> {
        self.note_private_query(collection);
        let names = ["get-state-by-range", "get-private-data-by-range"];
        let awaited = self.begin_on(names, collection, || range(start, end, page));
        passed(self.inner.get_state_by_range(collection, start, end, page), awaited, rows)
    }

    fn get_query_result(
        &mut self,
        collection: &str,
        query: &str,
        page: Option<&PageRequest>,
    ) -> Reply<'_, QueryBatch<KeyValue>> {
        self.note_private_query(collection);
        if collection.is_empty() {
            let chaincode = self.chaincode.clone();
            let query = query.chars().take(QUERY_CHARS).collect();
            self.note(Reason::RichQuery { chaincode, query });
        }
        let names = ["get-query-result", "get-private-data-query-result"];
        let awaited = self.begin_on(names, collection, || {
            let query = ("query", Value::text(query));
            let page = page.filter(|page| page.is_page()).map(paged);
            std::iter::once(query).chain(page).collect()
        });
        passed(self.inner.get_query_result(collection, query, page), awaited, rows)
    }

    fn get_history_for_key(&mut self, key: &str) -> Reply<'_, QueryBatch<KeyModification>> {
        self.note(Reason::History { chaincode: self.chaincode.clone(), key: key.to_owned() });
        let awaited = self.begin("get-history-for-key", || key_of(key));
        passed(self.inner.get_history_for_key(key), awaited, changes)
    }

    fn query_next(&mut self, id: &str) -> Reply<'_, QueryBatch<KeyValue>> {
        let awaited = self.begin("next batch", || vec![("query", Value::text(id))]);
        passed(self.inner.query_next(id), awaited, rows)
    }

    fn history_next(&mut self, id: &str) -> Reply<'_, QueryBatch<KeyModification>> {
        let awaited = self.begin("next batch", || vec![("query", Value::text(id))]);
        passed(self.inner.history_next(id), awaited, changes)
    }

    fn query_close(&mut self, id: &str) -> Reply<'_, ()> {
        let awaited = self.begin("close", || vec![("query", Value::text(id))]);
        passed(self.inner.query_close(id), awaited, nothing)
    }

    fn invoke_chaincode(&mut self, name: &str, args: Vec<Vec<u8>>) -> Reply<'_, Response> {
        let if_over = self.note_callee(name);
        let begun = self.begin("invoke-chaincode", || {
            let args = Value::list(&args, |arg| Value::bytes(arg));
            vec![("chaincode", Value::text(name)), ("args", args)]
        });
        let awaited = Awaited { if_over, ..begun };
        passed(self.inner.invoke_chaincode(name, args), awaited, response)
    }

    fn reads_proposal(&mut self, part: ProposalPart) {
        let transient = &self.proposal.transient;
        let (function, reason) = match part {
            ProposalPart::Transient if transient.is_empty() => ("get-transient", Reason::Transient),
            ProposalPart::Transient => {
                let names = transient.keys().cloned().collect();
                ("get-transient", Reason::OfferedTransient { names })
            }
            ProposalPart::Signed => ("get-signed-proposal", Reason::SignedProposal),
        };
        self.note(reason);
        let awaited = self.begin(function, Vec::new);
        let answer: Vec<_> = transient.clone().into_iter().collect();
        match part {
            ProposalPart::Transient => awaited.answered(&Ok(answer), |found| entries(found)),
            ProposalPart::Signed => awaited.answered(&Ok(()), nothing),
        }
    }

    fn start_write_batch(&mut self) {
        self.inner.start_write_batch();
    }

    fn finish_write_batch(&mut self) -> Reply<'_, ()> {
        self.inner.finish_write_batch()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::Trace;

    /// The endorsing peer may have had another limit.
    #[test]
    fn a_refusal_by_a_limit_is_a_reason_and_others_are_none() {
        let trace = SharedTrace::new(Trace::new(false).into());
        let place = None;
        let to = Awaited { trace: Arc::clone(&trace), place, if_refused: None, if_over: None };
        let text = "a key of 10000 bytes is longer than the limit of 4096 bytes";
        for kind in [ErrorKind::InvalidArgument, ErrorKind::LimitExceeded] {
            to.answered(&Err(BackendError::new(kind, text)), nothing);
        }
        let reasons: Vec<_> = lock(&trace).reasons.iter().cloned().collect();
        let [reason] = &reasons[..] else { panic!("{reasons:?}") };
        assert_eq!(reason.kind(), "limit of this version");
        assert!(reason.to_string().ends_with(&format!("may have allowed: {text}")), "{reason}");
    }
}
