//! Transactions of chaincodes. Fabric: `core/endorser/metrics.go`, `core/chaincode/metrics.go`.

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use prometheus::{Histogram, HistogramVec, IntCounter, IntCounterVec};

use crate::names::ByNames;
use crate::registry::{Families, histogram};
use crate::{UNKNOWN, get};

const OF_CHAINCODE: &[&str] = &["channel", "chaincode"];
const SHIM: &[&str] = &["type", "channel", "chaincode"];
const SHIM_ENDED: &[&str] = &["type", "channel", "chaincode", "success"];

/// Metrics by channel and chaincode.
pub struct Chaincodes {
    proposal_duration: HistogramVec,
    acl_failures: IntCounterVec,
    duplicates: IntCounterVec,
    simulation_failures: IntCounterVec,
    instantiation_failures: IntCounterVec,
    endorsement_failures: IntCounterVec,
    execute_timeouts: IntCounterVec,
    shim: ShimRequests,
    fuel: IntCounterVec,
    host_calls: IntCounterVec,
    executed: HistogramVec,
    by_names: ByNames<Chaincode>,
    by_ids: ByNames<Launched>,
}

/// Requests of chaincodes in other processes, by type, channel and chaincode.
struct ShimRequests {
    received: IntCounterVec,
    completed: IntCounterVec,
    duration: HistogramVec,
}

/// The series of one chaincode on one channel.
pub struct Chaincode {
    channel: Box<str>,
    name: Box<str>,
    succeeded: Histogram,
    failed: Histogram,
    /// Proposals refused because the client lacks the right.
    pub acl_failures: IntCounter,
    /// Proposals of transactions that the ledger has already.
    pub duplicates: IntCounter,
    /// Simulations that failed without a response.
    pub simulation_failures: IntCounter,
    /// Deployments of this chaincode by LSCC that failed.
    pub instantiation_failures: IntCounter,
    /// Responses of the chaincode that are errors.
    pub chaincode_errors: IntCounter,
    /// Responses that this peer could not sign.
    pub endorsement_failures: IntCounter,
    /// Work in fuel units.
    pub fuel: IntCounter,
    /// Calls from the guest to the peer.
    pub host_calls: IntCounter,
}

/// The series of one launched chaincode on one channel. Its id is the one that it was launched
/// under, as in the metrics of its launch.
pub struct Launched {
    channel: Box<str>,
    ccid: Box<str>,
}

static UNKNOWN_CHAINCODE: LazyLock<Arc<Chaincode>> =
    LazyLock::new(|| Arc::new(get().chaincodes.make(UNKNOWN, UNKNOWN)));

/// Returns the series of a chaincode that exists on a channel. Look it up once per transaction.
pub fn chaincode(channel: &str, name: &str) -> Arc<Chaincode> {
    let all = &get().chaincodes;
    all.by_names.get(channel, name, || all.make(channel, name)).unwrap_or_else(unknown_chaincode)
}

/// Returns the series of a launched chaincode, see [`chaincode`].
pub fn launched(channel: &str, ccid: &str) -> Arc<Launched> {
    let make = |channel: &str, ccid: &str| Launched { channel: channel.into(), ccid: ccid.into() };
    let known = get().chaincodes.by_ids.get(channel, ccid, || make(channel, ccid));
    known.unwrap_or_else(|| Arc::new(make(UNKNOWN, UNKNOWN)))
}

/// Returns the series of a chaincode that may not exist: its own if it has run, otherwise the
/// shared one of unknown chaincodes.
pub fn known_chaincode(channel: &str, name: &str) -> Arc<Chaincode> {
    get().chaincodes.by_names.known(channel, name).unwrap_or_else(unknown_chaincode)
}

/// Returns the shared series of unknown chaincodes.
pub fn unknown_chaincode() -> Arc<Chaincode> {
    Arc::clone(&UNKNOWN_CHAINCODE)
}

