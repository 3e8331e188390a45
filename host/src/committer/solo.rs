//! The orderer of one channel: a queue, a thread that cuts blocks, and the checks in front of them.
//! Fabric: `orderer/common/msgprocessor` (the filters) and 1.0's `orderer/solo/consensus.go`.
//!
//! Invariant: what a transaction did is not looked at; blocks come out in the order of the queue.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant, SystemTime};

use prost::Message;

use crate::channel::Channel;
use crate::committer::block_cutter::{BlockCutter, MessageTooLarge, size};
use crate::committer::commit::Committer;
use crate::committer::error::CommitError;
use crate::msp::{PolicyError, SignedData};
use crate::proto::common::{ChannelHeader, Envelope, HeaderType, Payload, SignatureHeader, Status};

/// Who may send transactions for ordering.
const WRITERS: &str = "/Channel/Writers";

/// How much may wait to be ordered. When blocks are cut is for the channel's configuration to say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SoloConfig {
    /// Envelopes in the queue.
    pub queue_messages: usize,
    /// Bytes of the envelopes in the queue. One envelope may always wait.
    pub queue_bytes: usize,
}

impl Default for SoloConfig {
    fn default() -> Self {
        Self { queue_messages: 10_000, queue_bytes: 256 << 20 }
    }
}

