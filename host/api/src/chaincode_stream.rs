//! Transports the messages of a chaincode stream, for both directions of connecting.
//!
//! Invariant: messages are not inspected. The peer ends a stream by dropping its sender.

use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::{Instant, MissedTickBehavior, interval_at};
use tokio_stream::wrappers::ReceiverStream;
use tonic::Streaming;

use crate::peer::ChaincodeStream;
use crate::shutdown::Stopping;
use wasmcc_types::proto::protos::ChaincodeMessage;

/// Maximum number of messages that a chaincode has not read yet; a transaction has at most one.
const OUTBOX_MESSAGES: usize = 4096;
/// Interval of the checks whether a stream without keepalive is still open.
const LOOK_UP: Duration = Duration::from_secs(5);

/// Creates the queue of messages for a chaincode: the peer's end, and the end for the transport.
pub(super) fn outbox() -> (mpsc::Sender<ChaincodeMessage>, ReceiverStream<ChaincodeMessage>) {
    let (outbox, messages) = mpsc::channel(OUTBOX_MESSAGES);
    (outbox, ReceiverStream::new(messages))
}

/// Passes messages on until one side ends the stream, or until the server stops and no transaction
/// is running.
pub(super) async fn drive(
    stream: Box<dyn ChaincodeStream>,
    mut messages: Streaming<ChaincodeMessage>,
    mut stopping: Stopping,
) {
    let keepalive = stream.keepalive();
    let period = keepalive.unwrap_or(LOOK_UP).max(Duration::from_millis(1));
    let mut ticks = interval_at(Instant::now() + period, period);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut told = false;
    while stream.is_open() {
        tokio::select! {
            message = messages.message() => match message {
                Ok(Some(message)) => stream.receive(message),
                Ok(None) => return,
                Err(status) => {
                    tracing::info!(%status, "a chaincode stream broke");
                    return;
                }
            },
            _ = ticks.tick() => {
                if keepalive.is_some() {
                    stream.keepalive_due();
                }
            }
            () = stopping.wait(), if !told => {
                told = true;
                stream.stop();
            }
        }
    }
}
