//! Streams of blocks: `protos.Deliver` of peers, and `Deliver` of `orderer.AtomicBroadcast`.
//! Fabric: `common/deliver/deliver.go`, `core/peer/deliverevents.go`.
//!
//! Invariant: the client's right to read is checked first, and again whenever the configuration of
//! the channel changes or the client's certificate expires.

use std::marker::PhantomData;
use std::sync::Arc;
use std::time::{Instant, SystemTime};

use bytes::Bytes;
use prost::Message;
use tonic::{Request, Response, Status as RpcStatus, Streaming};

use crate::block_feed::{BlockFeed, NoBlock};
use crate::budget::Budget;
use crate::call::Call;
use crate::deliver_config::DeliverConfig;
use crate::entrance::{Admission, Entrance};
use crate::outgoing::{Asked, Outgoing, Room};
use crate::outlet::{Ending, Outlet, Packer};
use crate::peer::{Peer, Reading};
use crate::peer_error::LedgerReadError;
use crate::seek::{NotASeek, Range, SeekRequest, fails_if_not_ready};
use crate::seldom::Seldom;
use crate::shutdown::stops;
use crate::waits::{Waiting, Waits};
use wasmcc_metrics::BlockKind;
use wasmcc_msp::has_expired;
use wasmcc_types::proto::common::{Block, Envelope, HeaderType, Status};
use wasmcc_types::proto::orderer::SeekInfo;
use wasmcc_types::{Opened, sha256};

/// The format in which blocks are delivered.
pub(super) trait Form: Send + 'static {
    /// The message of the stream.
    type Message: Message + Send + 'static;
    /// The rule that decides who may read the blocks.
    const READING: Reading;
    /// The method, for errors.
    const METHOD: &'static str;
    /// The labels of the metrics.
    const COUNTED: BlockKind = BlockKind { filtered: "false", data_type: "block" };

    fn status(status: Status) -> Self::Message;

    /// Returns the message of a block, as the peer of the organization `org`. Blocks the thread
    /// while it reads from disk.
    fn block(
        peer: &dyn Peer,
        org: &str,
        request: &SeekRequest,
        block: Block,
    ) -> Result<Self::Message, LedgerReadError>;
}

/// The state that all these services share.
#[derive(Clone)]
pub(super) struct Deliverer {
    peer: Arc<dyn Peer>,
    /// The organization of the peer; None: the orderer.
    org: Option<Arc<str>>,
    waits: Waits,
    entrance: Entrance,
    bounds: Bounds,
    config: DeliverConfig,
    /// Limits the log lines about clients with wrong clocks.
    clocks: Arc<Seldom>,
}

/// Limits on the memory of streams.
#[derive(Clone)]
pub(super) struct Bounds {
    /// For requests that are being checked.
    pub(super) budget: Budget,
    /// For blocks that are not sent yet.
    pub(super) outgoing: Outgoing,
    /// For one message.
    pub(super) message_bytes: usize,
}

/// The answers to one client.
pub(super) type Deliveries<F> = Ending<<F as Form>::Message>;

impl Deliverer {
    pub(super) fn new(
        peer: Arc<dyn Peer>,
        org: Option<Arc<str>>,
        (waits, entrance): (Waits, Entrance),
        bounds: Bounds,
        config: DeliverConfig,
    ) -> Self {
        Self { peer, org, waits, entrance, bounds, config, clocks: Arc::default() }
    }

    /// Answers the requests of one client, one after the other.
    pub(super) async fn serve<F: Form>(
        &self,
        request: Request<Streaming<Envelope>>,
    ) -> Result<Response<Deliveries<F>>, RpcStatus> {
        let call = Call::of(&request)?;
        // As in Fabric, a request is bound to a certificate only where all clients need one.
        let certificate = call.certificate().filter(|certificate| certificate.is_required);
        let tls_cert_hash = certificate.map(|certificate| sha256(&certificate.der));
        let admission = Admission::Entering(self.entrance.enter(call.clone()).await?);
        let (out, response) = Outlet::open(self.bounds.message_bytes, self.waits.stopping());
        let session =
            Session::<F> { deliverer: self.clone(), tls_cert_hash, call, out, form: PhantomData };
        tokio::spawn(session.run(request.into_inner(), admission));
        Ok(response)
    }
}