/// Why an envelope is not ordered.
#[derive(Debug, thiserror::Error)]
pub enum OrderError {
    /// It is not an envelope with headers.
    #[error("{0}")]
    Malformed(String),
    /// It is for another channel.
    #[error("channel does not exist: '{0}'")]
    UnknownChannel(String),
    /// It would change the channel's configuration.
    #[error("updates of a channel's configuration are not supported")]
    Config,
    /// It fits into no block.
    #[error(transparent)]
    TooLarge(#[from] MessageTooLarge),
    /// The certificate of its creator is not valid any more.
    #[error("broadcast client identity expired")]
    Expired,
    /// Its creator may not write to the channel.
    #[error("{0}: permission denied")]
    Denied(#[source] PolicyError),
    /// Too much is waiting already.
    #[error("the orderer's queue is full")]
    QueueFull,
    /// The orderer was stopped, or its channel had to stop.
    #[error("the orderer of channel '{0}' has stopped")]
    Stopped(String),
}

impl OrderError {
    /// What an orderer's client gets to see.
    pub fn status(&self) -> Status {
        match self {
            Self::Malformed(_) | Self::Expired => Status::BadRequest,
            Self::UnknownChannel(_) => Status::NotFound,
            Self::Config => Status::NotImplemented,
            Self::TooLarge(_) => Status::RequestEntityTooLarge,
            Self::Denied(_) => Status::Forbidden,
            Self::QueueFull | Self::Stopped(_) => Status::ServiceUnavailable,
        }
    }
}

/// Orders the transactions of one channel on this machine alone. Dropping it is as `stop`.
pub struct Solo {
    channel: Arc<Channel>,
    config: SoloConfig,
    waiting_bytes: Arc<AtomicUsize>,
    /// None when stopped.
    queue: Mutex<Option<SyncSender<Envelope>>>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Solo {
    /// Starts the orderer's thread, which hands its blocks to `committer`. Fails if the system
    /// gives no thread.
    pub fn start(committer: Arc<Committer>, config: SoloConfig) -> std::io::Result<Self> {
        let channel = Arc::clone(committer.channel());
        let (sender, receiver) = sync_channel(config.queue_messages.max(1));
        let waiting_bytes = Arc::new(AtomicUsize::new(0));
        let chain = Chain {
            committer,
            queue: receiver,
            waiting_bytes: Arc::clone(&waiting_bytes),
            cutter: BlockCutter::default(),
            deadline: None,
        };
        let thread = thread::Builder::new()
            .name(format!("solo-{}", channel.ledger().channel_id()))
            .spawn(move || chain.run())?;
        let (queue, thread) = (Mutex::new(Some(sender)), Mutex::new(Some(thread)));
        Ok(Self { channel, config, waiting_bytes, queue, thread })
    }

    /// Checks an envelope and puts it into the queue. That it is ordered does not mean that it is
    /// valid: see [`Notifier`](crate::committer::Notifier).
    pub fn order(&self, envelope: Envelope) -> Result<(), OrderError> {
        self.check(&envelope, SystemTime::now())?;
        let stopped = || OrderError::Stopped(self.channel.ledger().channel_id().to_string());
        let sender = lock(&self.queue).clone().ok_or_else(stopped)?;
        let bytes = size(&envelope);
        let before = self.waiting_bytes.fetch_add(bytes, Ordering::Relaxed);
        let outcome = if before > 0 && before.saturating_add(bytes) > self.config.queue_bytes {
            Err(OrderError::QueueFull)
        } else {
            sender.try_send(envelope).map_err(|error| match error {
                TrySendError::Full(_) => OrderError::QueueFull,
                TrySendError::Disconnected(_) => stopped(),
            })
        };
        if outcome.is_err() {
            self.waiting_bytes.fetch_sub(bytes, Ordering::Relaxed);
        }
        outcome
    }

    /// Takes nothing more, commits what is in the queue and waits for that.
    pub fn stop(&self) {
        // The thread ends when the queue is empty and has no sender.
        drop(lock(&self.queue).take());
        let thread = lock(&self.thread).take();
        // The last owner may go away in a listener, which runs on the orderer's own thread.
        let other = |handle: &JoinHandle<()>| handle.thread().id() != thread::current().id();
        if let Some(thread) = thread.filter(other)
            && thread.join().is_err()
        {
            tracing::error!(channel = %self.channel.ledger().channel_id(), "the orderer panicked");
        }
    }

    /// Fabric: `msgprocessor/standardchannel.go`, `CreateStandardChannelFilters`, in its order.
    pub(super) fn check(&self, envelope: &Envelope, now: SystemTime) -> Result<(), OrderError> {
        let malformed = |what: &str, e: prost::DecodeError| {
            OrderError::Malformed(format!("error unmarshalling {what}: {e}"))
        };
        let payload =
            Payload::decode(envelope.payload.as_slice()).map_err(|e| malformed("Payload", e))?;
        let header = payload.header;
        let header = header.ok_or_else(|| OrderError::Malformed("nil payload header".into()))?;
        let channel_header = ChannelHeader::decode(header.channel_header.as_slice())
            .map_err(|e| malformed("ChannelHeader", e))?;
        if channel_header.channel_id != self.channel.ledger().channel_id().as_str() {
            return Err(OrderError::UnknownChannel(channel_header.channel_id));
        }
        if let Ok(HeaderType::Config | HeaderType::ConfigUpdate | HeaderType::OrdererTransaction) =
            HeaderType::try_from(channel_header.r#type)
        {
            return Err(OrderError::Config);
        }
        let config = self.channel.config();
        BlockCutter::check_size(&config.batch_limits(), envelope)?;
        let signature_header = SignatureHeader::decode(header.signature_header.as_slice())
            .map_err(|e| malformed("SignatureHeader", e))?;
        let creator = config.msps().deserialize(&signature_header.creator);
        if creator.is_ok_and(|creator| creator.is_expired(now)) {
            return Err(OrderError::Expired);
        }
        let Some(writers) = config.policies().get(WRITERS) else {
            return Err(OrderError::Denied(PolicyError::NoSuchPolicy(WRITERS.to_owned())));
        };
        let signed = SignedData {
            identity: signature_header.creator,
            data: envelope.payload.clone(),
            signature: envelope.signature.clone(),
        };
        writers.evaluate(&[signed], config.msps()).map_err(OrderError::Denied)
    }
}

impl Drop for Solo {
    fn drop(&mut self) {
        self.stop();
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What the orderer's thread owns.
struct Chain {
    committer: Arc<Committer>,
    queue: Receiver<Envelope>,
    waiting_bytes: Arc<AtomicUsize>,
    cutter: BlockCutter,
    /// When what is waiting becomes a block. None if nothing is waiting.
    deadline: Option<Instant>,
}

impl Chain {
    fn run(mut self) {
        // The committer has logged why it stopped, and told those who wait. Without a receiver the
        // queue refuses everything.
        while let Ok(true) = self.step() {}
    }

    /// Handles one message or the end of the timeout. False: stopped and all is committed.
    fn step(&mut self) -> Result<bool, CommitError> {
        let received = match self.deadline {
            Some(deadline) => match deadline.saturating_duration_since(Instant::now()) {
                // Even if the queue never runs empty.
                Duration::ZERO => Err(RecvTimeoutError::Timeout),
                left => self.queue.recv_timeout(left),
            },
            None => self.queue.recv().map_err(|_| RecvTimeoutError::Disconnected),
        };
        match received {
            Ok(envelope) => self.order(envelope).map(|()| true),
            Err(RecvTimeoutError::Timeout) => self.cut().map(|()| true),
            Err(RecvTimeoutError::Disconnected) => self.cut().map(|()| false),
        }
    }

    fn order(&mut self, envelope: Envelope) -> Result<(), CommitError> {
        self.waiting_bytes.fetch_sub(size(&envelope), Ordering::Relaxed);
        let limits = self.committer.channel().config().batch_limits();
        let ordered = match self.cutter.ordered(&limits, envelope) {
            Ok(ordered) => ordered,
            Err(error) => {
                // It was small enough when it was taken; the limits have changed since.
                tracing::warn!(%error, "dropped a transaction");
                return Ok(());
            }
        };
        // A running timer goes on when a batch was cut and messages wait, as in Fabric.
        self.deadline = match (ordered.pending, self.deadline) {
            (false, _) => None,
            (true, running @ Some(_)) => running,
            (true, None) => Instant::now().checked_add(limits.timeout),
        };
        for batch in ordered.batches {
            self.committer.commit_envelopes(batch)?;
        }
        Ok(())
    }

    fn cut(&mut self) -> Result<(), CommitError> {
        self.deadline = None;
        match self.cutter.cut() {
            Some(batch) => self.committer.commit_envelopes(batch).map(drop),
            None => Ok(()),
        }
    }
}
