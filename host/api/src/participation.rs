//! The channel participation API of orderers: lists, joins and removes channels, over HTTP with
//! JSON, for `osnadmin`. Fabric: `orderer/common/channelparticipation/restapi.go`.

use std::sync::Arc;

use bytes::Bytes;
use http_body::Body as HttpBody;
use prost::Message;
use serde::Serialize;
use tonic::codegen::http::{self, Method, StatusCode, header};

use crate::multipart::only_file;
use crate::peer::{JoinRefusal, LeaveRefusal, Peer};
use crate::waits::Waits;
use wasmcc_msp::is_cluster;
use wasmcc_types::ChannelId;
use wasmcc_types::proto::common::Block;

const BASE: &str = "/participation/v1/";
const CHANNELS: &str = "/participation/v1/channels";
/// The part of a form that contains the block.
const CONFIG_BLOCK: &str = "config-block";
/// Maximum size of a request (fabric `orderer.yaml`, `ChannelParticipation.MaxRequestBodySize`).
const MAX_BODY_BYTES: usize = 1 << 20;
/// Limit on the bytes read of a request that exceeds `MAX_BODY_BYTES`, so that the client can still
/// read the answer.
const MAX_RECEIVED_BYTES: usize = 16 << 20;

/// The API.
#[derive(Clone)]
pub(super) struct Participation {
    peer: Arc<dyn Peer>,
    waits: Waits,
}

/// A response with its whole body.
pub(super) type Answer = http::Response<Full>;

/// A body in one piece.
pub(super) struct Full(Option<Bytes>);

#[derive(Serialize)]
struct List {
    #[serde(rename = "systemChannel")]
    system_channel: Option<Short>,
    /// None if the list is empty: Go encodes that as null.
    channels: Option<Vec<Short>>,
}

#[derive(Serialize)]
struct Short {
    name: String,
    url: String,
}

#[derive(Serialize)]
struct Info {
    name: String,
    url: String,
    #[serde(rename = "consensusRelation")]
    consensus_relation: &'static str,
    status: &'static str,
    height: u64,
}

#[derive(Serialize)]
struct Refusal {
    error: String,
}

impl Participation {
    pub(super) fn new(peer: Arc<dyn Peer>, waits: Waits) -> Self {
        Self { peer, waits }
    }

    /// Answers one request.
    pub(super) async fn answer<B>(&self, request: http::Request<B>) -> Answer
    where
        B: HttpBody<Data = Bytes> + Unpin,
    {
        let path = request.uri().path().to_owned();
        let method = request.method().clone();
        let rest = path.strip_prefix(CHANNELS).and_then(|rest| rest.strip_prefix('/'));
        let parts: Vec<&str> = rest.map(|rest| rest.split('/').collect()).unwrap_or_default();
        let is_handled = [BASE, CHANNELS].contains(&path.as_str()) || !parts.is_empty();
        if is_handled && path != BASE && !takes_json(&request) {
            let text = "response Content-Type is application/json only";
            return refused(StatusCode::NOT_ACCEPTABLE, text);
        }
        match (&method, path.as_str(), parts.as_slice()) {
            (&Method::GET, BASE, _) => {
                with_header(plain(StatusCode::FOUND, ""), header::LOCATION, CHANNELS)
            }
            (&Method::GET, CHANNELS, _) => self.list(),
            (&Method::POST, CHANNELS, _) => self.join(request).await,
            (_, CHANNELS, _) => not_allowed(&method, "GET, POST"),
            (&Method::GET, _, [channel]) => self.one(channel),
            (&Method::DELETE, _, [channel]) => self.remove(channel).await,
            (_, _, [channel]) if !channel.is_empty() => not_allowed(&method, "GET, DELETE"),
            (&Method::GET, _, [channel, "blocks", which]) => self.block(channel, which).await,
            (_, _, [_, "blocks", _]) => not_allowed(&method, "GET"),
            _ => plain(StatusCode::NOT_FOUND, "404 page not found\n"),
        }
    }

    fn list(&self) -> Answer {
        let short = |name: String| Short { url: format!("{CHANNELS}/{name}"), name };
        let channels: Vec<Short> = self.peer.ordered_channels().into_iter().map(short).collect();
        let channels = (!channels.is_empty()).then_some(channels);
        not_stored(json(StatusCode::OK, &List { system_channel: None, channels }))
    }

    fn one(&self, channel: &str) -> Answer {
        if let Some(refusal) = refused_name(channel) {
            return refusal;
        }
        match self.info(channel) {
            Some(info) => not_stored(json(StatusCode::OK, &info)),
            None => refused(StatusCode::NOT_FOUND, "channel does not exist"),
        }
    }