struct Session<F: Form> {
    deliverer: Deliverer,
    tls_cert_hash: Option<[u8; 32]>,
    call: Call,
    out: Outlet,
    form: PhantomData<fn() -> F>,
}

/// The reason why the answer to a request ends.
enum End {
    /// With this status.
    Status(Status),
    /// The server is stopping, or the client has gone.
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
                () = stopping.wait() => Err(stops()),
                overdue = admission.overdue() => Err(overdue),
                () = self.out.closed() => return,
            };
            let envelope = match request {
                Ok(Some(envelope)) => envelope,
                Ok(None) => return,
                Err(status) => return self.out.fail(status),
            };
            admission.leave_entrance();
            let status = match self.answer(envelope, &mut admission).await {
                Ok(()) => Status::Success,
                Err(End::Status(status)) => status,
                Err(End::Gone(status)) => return self.out.fail(status),
            };
            if let Err(why) = self.out.send_status(&F::status(status)).await {
                return self.out.fail(why);
            }
            if status != Status::Success {
                return;
            }
        }
    }

    /// Fabric: `deliverBlocks`.
    async fn answer(&self, envelope: Envelope, admission: &mut Admission) -> Result<(), End> {
        let (now, window) = (SystemTime::now(), self.deliverer.config.time_window);
        let hash = self.tls_cert_hash.as_ref().map(|hash| &hash[..]);
        let checking = self.deliverer.bounds.budget.admit(envelope.encoded_len())?;
        let request = SeekRequest::open(&envelope, now, window, hash).map_err(|error| {
            self.log_refusal(&error);
            Status::BadRequest
        })?;
        drop(envelope);
        let request = Arc::new(request);
        let (peer, waits) = (Arc::clone(&self.deliverer.peer), self.deliverer.waits.clone());
        let asked = Arc::clone(&request);
        let is_on = match &self.deliverer.org {
            Some(org) => peer.has_joined(org, &asked.channel_id),
            None => peer.orders(&asked.channel_id),
        };
        if !is_on {
            return Err(Status::NotFound.into());
        }
        let opened = self.run_blocking(move || BlockFeed::open(peer, waits, &asked.channel_id));
        let feed = opened.await?.ok_or(Status::NotFound)?;
        // Becomes a metric label only now, when the channel is known to exist.
        let series = wasmcc_metrics::channel(&request.channel_id);
        series.blocks_wanted(F::COUNTED);
        let delivering = async {
            let (info, sequence) = self.admit(&request, admission).await?;
            drop(checking);
            let (outgoing, place) = (&self.deliverer.bounds.outgoing, admission.place());
            let share = outgoing.share(&request.signed.identity, &self.call, place);
            let packer = self.out.packer(share);
            self.deliver((&request, &info), feed, (sequence, &packer), &series).await
        };
        let delivered = delivering.await;
        series.blocks_ended(F::COUNTED, delivered.is_ok());
        delivered
    }

    /// Logs a refusal. A wrong clock is a warning for the operator, since the client gets only a
    /// status.
    fn log_refusal(&self, error: &NotASeek) {
        let client = self.call.connection().remote().map(tracing::field::display);
        let is_clock = matches!(error, NotASeek::Time { .. });
        match is_clock.then(|| self.deliverer.clocks.line(Instant::now())).flatten() {
            Some(left_out) => tracing::warn!(
                client,
                %error,
                left_out,
                "refused to deliver blocks: set the clock of the client's machine, or that of this \
                 one"
            ),
            None => tracing::info!(client, %error, "refused to deliver blocks"),
        }
    }

    /// Assigns the stream its place. Returns the request, and the configuration sequence that
    /// decided.
    async fn admit(
        &self,
        request: &Arc<SeekRequest>,
        admission: &mut Admission,
    ) -> Result<(SeekInfo, u64), End> {
        let info = request.info()?;
        let sequence = self.authorize(request).await?;
        let waiting = Waiting::Blocks(F::METHOD);
        admission.accept(&self.deliverer.waits, waiting, &request.signed.identity)?;
        Ok((info, sequence))
    }

    /// Delivers blocks of an existing channel.
    async fn deliver(
        &self,
        asked: (&Arc<SeekRequest>, &SeekInfo),
        mut feed: BlockFeed,
        (mut sequence, packer): (u64, &Packer),
        series: &wasmcc_metrics::Channel,
    ) -> Result<(), End> {
        let (request, info) = asked;
        let range = Range::of(info, feed.height())?;
        let mut number = range.start;
        loop {
            if fails_if_not_ready(info) && number >= feed.height() {
                return Err(Status::NotFound.into());
            }
            let is_there = tokio::select! {
                is_there = feed.reach(number) => is_there?,
                () = self.out.closed() => return Err(gone()),
            };
            let has_left =
                self.deliverer.org.is_none() && !self.deliverer.peer.orders(&request.channel_id);
            if !is_there || has_left {
                return Err(Status::ServiceUnavailable.into());
            }
            // Read only now, so that a block for a client that does not read stays on disk.
            let slot = self.out.slot().await?;
            slot.send(self.message(asked, &feed, (number, &mut sequence), packer).await?);
            series.block_sent(F::COUNTED);
            // Without a reachable stop the number is 0, as in Fabric.
            if number == range.stop {
                return Ok(());
            }
            number += 1;
        }
    }

    /// Reads and encodes a block as soon as there is room for it.
    async fn message(
        &self,
        (request, info): (&Arc<SeekRequest>, &SeekInfo),
        feed: &BlockFeed,
        (number, sequence): (u64, &mut u64),
        packer: &Packer,
    ) -> Result<Bytes, End> {
        let mut room = None;
        loop {
            let turn = packer.turn().await;
            let block = feed.read(number).await?.ok_or(Status::ServiceUnavailable)?;
            if self.deliverer.peer.config_sequence(&request.channel_id) != Some(*sequence)
                || has_expired(&request.signed.identity, SystemTime::now())
            {
                *sequence = self.authorize(request).await?;
            }
            let block = without_data(info, block);
            let packed = self.pack(request, block, (packer.clone(), room.take())).await?;
            drop(turn);
            match packed {
                Ok(message) => return Ok(message),
                // The block is read again when there is room.
                Err(asked) => room = Some(self.out.room(asked).await?),
            }
        }
    }

    /// Checks the client's rights. Returns the sequence of the configuration that decided.
    async fn authorize(&self, request: &Arc<SeekRequest>) -> Result<u64, End> {
        if has_expired(&request.signed.identity, SystemTime::now()) {
            tracing::info!("refused to deliver blocks: the client's identity has expired");
            return Err(Status::Forbidden.into());
        }
        let (peer, asked) = (Arc::clone(&self.deliverer.peer), Arc::clone(request));
        let checked = self.run_blocking(move || {
            // Read first, so that a concurrent change of the configuration is noticed at the next
            // block.
            let sequence = peer.config_sequence(&asked.channel_id).unwrap_or_default();
            peer.authorize_reader(F::READING, &asked.channel_id, &asked.signed).map(|()| sequence)
        });
        checked.await?.map_err(|error| {
            tracing::info!(%error, "refused to deliver blocks: the client may not read them");
            Status::Forbidden.into()
        })
    }

    /// See [`Packer::pack`].
    async fn pack(
        &self,
        request: &Arc<SeekRequest>,
        block: Block,
        (packer, room): (Packer, Option<Room>),
    ) -> Result<Result<Bytes, Asked>, End> {
        let (peer, asked) = (Arc::clone(&self.deliverer.peer), Arc::clone(request));
        let org = self.deliverer.org.clone().unwrap_or_default();
        let packed = self.run_blocking(move || {
            let message = F::block(peer.as_ref(), &org, &asked, block);
            let message = message.map_err(|why| RpcStatus::unknown(why.to_string()))?;
            packer.pack(&message, room)
        });
        Ok(packed.await??)
    }

    async fn run_blocking<T: Send + 'static>(
        &self,
        call: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, End> {
        Ok(self.deliverer.waits.run(call).await?)
    }
}

/// Counts a stream while it is open.
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
