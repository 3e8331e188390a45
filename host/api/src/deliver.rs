//! Streams of blocks: `protos.Deliver` of peers and the half of `orderer.AtomicBroadcast` that
//! gives. Fabric: `common/deliver/deliver.go`, `core/peer/deliverevents.go`.
//!
//! Invariant: the client's right to read is checked first, and again whenever the configuration of
//! the channel changes or the client's certificate expires.

use std::sync::Arc;
use std::time::SystemTime;

use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response, Status as RpcStatus, Streaming};

use crate::block_feed::{BlockFeed, NoBlock};
use crate::call::Call;
use crate::deliver_config::DeliverConfig;
use crate::entrance::{Admission, Entrance};
use crate::peer::{Peer, Reading};
use crate::peer_error::LedgerReadError;
use crate::seek::{Range, SeekRequest, fails_if_not_ready};
use crate::waits::{Waiting, Waits};
use wasmcc_msp::has_expired;
use wasmcc_types::Opened;
use wasmcc_types::proto::common::{Block, Envelope, HeaderType, Status};
use wasmcc_types::proto::orderer::SeekInfo;
use wasmcc_types::sha256;

/// Messages of a stream that wait for a slow client; each may be a whole block.
const STREAM_MESSAGES: usize = 2;

/// How blocks go out.
pub(super) trait Form: Send + 'static {
    /// The message of the stream.
    type Message: Send + 'static;
    /// The rule that decides who may read it.
    const READING: Reading;
    /// The method, for errors.
    const METHOD: &'static str;
    /// As Fabric's metrics name it: whether blocks are filtered, and what goes out.
    const COUNTED: (&'static str, &'static str) = ("false", "block");

    fn status(status: Status) -> Self::Message;

    /// Makes the message of a block, as the peer of the organization `org`. Blocks the thread while
    /// it reads the disk.
    fn block(
        peer: &dyn Peer,
        org: &str,
        request: &SeekRequest,
        block: Block,
    ) -> Result<Self::Message, LedgerReadError>;
}

/// What all these services share.
#[derive(Clone)]
pub(super) struct Deliverer {
    peer: Arc<dyn Peer>,
    /// The organization whose peer this is; None: the orderer.
    org: Option<Arc<str>>,
    waits: Waits,
    entrance: Entrance,
    config: DeliverConfig,
}

/// The answers to one client.
pub(super) type Deliveries<F> = ReceiverStream<Result<<F as Form>::Message, RpcStatus>>;

impl Deliverer {
    pub(super) fn new(
        peer: Arc<dyn Peer>,
        org: Option<Arc<str>>,
        waits: Waits,
        entrance: Entrance,
        config: DeliverConfig,
    ) -> Self {
        Self { peer, org, waits, entrance, config }
    }

    /// Answers request after request of one client.
    pub(super) fn serve<F: Form>(
        &self,
        request: Request<Streaming<Envelope>>,
    ) -> Result<Response<Deliveries<F>>, RpcStatus> {
        let call = Call::of(&request)?;
        let tls_cert_hash = call.certificate().map(sha256);
        let admission = Admission::Entering(self.entrance.enter(call)?);
        let (sender, receiver) = mpsc::channel(STREAM_MESSAGES);
        let session = Session::<F> { deliverer: self.clone(), tls_cert_hash, out: sender };
        tokio::spawn(session.run(request.into_inner(), admission));
        Ok(Response::new(ReceiverStream::new(receiver)))
    }
}

struct Session<F: Form> {
    deliverer: Deliverer,
    tls_cert_hash: Option<[u8; 32]>,
    out: mpsc::Sender<Result<F::Message, RpcStatus>>,
}

/// Why the answer to a request ends.
enum End {
    /// With this status.
    Status(Status),
    /// The server stops, or the client has gone.
    Gone(RpcStatus),
}

impl From<Status> for End {
    fn from(status: Status) -> Self {
        Self::Status(status)
    }
}

impl From<RpcStatus> for End {
    fn from(status: RpcStatus) -> Self {
        Self::Gone(status)
    }
}

impl From<NoBlock> for End {
    fn from(why: NoBlock) -> Self {
        match why {
            NoBlock::Refused(status) => Self::Gone(status),
            NoBlock::Unreadable(_) => Self::Status(Status::ServiceUnavailable),
        }
    }
}

impl<F: Form> Session<F> {
    async fn run(self, mut requests: Streaming<Envelope>, mut admission: Admission) {
        let mut stopping = self.deliverer.waits.stopping();
        let _counted = OpenStream::begin();
        loop {
            let request = tokio::select! {
                request = requests.message() => request,
                () = stopping.wait() => {
                    let stopping = RpcStatus::unavailable("the peer is stopping");
                    // The client may be gone, too.
                    let _ = self.out.send(Err(stopping)).await;
                    return;
                }
                overdue = admission.overdue() => {
                    let _ = self.out.send(Err(overdue)).await;
                    return;
                }
                () = self.out.closed() => return,
            };
            let envelope = match request {
                Ok(Some(envelope)) => envelope,
                Ok(None) => return,
                Err(unreadable) => {
                    // The client may be gone, too.
                    let _ = self.out.send(Err(unreadable)).await;
                    return;
                }
            };
            let end = match self.answer(&envelope, &mut admission).await {
                Ok(()) => End::Status(Status::Success),
                Err(end) => end,
            };
            let (message, last) = match end {
                End::Status(status) => (Ok(F::status(status)), status != Status::Success),
                End::Gone(status) => (Err(status), true),
            };
            if self.out.send(message).await.is_err() || last {
                return;
            }
        }
    }

