//! Values that the peer passes to a system chaincode in addition to its arguments, or instead of
//! them.
//!
//! The arguments of ESCC and VSCC are serialized messages, as in Fabric 1.0. A caller in this
//! process has already decoded them and passes the values, so nothing is encoded and decoded again.

use wasmcc_runtime::Waiter;
use wasmcc_types::Opened;
use wasmcc_types::proto::protos;

/// The values for one call. Arguments that are passed as values are empty.
#[derive(Default)]
pub enum Lent<'a> {
    /// All arguments are serialized.
    #[default]
    Nothing,
    /// For ESCC, which also stores its answer here.
    Endorsement(&'a mut Endorsing),
    /// For VSCC: the transaction.
    Transaction(&'a Opened),
    /// For an install: reports whether its caller still waits.
    Install(&'a Waiter),
}

impl<'a> Lent<'a> {
    /// Returns the waiter of an install; None if its caller never leaves.
    pub(crate) fn waiter(&self) -> Option<&'a Waiter> {
        match *self {
            Self::Install(waiter) => Some(waiter),
            Self::Nothing | Self::Endorsement(_) | Self::Transaction(_) => None,
        }
    }
}

/// The state of an endorsement.
pub enum Endorsing {
    /// The result for ESCC to endorse.
    Asked(ToEndorse),
    /// ESCC has taken the result and has not answered.
    Taken,
    /// The answer of ESCC.
    Endorsed(protos::ProposalResponse),
}

/// The result of a simulation.
#[derive(Debug)]
pub struct ToEndorse {
    /// The hash of the proposal: both headers as received and the payload without its transient
    /// part.
    pub hash: [u8; 32],
    /// The chaincode and its version.
    pub id: protos::ChaincodeId,
    /// The answer of the chaincode.
    pub response: protos::Response,
    /// The serialized read-write set.
    pub results: Vec<u8>,
    /// Serialized `protos.ChaincodeEvent`; may be empty.
    pub event: Vec<u8>,
}

impl Endorsing {
    /// Takes the result to endorse. Returns None if there is none, or if it was taken before.
    pub fn take(&mut self) -> Option<ToEndorse> {
        match std::mem::replace(self, Self::Taken) {
            Self::Asked(wanted) => Some(wanted),
            Self::Taken | Self::Endorsed(_) => None,
        }
    }
}
