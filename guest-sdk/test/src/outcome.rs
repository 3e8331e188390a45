//! Results of a call.

use std::sync::Arc;

use crate::code::TxValidationCode;
use crate::error::SandboxError;
use crate::link::Kept;
use crate::read::Part;
use crate::rwset::TxRwSet;

/// The lowest status of an error.
const ERROR_THRESHOLD: i32 = 400;

/// A chaincode's answer, `protos.Response`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Response {
    /// Below 400 the transaction is endorsed.
    pub status: i32,
    /// Human-readable, usually empty unless something failed.
    pub message: String,
    /// The result.
    pub payload: Vec<u8>,
}

/// The event that a transaction set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChaincodeEvent {
    /// Never empty.
    pub name: String,
    /// The chaincode's own format.
    pub payload: Vec<u8>,
}

/// The answer to a proposal.
#[derive(Clone, Debug)]
pub struct Endorsed {
    /// The transaction's id.
    pub tx_id: String,
    /// The chaincode's answer.
    pub response: Response,
    /// Its reads and writes; None if the peer returned none (statuses from 400 to 499, and
    /// failures).
    pub rwset: Option<TxRwSet>,
    /// The event that it set.
    pub event: Option<ChaincodeEvent>,
    /// Units of work that it used.
    pub fuel: u64,
    /// Namespaces and keys that were read after they were written; the reads returned the old
    /// values.
    pub own_reads: Vec<OwnRead>,
    /// The endorsement in the program, which keeps it.
    pub(crate) kept: Option<Arc<Kept>>,
}

/// A public key that was read after it was written. The read returned the old value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnRead {
    /// The namespace.
    pub namespace: String,
    /// The key.
    pub key: String,
}

impl OwnRead {
    fn read(part: Part<'_>) -> Option<Self> {
        let (namespace, key) = part.pair(Part::text, Part::text)?;
        Some(Self { namespace, key })
    }
}

impl Endorsed {
    /// Turns an error status into an error.
    pub fn accepted(self) -> Result<Self, SandboxError> {
        if self.response.status >= ERROR_THRESHOLD {
            return Err(SandboxError::Refused(self.response));
        }
        Ok(self)
    }

    /// Returns the response's payload as text; invalid UTF-8 is replaced.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.response.payload).into_owned()
    }

    pub(crate) fn read(part: Part<'_>) -> Option<Self> {
        let event = |part: Part<'_>| {
            Some(ChaincodeEvent {
                name: part.at("name").text()?,
                payload: part.at("payload").bytes()?,
            })
        };
        Some(Self {
            tx_id: part.at("tx_id").text()?,
            response: response(part.at("response"))?,
            rwset: part.at("rwset").optional(TxRwSet::read)?,
            event: part.at("event").optional(event)?,
            fuel: part.at("fuel").number()?,
            own_reads: part.at("own_reads").list(OwnRead::read)?,
            kept: None,
        })
    }
}

/// A committed transaction.
#[derive(Clone, Debug)]
pub struct Submitted {
    /// The peer's endorsement.
    pub endorsed: Endorsed,
    /// The number of the block that holds it.
    pub block: u64,
    /// The verdict.
    pub code: TxValidationCode,
    /// Human-readable reason why the transaction is not valid: the conflict, or the policy that its
    /// endorsements do not satisfy.
    pub reason: Option<String>,
}

impl Submitted {
    pub(crate) fn read(part: Part<'_>) -> Option<Self> {
        Some(Self {
            endorsed: Endorsed::read(part.at("endorsed"))?,
            block: part.at("block").number()?,
            code: code(part.at("code"))?,
            reason: part.at("reason").optional(Part::text)?,
        })
    }
}

pub(crate) fn response(part: Part<'_>) -> Option<Response> {
    Some(Response {
        status: i32::try_from(part.at("status").json.as_i64()?).ok()?,
        message: part.at("message").text()?,
        payload: part.at("payload").bytes()?,
    })
}

/// Reads a code by Fabric's name.
pub(crate) fn code(part: Part<'_>) -> Option<TxValidationCode> {
    TxValidationCode::from_str_name(part.json.as_str()?)
}