    /// Fabric: `deliverBlocks`.
    async fn answer(&self, envelope: &Envelope, admission: &mut Admission) -> Result<(), End> {
        let (now, window) = (SystemTime::now(), self.deliverer.config.time_window);
        let hash = self.tls_cert_hash.as_ref().map(|hash| &hash[..]);
        let request = SeekRequest::open(envelope, now, window, hash).map_err(|error| {
            tracing::info!(%error, "refused to deliver blocks");
            Status::BadRequest
        })?;
        let request = Arc::new(request);
        let (peer, waits) = (Arc::clone(&self.deliverer.peer), self.deliverer.waits.clone());
        let asked = Arc::clone(&request);
        let org = &self.deliverer.org;
        if org.as_deref().is_some_and(|org| !peer.has_joined(org, &asked.channel_id)) {
            return Err(Status::NotFound.into());
        }
        let opened = self.run_blocking(move || BlockFeed::open(peer, waits, &asked.channel_id));
        let feed = opened.await?.ok_or(Status::NotFound)?;
        // Only now it is known that there is such a channel.
        let series = wasmcc_metrics::channel(&request.channel_id);
        series.blocks_wanted(F::COUNTED);
        let delivered = self.deliver(&request, feed, admission, &series).await;
        series.blocks_ended(F::COUNTED, delivered.is_ok());
        delivered
    }

    /// Blocks of a channel that exists.
    async fn deliver(
        &self,
        request: &Arc<SeekRequest>,
        mut feed: BlockFeed,
        admission: &mut Admission,
        series: &wasmcc_metrics::Channel,
    ) -> Result<(), End> {
        let info = request.info()?;
        let mut sequence = self.authorize(request).await?;
        let waiting = Waiting::Blocks(F::METHOD);
        admission.accept(&self.deliverer.waits, waiting, &request.signed.identity)?;
        let range = Range::of(&info, feed.height())?;
        let mut number = range.start;
        loop {
            if fails_if_not_ready(&info) && number >= feed.height() {
                return Err(Status::NotFound.into());
            }
            let block = tokio::select! {
                block = feed.block(number) => block?,
                () = self.out.closed() => return Err(gone()),
            };
            let block = block.ok_or(Status::ServiceUnavailable)?;
            if self.deliverer.peer.config_sequence(&request.channel_id) != Some(sequence)
                || has_expired(&request.signed.identity, SystemTime::now())
            {
                sequence = self.authorize(request).await?;
            }
            self.send(request, &info, block).await?;
            series.block_sent(F::COUNTED);
            // Without a stop that can come the number is 0, as in Fabric.
            if number == range.stop {
                return Ok(());
            }
            number += 1;
        }
    }

    /// Checks the client's rights; returns the sequence of the configuration that decided.
    async fn authorize(&self, request: &Arc<SeekRequest>) -> Result<u64, End> {
        if has_expired(&request.signed.identity, SystemTime::now()) {
            tracing::info!("the identity of a client of blocks has expired");
            return Err(Status::Forbidden.into());
        }
        let (peer, asked) = (Arc::clone(&self.deliverer.peer), Arc::clone(request));
        let checked = self.run_blocking(move || {
            // Read first: a configuration that comes meanwhile is noticed at the next block.
            let sequence = peer.config_sequence(&asked.channel_id).unwrap_or_default();
            peer.authorize_reader(F::READING, &asked.channel_id, &asked.signed).map(|()| sequence)
        });
        checked.await?.map_err(|error| {
            tracing::info!(%error, "a client may not have blocks");
            Status::Forbidden.into()
        })
    }

    async fn send(
        &self,
        request: &Arc<SeekRequest>,
        info: &SeekInfo,
        block: Block,
    ) -> Result<(), End> {
        let (peer, asked) = (Arc::clone(&self.deliverer.peer), Arc::clone(request));
        let block = without_data(info, block);
        let org = self.deliverer.org.clone().unwrap_or_default();
        let message = self.run_blocking(move || F::block(peer.as_ref(), &org, &asked, block));
        let message = message.await?;
        let message = message.map_err(|why| RpcStatus::unknown(why.to_string()))?;
        self.out.send(Ok(message)).await.map_err(|_| gone())
    }

    async fn run_blocking<T: Send + 'static>(
        &self,
        call: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, End> {
        Ok(self.deliverer.waits.run(call).await?)
    }
}

/// Counts a stream as long as it is open.
struct OpenStream;

impl OpenStream {
    fn begin() -> Self {
        wasmcc_metrics::get().deliver.streams_opened.inc();
        Self
    }
}

impl Drop for OpenStream {
    fn drop(&mut self) {
        wasmcc_metrics::get().deliver.streams_closed.inc();
    }
}

fn gone() -> End {
    End::Gone(RpcStatus::cancelled("the client has gone"))
}

/// For HEADER_WITH_SIG requests the data is dropped unless the block holds a configuration.
fn without_data(info: &SeekInfo, block: Block) -> Block {
    use wasmcc_types::proto::orderer::seek_info::SeekContentType;
    if info.content_type() != SeekContentType::HeaderWithSig || holds_config(&block) {
        return block;
    }
    Block { data: None, ..block }
}

fn holds_config(block: &Block) -> bool {
    let entries = block.data.as_ref().map_or(&[][..], |data| &data.data);
    let first = entries.first().cloned().map(Opened::open);
    let kind = first.and_then(Result::ok).map(|opened| opened.channel_header.r#type);
    kind == Some(HeaderType::Config.into())
}
