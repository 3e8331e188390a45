//! The answers of all peers, and their compared parts.

use std::fmt;

use prost::Message;
use wasmcc_client as client;
use wasmcc_client::ClientProposal;
use wasmcc_ledger::TxRwSet;
use wasmcc_types::proto::protos;

/// The most characters of a payload in a failed comparison.
const TEXT_SHOWN: usize = 2_000;

/// The common answer of all peers.
pub struct Answer {
    /// The id of the transaction.
    pub tx_id: String,
    /// The chaincode's answer, or the peer's refusal.
    pub response: protos::Response,
    /// The endorsed bytes: a serialized `protos.ProposalResponsePayload`; empty without an
    /// endorsement.
    pub payload: Vec<u8>,
    pub(super) proposal: ClientProposal,
    pub(super) responses: Vec<protos::ProposalResponse>,
}

impl Answer {
    /// Returns the response's payload as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.response.payload).into_owned()
    }

    /// Returns the reads and writes.
    ///
    /// # Panics
    /// Panics if the peers returned none.
    pub fn rwset(&self) -> TxRwSet {
        let action = client::chaincode_action(&self.payload).expect("the peers gave one");
        TxRwSet::decode(&action.results).expect("peers make sense")
    }

    /// Returns each peer's message.
    pub fn messages(&self) -> impl Iterator<Item = &str> {
        let responses = self.responses.iter().filter_map(|answer| answer.response.as_ref());
        responses.map(|response| response.message.as_str())
    }

    /// Returns the event that the transaction would cause.
    pub fn event(&self) -> Option<protos::ChaincodeEvent> {
        let action = client::chaincode_action(&self.payload).ok()?;
        let event = protos::ChaincodeEvent::decode(action.events.as_slice()).ok()?;
        (!event.event_name.is_empty()).then_some(event)
    }
}

/// Maps a message to a text that is the same for all peers.
pub(super) type Words = fn(&str) -> String;

/// The compared contents of an answer.
#[derive(PartialEq)]
pub(super) struct Meaning {
    status: i32,
    message: String,
    text: String,
    is_endorsed: bool,
    version: i32,
    rwset: Option<TxRwSet>,
    action: Option<protos::ChaincodeAction>,
}

impl Meaning {
    pub(super) fn of(response: &protos::ProposalResponse, words: Option<Words>) -> Self {
        let say = |text: &str| words.map_or_else(|| text.to_owned(), |words| words(text));
        let action = client::chaincode_action(&response.payload).ok();
        let rwset = action.as_ref().and_then(|action| TxRwSet::decode(&action.results).ok());
        let action = action.map(|mut action| {
            if let Some(response) = &mut action.response {
                response.message = say(&response.message);
            }
            action
        });
        let protos::Response { status, message, payload } =
            response.response.clone().unwrap_or_default();
        Self {
            status,
            message: say(&message),
            text: payload.escape_ascii().to_string(),
            is_endorsed: response.endorsement.is_some(),
            version: response.version,
            rwset,
            action,
        }
    }
}

impl fmt::Debug for Meaning {
    /// Omits the bytes from which the other parts are decoded.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { status, message, text, is_endorsed, rwset, .. } = self;
        let text: String = text.chars().take(TEXT_SHOWN).collect();
        write!(f, "{status} {message:?} {text:?} endorsed: {is_endorsed} {rwset:?}")
    }
}