    fn info(&self, channel: &str) -> Option<Info> {
        if !self.peer.orders(channel) {
            return None;
        }
        let config = self.peer.channel_config(channel)?;
        // A channel that was created elsewhere may list consenters; this orderer counts as one.
        let consensus_relation = if is_cluster(&config) { "consenter" } else { "other" };
        Some(Info {
            name: channel.to_owned(),
            url: format!("{CHANNELS}/{channel}"),
            consensus_relation,
            status: "active",
            height: self.peer.height(channel)?,
        })
    }

    async fn join<B>(&self, request: http::Request<B>) -> Answer
    where
        B: HttpBody<Data = Bytes> + Unpin,
    {
        let kind = request.headers().get(header::CONTENT_TYPE);
        let kind = kind.and_then(|kind| kind.to_str().ok()).unwrap_or_default().to_owned();
        if !kind.starts_with("multipart/form-data") {
            let text = format!("unsupported Content-Type: [{kind}]");
            return refused(StatusCode::BAD_REQUEST, &text);
        }
        let Some(body) = whole(request.into_body()).await else {
            let text = "cannot read form from request body: http: request body too large";
            return refused(StatusCode::BAD_REQUEST, text);
        };
        let block = match only_file(&kind, &body, CONFIG_BLOCK) {
            Ok(file) => Block::decode(file).map_err(|error| {
                format!("cannot unmarshal file part {CONFIG_BLOCK} into a block: {error}")
            }),
            Err(error) => Err(error.to_string()),
        };
        let block = match block {
            Ok(block) => block,
            Err(text) => return refused(StatusCode::BAD_REQUEST, &text),
        };
        let peer = Arc::clone(&self.peer);
        let joined = self.waits.run(move || peer.order_for(&block)).await;
        match joined {
            Err(status) => refused(StatusCode::SERVICE_UNAVAILABLE, status.message()),
            Ok(Ok(channel)) => match self.info(&channel) {
                Some(info) => {
                    let url = info.url.clone();
                    with_header(json(StatusCode::CREATED, &info), header::LOCATION, &url)
                }
                None => refused(StatusCode::BAD_REQUEST, "cannot join: channel does not exist"),
            },
            Ok(Err(JoinRefusal::Exists)) => {
                let text = "cannot join: channel already exists";
                let answer = refused(StatusCode::METHOD_NOT_ALLOWED, text);
                with_header(answer, header::ALLOW, "GET, DELETE")
            }
            Ok(Err(JoinRefusal::PendingRemoval)) => {
                refused(StatusCode::CONFLICT, "cannot join: channel pending removal")
            }
            Ok(Err(JoinRefusal::Invalid(why))) => {
                refused(StatusCode::BAD_REQUEST, &format!("invalid join block: {why}"))
            }
            Ok(Err(JoinRefusal::Failed(why))) => {
                refused(StatusCode::BAD_REQUEST, &format!("cannot join: {why}"))
            }
        }
    }

    /// Fabric removes the orderer's ledger. This process's ledger also belongs to the peers, so it
    /// stays.
    async fn remove(&self, channel: &str) -> Answer {
        if let Some(refusal) = refused_name(channel) {
            return refusal;
        }
        let (peer, channel) = (Arc::clone(&self.peer), channel.to_owned());
        let removed = self.waits.run(move || peer.stop_ordering(&channel)).await;
        match removed {
            Err(status) => refused(StatusCode::SERVICE_UNAVAILABLE, status.message()),
            Ok(Ok(())) => not_stored(plain(StatusCode::NO_CONTENT, "")),
            Ok(Err(LeaveRefusal::Unknown)) => {
                refused(StatusCode::NOT_FOUND, "cannot remove: channel does not exist")
            }
            Ok(Err(LeaveRefusal::PendingRemoval)) => {
                refused(StatusCode::CONFLICT, "cannot remove: channel pending removal")
            }
            Ok(Err(LeaveRefusal::Failed(why))) => {
                refused(StatusCode::BAD_REQUEST, &format!("cannot remove: {why}"))
            }
        }
    }

