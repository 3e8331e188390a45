//! A chaincode without a program: a test sends its messages.
//!
//! Invariant: it applies no rule of the protocol by itself.
#![allow(clippy::unwrap_used, reason = "a test cannot go on without its chaincode")]

use prost::Message;
use tokio::sync::mpsc;
use wasmcc_api::{ChaincodeStream, Peer};
use wasmcc_node::sandbox::Sandbox;
use wasmcc_types::StreamOrigin;
use wasmcc_types::proto::protos::chaincode_message::Type;
use wasmcc_types::proto::protos::{self, ChaincodeMessage};

/// A chaincode whose messages the test sends.
pub struct Scripted {
    /// The peer's end.
    pub stream: Box<dyn ChaincodeStream>,
    messages: mpsc::Receiver<ChaincodeMessage>,
}

impl Scripted {
    /// Opens a stream without sending anything; the peer may send `outbox` unread messages.
    pub fn open(sandbox: &Sandbox, outbox: usize) -> Self {
        Self::open_at(sandbox.peer(), outbox)
    }

    /// As [`open`](Self::open), at any peer.
    pub fn open_at(peer: &wasmcc_node::Peer, outbox: usize) -> Self {
        Self::open_from(peer, outbox, StreamOrigin { is_local: true, common_name: None })
    }

    fn open_from(peer: &wasmcc_node::Peer, outbox: usize, origin: StreamOrigin) -> Self {
        let (outbox, messages) = mpsc::channel(outbox);
        Self { stream: peer.open_chaincode_stream(outbox, origin), messages }
    }

    /// Sends REGISTER from this machine.
    pub fn register(sandbox: &Sandbox, ccid: &str) -> Self {
        Self::open(sandbox, 8).registering(ccid)
    }

    /// Sends REGISTER.
    pub fn register_from(sandbox: &Sandbox, ccid: &str, origin: StreamOrigin) -> Self {
        Self::open_from(sandbox.peer(), 8, origin).registering(ccid)
    }

    /// Registers and becomes ready; returns the payload of READY.
    pub fn ready(sandbox: &Sandbox, ccid: &str) -> (Self, Vec<u8>) {
        Self::ready_at(sandbox.peer(), 8, ccid)
    }

    /// As [`ready`](Self::ready), at any peer, which may send `outbox` unread messages.
    pub fn ready_at(peer: &wasmcc_node::Peer, outbox: usize, ccid: &str) -> (Self, Vec<u8>) {
        let mut this = Self::open_at(peer, outbox).registering(ccid);
        assert_eq!(this.hear().r#type(), Type::Registered);
        let ready = this.hear();
        assert_eq!(ready.r#type(), Type::Ready);
        (this, ready.payload)
    }

    fn registering(self, ccid: &str) -> Self {
        let id = protos::ChaincodeId { name: ccid.into(), ..Default::default() };
        self.say(&ChaincodeMessage::default(), Type::Register, id.encode_to_vec());
        self
    }

    /// Returns the next message.
    ///
    /// # Panics
    /// Panics if the peer ended the stream.
    pub fn hear(&mut self) -> ChaincodeMessage {
        self.messages.blocking_recv().expect("the stream stands")
    }

    /// Waits for the next message; returns true if the stream ends instead.
    pub fn is_ended(&mut self) -> bool {
        self.messages.blocking_recv().is_none()
    }

    /// Returns the text of an ERROR, after which the stream ends.
    pub fn refusal(&mut self) -> String {
        let refused = self.hear();
        assert_eq!(refused.r#type(), Type::Error);
        assert_eq!(self.messages.blocking_recv(), None, "the stream ends");
        assert!(!self.stream.is_open());
        String::from_utf8(refused.payload).unwrap()
    }

    /// Sends a message of the transaction that `about` belongs to.
    pub fn say(&self, about: &ChaincodeMessage, kind: Type, payload: Vec<u8>) {
        self.stream.receive(ChaincodeMessage {
            r#type: kind.into(),
            payload,
            txid: about.txid.clone(),
            channel_id: about.channel_id.clone(),
            ..Default::default()
        });
    }

    /// Sends a request; returns the payload of the answer.
    pub fn ask(&mut self, about: &ChaincodeMessage, kind: Type, payload: &impl Message) -> Vec<u8> {
        self.say(about, kind, payload.encode_to_vec());
        let answer = self.hear();
        let text = String::from_utf8_lossy(&answer.payload);
        assert_eq!(answer.r#type(), Type::Response, "{text}");
        answer.payload
    }

    /// Sends a request; returns the text of the refusal.
    pub fn ask_badly(
        &mut self,
        about: &ChaincodeMessage,
        kind: Type,
        payload: &impl Message,
    ) -> String {
        self.say(about, kind, payload.encode_to_vec());
        let answer = self.hear();
        assert_eq!(answer.r#type(), Type::Error);
        let begin = format!("{} failed: transaction ID: {}: ", kind.as_str_name(), about.txid);
        let text = String::from_utf8(answer.payload).unwrap();
        text.strip_prefix(&begin).expect("it begins as in Fabric").to_owned()
    }

    /// Ends a transaction with status 200.
    pub fn complete(&self, about: &ChaincodeMessage) {
        let response = protos::Response { status: 200, ..Default::default() };
        self.say(about, Type::Completed, response.encode_to_vec());
    }
}
