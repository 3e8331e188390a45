//! Answers of peers to proposals, and outcomes of transactions.

use std::time::Duration;

use anyhow::{Result, anyhow};
use serde_json::{Value, json};

use crate::hint::{Asked, explain};
use crate::output;
use wasmcc_api::Receipt;
use wasmcc_client as client;
use wasmcc_types::proto::protos;
use wasmcc_types::proto::protos::TxValidationCode;

/// Statuses from this value on are errors.
const ERROR_THRESHOLD: i32 = 400;

/// A peer's answer to a proposal.
pub(crate) struct Answer {
    /// The answer, unchanged.
    pub response: protos::ProposalResponse,
    /// Its cost, if the peer reports it.
    pub receipts: Vec<Receipt>,
}

/// The outcome of a transaction.
pub(crate) struct Outcome {
    /// The transaction.
    pub tx_id: String,
    /// The verdict of the commit.
    pub code: TxValidationCode,
    /// The number of its block.
    pub block_number: u64,
    /// The reason why it is not valid, if the peer reports one.
    pub reason: Option<String>,
    /// The chaincode's response.
    pub response: protos::Response,
    /// The event that the chaincode set.
    pub event: Option<protos::ChaincodeEvent>,
    /// The cost of each endorsement, if the peer reports it.
    pub receipts: Vec<Receipt>,
}

/// The answer of a chaincode to an evaluated call.
pub(crate) struct Evaluated {
    /// Its answer.
    pub response: protos::Response,
    /// Its cost, if the peer reports it.
    pub receipts: Vec<Receipt>,
}

impl Answer {
    /// The status and message of the peer or the chaincode.
    pub(crate) fn response(&self) -> protos::Response {
        self.response.response.clone().unwrap_or_default()
    }

    /// Returns the chaincode's response. A response with an error status is an error.
    pub(crate) fn content(&self, asked: Asked<'_>) -> Result<protos::Response> {
        let response = self.response();
        if response.status >= ERROR_THRESHOLD {
            let text = explain(&response.message, asked);
            // Without a payload, a status of 500 is the peer's own.
            return Err(match self.response.payload.is_empty() && response.status == 500 {
                true => anyhow!("{text}"),
                false => anyhow!("{} answered {}: {text}", asked.chaincode, response.status),
            });
        }
        let action = client::chaincode_action(&self.response.payload).ok();
        // The chaincode's own response is in the action. Calls of system chaincodes without a
        // channel have no action.
        Ok(action.and_then(|action| action.response).unwrap_or(response))
    }
}

impl Evaluated {
    /// Returns the answer and its cost; `elapsed` is the time that the caller waited.
    pub(crate) fn as_json(&self, elapsed: Duration) -> Value {
        let Self { response, receipts } = self;
        json!({
            "status": response.status,
            "message": response.message,
            "payload": output::bytes(&response.payload),
            "fuel": cost(receipts).map(|(fuel, _)| fuel),
            "host_calls": cost(receipts).map(|(_, calls)| calls),
            "ms": milliseconds(elapsed),
        })
    }
}

impl Outcome {
    /// Returns verdict, answer and cost; `elapsed` is the time that the caller waited.
    pub(crate) fn as_json(&self, elapsed: Duration) -> Value {
        let event = self.event.as_ref().map(
            |event| json!({ "name": event.event_name, "payload": output::bytes(&event.payload) }),
        );
        json!({
            "status": self.code.as_str_name(),
            "tx_id": self.tx_id,
            "block": self.block_number,
            "reason": self.reason,
            "payload": output::bytes(&self.response.payload),
            "event": event,
            "fuel": cost(&self.receipts).map(|(fuel, _)| fuel),
            "host_calls": cost(&self.receipts).map(|(_, calls)| calls),
            "endorsements": receipts_json(&self.receipts),
            "ms": milliseconds(elapsed),
        })
    }

    /// Fails unless the transaction is valid.
    pub(crate) fn check(&self) -> Result<()> {
        let hint = match self.code {
            TxValidationCode::Valid => return Ok(()),
            TxValidationCode::MvccReadConflict | TxValidationCode::PhantomReadConflict => {
                ": another transaction changed what it had read; try again"
            }
            TxValidationCode::EndorsementPolicyFailure => {
                ": the endorsements do not satisfy the policies of what it writes"
            }
            _ => "",
        };
        Err(anyhow!("the transaction is not valid, {}{hint}", self.code.as_str_name()))
    }
}

/// Returns fuel and host calls of the first endorsement; equal endorsements have used the same.
pub(crate) fn cost(receipts: &[Receipt]) -> Option<(u64, u64)> {
    receipts.first().map(|receipt| (receipt.fuel, receipt.host_calls))
}

fn milliseconds(elapsed: Duration) -> u64 {
    u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX)
}

/// All receipts, as JSON.
fn receipts_json(receipts: &[Receipt]) -> Value {
    let one = |receipt: &Receipt| {
        let Receipt { msp_id, fuel, host_calls } = receipt;
        json!({ "msp_id": msp_id, "fuel": fuel, "host_calls": host_calls })
    };
    receipts.iter().map(one).collect()
}