    async fn block(&self, channel: &str, which: &str) -> Answer {
        if let Some(refusal) = refused_name(channel) {
            return refusal;
        }
        let number: Option<u64> = which.parse().ok();
        if number.is_none() && !["newest", "oldest", "config"].contains(&which) {
            let text =
                format!("invalid block ID: '{which}' not equal <newest|oldest|config|(number)>");
            return refused(StatusCode::BAD_REQUEST, &text);
        }
        let (peer, which) = (Arc::clone(&self.peer), which.to_owned());
        let channel = channel.to_owned();
        let found = self.waits.run(move || {
            if !peer.orders(&channel) {
                return None;
            }
            let height = peer.height(&channel)?;
            let number = match which.as_str() {
                "newest" => height.checked_sub(1)?,
                "oldest" => 0,
                "config" => peer.config_block(&channel)?,
                _ => number?,
            };
            peer.block(&channel, number).ok().flatten()
        });
        match found.await {
            Ok(Some(block)) => {
                let bytes = block.encode_to_vec();
                let mut answer = http::Response::new(Full(Some(bytes.into())));
                *answer.status_mut() = StatusCode::OK;
                let kind = "application/octet-stream";
                not_stored(with_header(answer, header::CONTENT_TYPE, kind))
            }
            Ok(None) => refused(StatusCode::NOT_FOUND, "channel or block does not exist"),
            Err(status) => refused(StatusCode::SERVICE_UNAVAILABLE, status.message()),
        }
    }
}

/// Fabric: `negotiateContentType`.
fn takes_json<B>(request: &http::Request<B>) -> bool {
    let Some(accept) = request.headers().get(header::ACCEPT) else { return true };
    let accept = accept.to_str().unwrap_or_default();
    let kinds = ["application/json", "application/*", "*/*"];
    accept.is_empty() || kinds.iter().any(|kind| accept.contains(kind))
}

fn refused_name(channel: &str) -> Option<Answer> {
    let error = ChannelId::parse(channel).err()?;
    Some(refused(StatusCode::BAD_REQUEST, &format!("invalid channel ID: {}", error.of_channel())))
}

/// Returns the body; None if it is too large or incomplete. A body that is too large is still read,
/// up to a limit: a client that is still sending would not read the answer.
async fn whole<B>(mut body: B) -> Option<Vec<u8>>
where
    B: HttpBody<Data = Bytes> + Unpin,
{
    let (mut bytes, mut received) = (Vec::new(), 0);
    loop {
        let frame = std::future::poll_fn(|cx| std::pin::Pin::new(&mut body).poll_frame(cx)).await;
        let Some(frame) = frame else {
            return (received <= MAX_BODY_BYTES).then_some(bytes);
        };
        let Ok(data) = frame.ok()?.into_data() else { continue };
        received += data.len();
        if received > MAX_RECEIVED_BYTES {
            return None;
        }
        if received <= MAX_BODY_BYTES {
            bytes.extend_from_slice(&data);
        }
    }
}

fn plain(status: StatusCode, text: &str) -> Answer {
    let mut answer = http::Response::new(Full(Some(Bytes::copy_from_slice(text.as_bytes()))));
    *answer.status_mut() = status;
    with_header(answer, header::CONTENT_TYPE, "text/plain; charset=utf-8")
}

fn json(status: StatusCode, value: &impl Serialize) -> Answer {
    // As Go's encoder does.
    let text = serde_json::to_string(value).unwrap_or_default() + "\n";
    with_header(plain(status, &text), header::CONTENT_TYPE, "application/json")
}

/// Returns a refusal in Fabric's format.
pub(super) fn refused(status: StatusCode, error: &str) -> Answer {
    tracing::info!(status = status.as_u16(), error, "a channel participation request is refused");
    json(status, &Refusal { error: error.to_owned() })
}

fn not_allowed(method: &Method, allowed: &str) -> Answer {
    let text = format!("invalid request method: {method}");
    with_header(refused(StatusCode::METHOD_NOT_ALLOWED, &text), header::ALLOW, allowed)
}

fn not_stored(answer: Answer) -> Answer {
    with_header(answer, header::CACHE_CONTROL, "no-store")
}

fn with_header(mut answer: Answer, name: header::HeaderName, value: &str) -> Answer {
    if let Ok(value) = value.parse() {
        answer.headers_mut().insert(name, value);
    }
    answer
}

impl HttpBody for Full {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        mut self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Result<http_body::Frame<Bytes>, Self::Error>>> {
        std::task::Poll::Ready(self.0.take().map(|bytes| Ok(http_body::Frame::data(bytes))))
    }

    fn is_end_stream(&self) -> bool {
        self.0.is_none()
    }

    fn size_hint(&self) -> http_body::SizeHint {
        http_body::SizeHint::with_exact(self.0.as_ref().map_or(0, |bytes| bytes.len() as u64))
    }
}
