//! The input and the output of a chaincode call.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::proto::protos::SignedProposal;
use crate::sha256::sha256_all;

/// The function of a contract that is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Entry {
    /// INIT: instantiates or upgrades the chaincode.
    Init,
    /// TRANSACTION: every other proposal.
    Invoke,
}

/// A chaincode's answer, `protos.Response`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Response {
    /// The transaction is endorsed if it is below 400.
    pub status: i32,
    /// Human-readable, usually empty unless something failed.
    pub message: String,
    /// The result.
    pub payload: Vec<u8>,
}

impl Response {
    /// Success.
    pub const OK: i32 = 200;
    /// A transaction with this status or a higher one is not endorsed.
    pub const ERROR_THRESHOLD: i32 = 400;
    /// The chaincode failed.
    pub const ERROR: i32 = 500;

    /// Returns a response of status 200.
    pub fn success(payload: impl Into<Vec<u8>>) -> Self {
        Self { status: Self::OK, message: String::new(), payload: payload.into() }
    }

    /// Returns a response of status 500.
    pub fn error(message: impl Into<String>) -> Self {
        Self { status: Self::ERROR, message: message.into(), payload: Vec::new() }
    }
}

/// The event that a transaction set, as the chaincode passed it. The peer adds the chaincode's name
/// and the transaction id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChaincodeEvent {
    /// Never empty.
    pub name: String,
    /// Its format is up to the chaincode.
    pub payload: Vec<u8>,
}

/// The access of a client to the private data of a collection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Permission {
    /// May read it.
    pub read: bool,
    /// May write it.
    pub write: bool,
}

/// The client's clock: seconds and nanoseconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Timestamp {
    /// May be negative: the client chooses it.
    pub seconds: i64,
    /// Usually below one second.
    pub nanos: u32,
}

impl From<prost_types::Timestamp> for Timestamp {
    /// Converts to the same instant. Fabric accepts negative nanoseconds, which this type cannot
    /// represent.
    fn from(prost_types::Timestamp { seconds, nanos }: prost_types::Timestamp) -> Self {
        const SECOND: i32 = 1_000_000_000;
        if let Ok(nanos) = u32::try_from(nanos) {
            return Self { seconds, nanos };
        }
        let seconds = seconds.saturating_add(nanos.div_euclid(SECOND).into());
        Self { seconds, nanos: nanos.rem_euclid(SECOND).unsigned_abs() }
    }
}

/// The parts of a proposal that the transaction's chaincodes may read. Created once from the signed
/// proposal and shared with nested calls.
#[derive(Clone, Debug, Default)]
pub struct ProposalContext {
    /// Serialized `msp.SerializedIdentity`.
    pub creator: Vec<u8>,
    /// Data that is not part of the transaction.
    pub transient: BTreeMap<String, Vec<u8>>,
    /// None if the channel header has no timestamp.
    pub timestamp: Option<Timestamp>,
    /// Nonce and epoch, from which the binding is computed together with the creator. None if there
    /// is no proposal.
    pub bound: Option<(Vec<u8>, u64)>,
    /// The chaincode that the client's invocation names, which may differ from the one in the
    /// header. None if it names none, or if it was not decoded.
    pub called: Option<String>,
    /// The client's signed proposal. Its bytes are empty if there is none.
    pub signed: Arc<SignedProposal>,
}

impl ProposalContext {
    /// Returns the SHA-256 of nonce, creator and epoch (little endian), as fabric `protoutil`
    /// computes it. Empty if there is no proposal. Computed on demand, since hardly any contract
    /// uses it.
    pub fn binding(&self) -> Vec<u8> {
        let Some((nonce, epoch)) = &self.bound else { return Vec::new() };
        let epoch = epoch.to_le_bytes();
        sha256_all([nonce.as_slice(), self.creator.as_slice(), epoch.as_slice()]).to_vec()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn negative_nanoseconds_are_the_same_instant() {
        for ((seconds, nanos), expected) in [
            ((7, 8), (7, 8)),
            ((7, -1), (6, 999_999_999)),
            ((-7, -1_000_000_000), (-8, 0)),
            ((7, i32::MIN), (4, 852_516_352)),
            ((7, i32::MAX), (7, 2_147_483_647)),
        ] {
            let Timestamp { seconds, nanos } = prost_types::Timestamp { seconds, nanos }.into();
            assert_eq!((seconds, nanos), expected);
        }
    }
}
