//! What a proposal or an envelope claims, read from its headers before it is unpacked: the queue is
//! fair by it, and the log names it.

use prost::Message;

use crate::endorser::error::Rejected;
use crate::endorser::tx_line::TxLine;
use wasmcc_types::Share;
use wasmcc_types::proto::{common, protos};

/// The headers of a proposal without its payload, which may be large.
#[derive(Clone, PartialEq, Message)]
struct Headers {
    #[prost(bytes = "vec", tag = "1")]
    header: Vec<u8>,
}

/// What a proposal says of itself; nothing is checked.
#[derive(Clone, Debug)]
pub struct Claims {
    /// For whom the peer would work.
    pub share: Share,
    /// The transaction.
    pub tx_id: String,
}

impl Claims {
    /// Reads the headers. What cannot be read is left empty.
    pub fn of(signed: &protos::SignedProposal) -> Self {
        let headers = Headers::decode(signed.proposal_bytes.as_slice()).unwrap_or_default();
        Self::of_header(&headers.header)
    }

    /// As [`of`](Self::of), of an envelope for the orderer.
    pub fn of_envelope(envelope: &common::Envelope) -> Self {
        // Both messages have their header as field 1, and no need to copy the rest.
        let headers = Headers::decode(envelope.payload.as_slice()).unwrap_or_default();
        Self::of_header(&headers.header)
    }

    fn of_header(header: &[u8]) -> Self {
        let header = common::Header::decode(header).unwrap_or_default();
        let channel = common::ChannelHeader::decode(header.channel_header.as_slice());
        let channel = channel.unwrap_or_default();
        let extension = protos::ChaincodeHeaderExtension::decode(channel.extension.as_slice());
        let chaincode = extension.unwrap_or_default().chaincode_id.unwrap_or_default();
        let signature = common::SignatureHeader::decode(header.signature_header.as_slice());
        let creator = signature.unwrap_or_default().creator;
        let share = Share::new(&channel.channel_id, &chaincode.name, &creator);
        Self { share, tx_id: channel.tx_id }
    }

    /// What the log calls it.
    fn line(&self) -> TxLine<'_> {
        let Share { channel, chaincode, .. } = &self.share;
        TxLine { channel, tx_id: &self.tx_id, chaincode }
    }

    /// Writes the line of a proposal that cannot be understood.
    pub fn log_refusal(&self, rejected: &Rejected) {
        self.line().refused(rejected);
    }

    /// Writes the line of a proposal for which there is no room.
    pub fn log_not_run(&self, reason: &str) {
        self.line().not_run(reason);
    }
}
