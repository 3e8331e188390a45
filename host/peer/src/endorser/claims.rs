//! The claims of a proposal or an envelope, read from its headers before it is unpacked. The queue
//! is fair by them, and the log names them.

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

/// The claims of a proposal; nothing is checked.
#[derive(Clone, Debug)]
pub struct Claims {
    /// The client, chaincode and channel that the peer would work for.
    pub share: Share,
    /// The transaction.
    pub tx_id: String,
}

impl Claims {
    /// Reads the headers. Leaves empty what cannot be read.
    pub fn of(signed: &protos::SignedProposal) -> Self {
        let headers = Headers::decode(signed.proposal_bytes.as_slice()).unwrap_or_default();
        Self::of_header(&headers.header)
    }

    /// As [`of`](Self::of), for an envelope for the orderer.
    pub fn of_envelope(envelope: &common::Envelope) -> Self {
        // In both messages, the header is field 1; the rest is not copied.
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

    /// Returns its data for the log.
    fn line(&self) -> TxLine<'_> {
        let Share { channel, chaincode, .. } = &self.share;
        TxLine { channel, tx_id: &self.tx_id, chaincode }
    }

    /// Writes the log line of a proposal that cannot be read.
    pub fn log_refusal(&self, rejected: &Rejected) {
        self.line().refused(rejected);
    }

    /// Writes the log line of a proposal that was refused because the peer is busy.
    pub fn log_not_run(&self, reason: &str) {
        self.line().not_run(reason);
    }
}
