//! What the peer's own parts lend a system chaincode beside its arguments.
//!
//! ESCC and VSCC take serialized messages, as in Fabric 1.0. A caller in this process has them
//! opened already and lends them, so that nothing is encoded and decoded again on the way.

use wasmcc_types::Opened;
use wasmcc_types::proto::protos;

/// What is lent for one call; the arguments in its place are empty.
#[derive(Default)]
pub enum Lent<'a> {
    /// All is in the arguments.
    #[default]
    Nothing,
    /// To ESCC, which leaves its answer there, too.
    Endorsement(&'a mut Endorsing),
    /// To VSCC: the transaction.
    Transaction(&'a Opened),
}

/// An endorsement in the making.
pub enum Endorsing {
    /// What is to be endorsed.
    Asked(ToEndorse),
    /// Between the two.
    Taken,
    /// What ESCC answered.
    Endorsed(protos::ProposalResponse),
}

/// What a simulation gave.
#[derive(Debug)]
pub struct ToEndorse {
    /// Of the proposal: both headers as received and the payload without its transient part.
    pub hash: [u8; 32],
    /// The chaincode, and its version.
    pub id: protos::ChaincodeId,
    /// What the chaincode answered.
    pub response: protos::Response,
    /// The serialized read-write set.
    pub results: Vec<u8>,
    /// Serialized `protos.ChaincodeEvent`; may be empty.
    pub event: Vec<u8>,
}

impl Endorsing {
    /// Takes what is to be endorsed; None if that was not asked for.
    pub fn take(&mut self) -> Option<ToEndorse> {
        match std::mem::replace(self, Self::Taken) {
            Self::Asked(wanted) => Some(wanted),
            Self::Taken | Self::Endorsed(_) => None,
        }
    }
}
