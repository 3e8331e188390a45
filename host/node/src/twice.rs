//! Runs each proposal several times, as a sandbox's `assert_deterministic` does: with different
//! random numbers, different clocks, and an earlier call in the same memory. For development.
//!
//! Invariant: the client gets the result of the first run, which is as on any peer.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::determinism::{Divergence, Run, compare};
use crate::observer::Place;
use wasmcc_client::chaincode_action;
use wasmcc_peer::endorser::{Checks, Processed, Rejected, UnpackedProposal};
use wasmcc_runtime::Variation;
use wasmcc_types::proto::protos::ChaincodeEvent as EventMessage;
use wasmcc_types::{CHAINCODE_LOG, ChaincodeEvent, Client, Response, SYSTEM_CHAINCODES, TxId};

use prost::Message;
use tracing::{Instrument, Span};

/// The running transactions. Several organizations of this process may process the same one at the
/// same time, and only one run of it may be varied, so they take turns.
#[derive(Default)]
pub(crate) struct Twice {
    turns: Mutex<BTreeMap<String, Arc<tokio::sync::Mutex<()>>>>,
}

impl Twice {
    /// Runs a proposal. Returns the first run's result and time, and the first difference of
    /// another run. Calls of system chaincodes are run once, because they may have immediate
    /// effects. `checks` are those of the first run.
    pub(crate) async fn process(
        &self,
        at: &Place<'_>,
        proposal: &Arc<UnpackedProposal>,
        client: Client,
        checks: &mut Checks,
    ) -> (Result<Processed, Rejected>, Duration, Option<Divergence>) {
        let is_system = SYSTEM_CHAINCODES.contains(&proposal.chaincode_id.name.as_str());
        let tx_id = TxId::parse(proposal.tx_id()).ok().filter(|_| !is_system);
        let Some(tx_id) = tx_id else {
            let started = Instant::now();
            let outcome = at.endorser.process_watched(Arc::clone(proposal), client, checks).await;
            return (outcome, started.elapsed(), None);
        };
        let turn = self.turn(proposal.tx_id());
        let guard = turn.lock().await;
        let started = Instant::now();
        let transaction = (proposal, &tx_id);
        let (outcome, usual) = run(at, transaction, &client, Variation::None, checks).await;
        let elapsed = started.elapsed();
        let mut divergence = None;
        for variation in Variation::ALL {
            let Some(usual) = &usual else { break };
            // A run that this machine could not complete shows nothing about the contract.
            let mut checks = Checks::unwatched();
            let other = run(at, transaction, &client, variation, &mut checks).await;
            let (_, Some(other)) = other else { continue };
            divergence = compare(variation, usual, &other);
            if divergence.is_some() {
                break;
            }
        }
        drop(guard);
        self.release(proposal.tx_id(), turn);
        (outcome, elapsed, divergence)
    }

    fn turn(&self, tx_id: &str) -> Arc<tokio::sync::Mutex<()>> {
        let mut turns = self.turns.lock().unwrap_or_else(PoisonError::into_inner);
        // Removes turns of clients that have left.
        turns.retain(|_, turn| Arc::strong_count(turn) > 1);
        Arc::clone(turns.entry(tx_id.to_owned()).or_default())
    }

    fn release(&self, tx_id: &str, turn: Arc<tokio::sync::Mutex<()>>) {
        let mut turns = self.turns.lock().unwrap_or_else(PoisonError::into_inner);
        drop(turn);
        if turns.get(tx_id).is_some_and(|turn| Arc::strong_count(turn) == 1) {
            turns.remove(tx_id);
        }
    }
}

/// Runs a proposal once. The second value is None if the run has no answer to compare.
async fn run(
    at: &Place<'_>,
    (proposal, tx_id): (&Arc<UnpackedProposal>, &TxId),
    client: &Client,
    variation: Variation,
    checks: &mut Checks,
) -> (Result<Processed, Rejected>, Option<Run>) {
    let recording = at.runtime.record(tx_id, variation);
    // The span marks further runs, so that logs can leave out their lines.
    let span = match variation {
        Variation::None => Span::none(),
        _ => tracing::info_span!(target: CHAINCODE_LOG, "varied"),
    };
    let processed = at.endorser.process_watched(Arc::clone(proposal), client.clone(), checks);
    let outcome = processed.instrument(span).await;
    let calls = recording.host_calls();
    let run = outcome.as_ref().ok().map(|processed| {
        let response = processed.response.response.clone().unwrap_or_default();
        let response = Response {
            status: response.status,
            message: response.message,
            payload: response.payload,
        };
        Run { calls, response, event: event(&processed.response.payload) }
    });
    (outcome, run)
}

/// Returns the event in a serialized `protos.ProposalResponsePayload`.
fn event(payload: &[u8]) -> Option<ChaincodeEvent> {
    let action = chaincode_action(payload).ok().filter(|action| !action.events.is_empty())?;
    let event = EventMessage::decode(action.events.as_slice()).ok()?;
    Some(ChaincodeEvent { name: event.event_name, payload: event.payload })
}