impl Chaincodes {
    pub(crate) fn new(f: &mut Families) -> Self {
        Self {
            proposal_duration: f.histograms(
                "endorser_proposal_duration",
                &["channel", "chaincode", "success"],
                "The time to complete a proposal in seconds.",
            ),
            acl_failures: f.counters(
                "endorser_proposal_acl_failures",
                OF_CHAINCODE,
                "The number of proposals that failed ACL checks.",
            ),
            duplicates: f.counters(
                "endorser_duplicate_transaction_failures",
                OF_CHAINCODE,
                "The number of failed proposals due to duplicate transaction ID.",
            ),
            simulation_failures: f.counters(
                "endorser_proposal_simulation_failures",
                OF_CHAINCODE,
                "The number of failed proposal simulations.",
            ),
            instantiation_failures: f.counters(
                "endorser_chaincode_instantiation_failures",
                OF_CHAINCODE,
                "The number of chaincode instantiations or upgrades that have failed.",
            ),
            endorsement_failures: f.counters(
                "endorser_endorsement_failures",
                &["channel", "chaincode", "chaincodeerror"],
                "The number of failed endorsements.",
            ),
            execute_timeouts: f.counters(
                "chaincode_execute_timeouts",
                &["chaincode"],
                "The number of chaincode executions that have timed out.",
            ),
            shim: ShimRequests::new(f),
            fuel: f.counters(
                "wasmcc_chaincode_fuel_total",
                OF_CHAINCODE,
                "Units of work of components.",
            ),
            host_calls: f.counters(
                "wasmcc_chaincode_host_calls_total",
                OF_CHAINCODE,
                "Calls of components to their peer.",
            ),
            executed: f.histograms(
                "wasmcc_execution_duration",
                &["channel", "chaincode", "success"],
                "The time that a component behind a Fabric peer took in seconds.",
            ),
            by_names: ByNames::default(),
            by_ids: ByNames::default(),
        }
    }

    fn make(&self, channel: &str, name: &str) -> Chaincode {
        let of = [channel, name];
        let duration = |success| histogram(&self.proposal_duration, &[channel, name, success]);
        let failures = |by_chaincode| {
            self.endorsement_failures.with_label_values(&[channel, name, by_chaincode])
        };
        Chaincode {
            channel: channel.into(),
            name: name.into(),
            succeeded: duration("true"),
            failed: duration("false"),
            acl_failures: self.acl_failures.with_label_values(&of),
            duplicates: self.duplicates.with_label_values(&of),
            simulation_failures: self.simulation_failures.with_label_values(&of),
            instantiation_failures: self.instantiation_failures.with_label_values(&of),
            chaincode_errors: failures("true"),
            endorsement_failures: failures("false"),
            fuel: self.fuel.with_label_values(&of),
            host_calls: self.host_calls.with_label_values(&of),
        }
    }
}

impl ShimRequests {
    fn new(f: &mut Families) -> Self {
        Self {
            received: f.counters(
                "chaincode_shim_requests_received",
                SHIM,
                "The number of chaincode shim requests received.",
            ),
            completed: f.counters(
                "chaincode_shim_requests_completed",
                SHIM_ENDED,
                "The number of chaincode shim requests completed.",
            ),
            duration: f.histograms(
                "chaincode_shim_request_duration",
                SHIM_ENDED,
                "The time to complete chaincode shim requests in seconds.",
            ),
        }
    }
}

impl Chaincode {
    /// Counts a processed proposal.
    pub fn proposal_ended(&self, took: Duration, success: bool) {
        let series = if success { &self.succeeded } else { &self.failed };
        series.observe(took.as_secs_f64());
    }

    /// Counts an execution behind a Fabric peer.
    pub fn executed(&self, took: Duration, success: bool) {
        let success = if success { "true" } else { "false" };
        let labels = [&*self.channel, &*self.name, success];
        get().chaincodes.executed.with_label_values(&labels).observe(took.as_secs_f64());
    }
}

impl Launched {
    /// Counts a transaction that timed out.
    pub fn execution_timed_out(&self) {
        get().chaincodes.execute_timeouts.with_label_values(&[&*self.ccid]).inc();
    }

    /// Counts a request of an external chaincode; `kind` is the message's type.
    pub fn shim_request(&self, kind: &str) {
        let labels = [kind, &*self.channel, &*self.ccid];
        get().chaincodes.shim.received.with_label_values(&labels).inc();
    }

    /// Counts the answer to it.
    pub fn shim_request_ended(&self, kind: &str, took: Duration, success: bool) {
        let success = if success { "true" } else { "false" };
        let labels = [kind, &*self.channel, &*self.ccid, success];
        let all = &get().chaincodes.shim;
        all.completed.with_label_values(&labels).inc();
        all.duration.with_label_values(&labels).observe(took.as_secs_f64());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_launched_chaincode_does_has_its_id() {
        let series = launched("ch", "cc:1.0");
        series.execution_timed_out();
        series.shim_request("GET_STATE");
        let text = crate::text();
        let of_both = r#"{chaincode="cc:1.0",channel="ch",type="GET_STATE"} 1"#;
        for line in [
            r#"chaincode_execute_timeouts{chaincode="cc:1.0"} 1"#,
            &format!("chaincode_shim_requests_received{of_both}"),
        ] {
            assert!(text.lines().any(|known| known == line), "{text}");
        }
        assert!(!text.contains("{chaincode=\"cc:1.0\",channel=\"ch\"}"), "not of a name");
    }
}
