//! The messages that wait to be read by the peer, in order.
//!
//! The payload of a large request is dropped if its transaction ends before it is sent, since its
//! bytes count until then. The peer still gets the request without its payload. It ignores or
//! refuses it like any request of an unknown transaction, so every request has an answer.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tokio_stream::{Stream, StreamExt as _};

use crate::budget::BudgetShare;
use wasmcc_protocol::ProtocolError;
use wasmcc_types::proto::protos::ChaincodeMessage;

/// Maximum number of messages that wait for the peer to read them. Further senders wait.
const MESSAGES: usize = 64;
/// Minimum size of payloads that can be dropped; smaller ones need no lock.
const LARGE: usize = 64 << 10;

/// The sending half. The transport reads the other half, a stream.
pub(crate) struct Outbox {
    /// None marks the end of the stream.
    sender: mpsc::Sender<Option<Queued>>,
    /// The number of messages that the transport has read.
    taken: Arc<AtomicU64>,
}

#[expect(clippy::large_enum_variant, reason = "nearly all are small, and need no allocation")]
enum Queued {
    Small(HeldMessage),
    Large(Arc<Slot>),
}

/// A message, and the share that counts its bytes until it is encoded.
struct HeldMessage {
    message: ChaincodeMessage,
    share: Option<Arc<BudgetShare>>,
}

/// A large message; None after it was sent.
struct Slot(Mutex<Option<HeldMessage>>);

/// A large message that was queued.
pub(crate) struct SentLarge(Arc<Slot>);

/// Drops the payload of a large message when dropped, unless it has been sent.
pub(crate) struct Recall(Option<SentLarge>);

impl Outbox {
    /// Returns both halves.
    pub(crate) fn open() -> (Self, impl Stream<Item = ChaincodeMessage>) {
        let (sender, outgoing) = mpsc::channel(MESSAGES);
        let taken = Arc::new(AtomicU64::new(0));
        let outbox = Self { sender, taken: Arc::clone(&taken) };
        let outgoing = ReceiverStream::new(outgoing).map_while(|queued| queued);
        let outgoing = outgoing.filter_map(move |queued: Queued| {
            taken.fetch_add(1, Ordering::Relaxed);
            match queued {
                Queued::Small(held) => Some(held.message),
                Queued::Large(slot) => slot.lock().take().map(|held| held.message),
            }
        });
        (outbox, outgoing)
    }

    /// Queues the first message of a stream.
    pub(crate) fn begin(&self, message: ChaincodeMessage) {
        // Cannot fail: the outbox is empty.
        let _ = self.sender.try_send(Some(Queued::Small(HeldMessage { message, share: None })));
    }

    /// Waits for room and queues a message. Returns it if it is large.
    pub(crate) async fn send(
        &self,
        message: ChaincodeMessage,
        share: Option<Arc<BudgetShare>>,
    ) -> Result<Option<SentLarge>, ProtocolError> {
        let is_large = message.payload.len() >= LARGE;
        let held = HeldMessage { message, share };
        let (queued, sent) = match is_large {
            false => (Queued::Small(held), None),
            true => {
                let slot = Arc::new(Slot(Mutex::new(Some(held))));
                (Queued::Large(Arc::clone(&slot)), Some(SentLarge(slot)))
            }
        };
        let queued = self.sender.send(Some(queued)).await;
        queued.map_err(|_| ProtocolError::StreamTerminated)?;
        Ok(sent)
    }

    /// Ends the stream after the queued messages.
    pub(crate) async fn end(&self) {
        // The receiver may be gone.
        let _ = self.sender.send(None).await;
    }

    /// Completes when messages have waited for at least this time and none was read, at the latest
    /// after twice the time.
    pub(crate) async fn when_unread(&self, time: Duration) {
        let mut before = None;
        while !self.is_stuck(&mut before) {
            tokio::time::sleep(time).await;
        }
    }

    /// True if messages wait now, waited at the last call, and none was read in between.
    fn is_stuck(&self, before: &mut Option<u64>) -> bool {
        let is_waiting = self.sender.capacity() < self.sender.max_capacity();
        let taken = is_waiting.then(|| self.taken.load(Ordering::Relaxed));
        let before = std::mem::replace(before, taken);
        before.is_some() && before == taken
    }
}

impl Recall {
    /// Drops the payload of a request that is useless without its transaction.
    pub(crate) fn new(sent: Option<SentLarge>) -> Self {
        Self(sent)
    }
}

impl Slot {
    fn lock(&self) -> MutexGuard<'_, Option<HeldMessage>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Recall {
    fn drop(&mut self) {
        let Some(SentLarge(slot)) = &self.0 else { return };
        if let Some(held) = slot.lock().as_mut() {
            held.message.payload = Vec::new();
            held.share = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::budget::MessageBudget;

    fn message(bytes: usize) -> ChaincodeMessage {
        ChaincodeMessage { payload: vec![7; bytes], ..Default::default() }
    }

    #[tokio::test]
    async fn a_large_request_without_its_transaction_holds_nothing_and_keeps_its_turn() {
        let (outbox, mut outgoing) = Outbox::open();
        let share = MessageBudget::new(usize::MAX).stream().share();
        let mut sent = Vec::new();
        for bytes in [LARGE, LARGE - 1, LARGE] {
            let queued = outbox.send(message(bytes), Some(Arc::clone(&share))).await.unwrap();
            sent.push(Recall::new(queued));
        }
        assert_eq!(Arc::strong_count(&share), 4);
        let (last, small) = (sent.pop(), sent.pop());
        drop(sent);
        drop(small);
        assert_eq!(Arc::strong_count(&share), 3);
        for expected in [0, LARGE - 1, LARGE] {
            assert_eq!(outgoing.next().await.unwrap().payload.len(), expected);
        }
        assert_eq!(Arc::strong_count(&share), 1);
        drop(last);
        outbox.end().await;
        assert!(outgoing.next().await.is_none());
    }

    #[tokio::test]
    async fn messages_that_nobody_reads_are_noticed() {
        let (outbox, mut outgoing) = Outbox::open();
        let mut before = None;
        for _ in 0..2 {
            assert!(!outbox.is_stuck(&mut before), "nothing waits");
        }
        for _ in 0..3 {
            outbox.send(message(1), None).await.unwrap();
        }
        assert!(!outbox.is_stuck(&mut before), "they have just come");
        outgoing.next().await.unwrap();
        assert!(!outbox.is_stuck(&mut before), "one was read");
        assert!(outbox.is_stuck(&mut before));
        outbox.when_unread(Duration::from_millis(1)).await;
        while before.is_some() {
            outgoing.next().await.unwrap();
            outbox.is_stuck(&mut before);
        }
    }
}
