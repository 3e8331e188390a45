//! Messages that a program has not read yet.

use std::collections::VecDeque;

use prost::Message as _;

use crate::chaincode::external::Outbox;
use crate::chaincode::external::error::Congested;
use wasmcc_protocol::{InvokeMessage, Message};

/// Limit on the unread messages of a program, in bytes. A single message may be larger.
const BYTES: usize = 128 << 20;

/// An outbox that counts its contents.
pub(super) struct Outgoing {
    outbox: Outbox,
    /// The sizes of the unread messages at the last update, the oldest first.
    sizes: VecDeque<usize>,
    bytes: usize,
}

impl Outgoing {
    pub(super) fn new(outbox: Outbox) -> Self {
        Self { outbox, sizes: VecDeque::new(), bytes: 0 }
    }

    /// Returns true if all messages were read.
    pub(super) fn is_empty(&mut self) -> bool {
        self.update();
        self.sizes.is_empty()
    }

    /// Checks that a transaction fits in addition to `running` others, each of which needs room for
    /// one message.
    pub(super) fn admit(
        &mut self,
        invocation: &InvokeMessage,
        running: usize,
    ) -> Result<(), Congested> {
        let proposal = invocation.proposal.as_ref().map_or(0, |proposal| proposal.encoded_len());
        self.admit_bytes(invocation.input.encoded_len() + proposal)?;
        if self.outbox.capacity() <= running {
            return Err(self.congested());
        }
        Ok(())
    }

    /// Checks that this many bytes fit.
    pub(super) fn admit_bytes(&mut self, bytes: usize) -> Result<(), Congested> {
        self.update();
        match self.sizes.is_empty() || self.bytes.saturating_add(bytes) <= BYTES {
            true => Ok(()),
            false => Err(self.congested()),
        }
    }

    /// Adds a message. Returns false if it does not fit.
    pub(super) fn send(&mut self, message: Message) -> bool {
        let wire = message.encode();
        let size = wire.encoded_len();
        self.update();
        let is_sent = self.outbox.try_send(wire).is_ok();
        if is_sent {
            self.sizes.push_back(size);
            self.bytes += size;
        }
        is_sent
    }

    fn congested(&self) -> Congested {
        Congested { messages: self.sizes.len(), bytes: self.bytes }
    }

    fn update(&mut self) {
        let waiting = self.outbox.max_capacity() - self.outbox.capacity();
        while self.sizes.len() > waiting {
            self.bytes -= self.sizes.pop_front().unwrap_or(0);
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::mpsc;

    use super::*;
    use wasmcc_protocol::TxKey;
    use wasmcc_types::Entry;

    fn response(bytes: usize) -> Message {
        Message::Response { tx: TxKey::new("ch", "tx"), payload: vec![0; bytes] }
    }

    #[test]
    fn bytes_are_bounded_and_given_back_when_they_are_read() {
        let (outbox, mut messages) = mpsc::channel(8);
        let mut outgoing = Outgoing::new(outbox);
        assert_eq!(outgoing.admit_bytes(2 * BYTES), Ok(()), "a single message may be large");
        assert!(outgoing.send(response(BYTES / 2)));
        assert_eq!(outgoing.admit_bytes(BYTES / 4), Ok(()));
        let refused = outgoing.admit_bytes(BYTES / 2).unwrap_err().to_string();
        let begin = "the chaincode does not read its messages: 1 of 671";
        assert!(refused.starts_with(begin), "{refused}");
        messages.try_recv().unwrap();
        assert_eq!(outgoing.admit_bytes(BYTES), Ok(()));
        assert!(outgoing.is_empty());
    }

    #[test]
    fn each_transaction_that_runs_has_room_for_a_message() {
        let (outbox, _messages) = mpsc::channel(3);
        let mut outgoing = Outgoing::new(outbox);
        let tx = TxKey::new("ch", "tx");
        let invocation =
            InvokeMessage { tx, entry: Entry::Invoke, input: Default::default(), proposal: None };
        assert_eq!(outgoing.admit(&invocation, 2), Ok(()));
        assert!(outgoing.send(response(1)));
        assert_eq!(outgoing.admit(&invocation, 1), Ok(()));
        assert!(outgoing.admit(&invocation, 2).is_err());
    }
}
