//! A commercial paper and its states.

use serde::{Deserialize, Serialize};
use wasmcc_sdk::{Context, DataType, Error, KeyModification, Result, Timestamp};

/// The object type of paper keys; issuer and number follow.
pub(crate) const LIST: &str = "org.papernet.paper";
/// The kind of document.
const CLASS: &str = "org.papernet.commercialpaper";

/// The states of a paper.
pub(crate) const ISSUED: u32 = 1;
pub(crate) const PENDING: u32 = 2;
pub(crate) const TRADING: u32 = 3;
pub(crate) const REDEEMED: u32 = 4;

/// A paper. Its JSON has the fields in this order.
#[derive(Clone, Debug, PartialEq, DataType, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CommercialPaper {
    /// `org.papernet.commercialpaper`.
    pub class: String,
    /// 1 is issued, 2 pending, 3 trading, 4 redeemed.
    pub current_state: u32,
    /// The company that borrows.
    pub issuer: String,
    /// The issuer's number for the paper.
    pub paper_number: String,
    /// The time of issue, as the issuer wrote it.
    pub issue_date_time: String,
    /// The time of maturity.
    pub maturity_date_time: String,
    /// The amount that the owner receives at maturity.
    pub face_value: i64,
    /// The MSP id of the owner's organization.
    pub mspid: String,
    /// The company that owns it.
    pub owner: String,
    /// The time at which the owner confirmed a transfer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub confirm_date_time: Option<String>,
    /// The time of redemption.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub redeem_date_time: Option<String>,
}

/// The state of a paper after one transaction, with `currentState` as text.
#[derive(Clone, Debug, PartialEq, DataType, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct PaperHistory {
    /// The id of the transaction.
    pub tx_id: String,
    /// The client's time in the transaction, with milliseconds.
    pub timestamp: String,
    /// The paper; its `currentState` is `ISSUED`, `PENDING`, `TRADING` or `REDEEMED`.
    pub value: serde_json::Value,
}

impl CommercialPaper {
    /// Returns an issued paper that its issuer owns.
    pub(crate) fn new(issuer: String, paper_number: String, mspid: &str) -> Self {
        Self {
            class: CLASS.to_owned(),
            current_state: ISSUED,
            owner: issuer.clone(),
            issuer,
            paper_number,
            issue_date_time: String::new(),
            maturity_date_time: String::new(),
            face_value: 0,
            mspid: mspid.to_owned(),
            confirm_date_time: None,
            redeem_date_time: None,
        }
    }

    /// Returns the paper of an issuer with a number.
    pub(crate) fn read(ctx: &Context, issuer: &str, number: &str) -> Result<Self> {
        let found = ctx.get(&key(ctx, issuer, number)?)?;
        found.ok_or_else(|| refused(issuer, number, " does not exist"))
    }

    /// Writes the paper and returns it.
    pub(crate) fn write(self, ctx: &Context) -> Result<Self> {
        ctx.put(&key(ctx, &self.issuer, &self.paper_number)?, &self)?;
        Ok(self)
    }

    /// Returns an error that names the paper.
    pub(crate) fn refused(&self, why: &str) -> Error {
        refused(&self.issuer, &self.paper_number, why)
    }
}

impl PaperHistory {
    pub(crate) fn of(change: KeyModification) -> Result<Self> {
        let KeyModification { tx_id, value, timestamp, .. } = change;
        let mut value: serde_json::Value = serde_json::from_slice(&value)?;
        if let Some(state) = value.get_mut("currentState") {
            *state = name(state.as_u64()).into();
        }
        Ok(Self { tx_id, timestamp: with_milliseconds(timestamp), value })
    }
}

/// Returns the key of a paper.
pub(crate) fn key(ctx: &Context, issuer: &str, number: &str) -> Result<String> {
    ctx.create_composite_key(LIST, &[issuer, number])
}

/// As in fabric-samples, the text begins on a new line.
fn refused(issuer: &str, number: &str, why: &str) -> Error {
    Error::internal(format!("\nPaper {issuer}{number}{why}"))
}

fn name(state: Option<u64>) -> &'static str {
    match state {
        Some(1) => "ISSUED",
        Some(2) => "PENDING",
        Some(3) => "TRADING",
        Some(4) => "REDEEMED",
        _ => "UNKNOWN",
    }
}

/// Formats a time like JavaScript's dates.
fn with_milliseconds(time: Timestamp) -> String {
    let second = Timestamp::from_seconds(time.seconds).to_string();
    format!("{}.{:03}Z", second.trim_end_matches('Z'), time.nanos / 1_000_000)
}
