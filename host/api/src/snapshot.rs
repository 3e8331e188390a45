//! `protos.Snapshot`: administrators request snapshots of channels. Fabric:
//! `core/ledger/snapshotgrpc/snapshot_service.go`.

use std::sync::Arc;
use std::time::SystemTime;

use prost::{DecodeError, Message};
use tonic::{Request, Response, Status};

use crate::budget::Budget;
use crate::call::Call;
use crate::peer::Peer;
use crate::peer_error::{AdminError, SnapshotError};
use crate::trailers::Accepted;
use crate::waits::Waits;
use wasmcc_msp::{SignedData, has_expired};
use wasmcc_types::proto::common::SignatureHeader;
use wasmcc_types::proto::protos::{
    QueryPendingSnapshotsResponse, SignedSnapshotRequest, SnapshotQuery, SnapshotRequest,
    snapshot_server,
};

/// The service.
#[derive(Clone)]
pub(super) struct Snapshot {
    peer: Arc<dyn Peer>,
    waits: Waits,
    budget: Budget,
    /// The organization of the peer.
    org: Arc<str>,
}

impl Snapshot {
    pub(super) fn new(
        peer: Arc<dyn Peer>,
        (waits, budget): (Waits, Budget),
        org: Arc<str>,
    ) -> Self {
        Self { peer, waits, budget, org }
    }

    /// Decodes a request, checks its sender, and performs it. Fabric has no codes for refusals.
    async fn answer<M: Asked, T: Send + 'static>(
        &self,
        resource: &'static str,
        request: Request<SignedSnapshotRequest>,
        answer: impl FnOnce(&dyn Peer, &str, M) -> Result<T, SnapshotError> + Send + 'static,
    ) -> Result<Response<T>, Status> {
        Call::received(&request);
        let accepted = Accepted::of(&request);
        let SignedSnapshotRequest { request, signature } = request.into_inner();
        let share = self.budget.admit(request.len())?;
        let own = self.clone();
        let answered = self.waits.run(move || {
            let _taken_until_the_answer_is_there = share;
            let asked = own.check(resource, request, signature)?;
            answer(own.peer.as_ref(), &own.org, asked).map_err(Refusal::Peer)
        });
        let unknown = |refusal: Refusal| accepted.cut(Status::unknown(refusal.to_string()));
        answered.await?.map(Response::new).map_err(unknown)
    }

    /// Fabric: `checkACL`, `getLedger`.
    fn check<M: Asked>(
        &self,
        resource: &str,
        request: Vec<u8>,
        signature: Vec<u8>,
    ) -> Result<M, Refusal> {
        let asked = M::decode(request.as_slice()).map_err(Refusal::Malformed)?;
        let header = asked.signature_header().ok_or(Refusal::NoSignatureHeader)?;
        let identity = header.creator.clone();
        if has_expired(&identity, SystemTime::now()) {
            return Err(Refusal::Expired);
        }
        let signed = SignedData { identity, data: request, signature };
        self.peer.authorize_local(resource, &self.org, &signed).map_err(Refusal::Denied)?;
        if asked.channel().is_empty() {
            return Err(Refusal::NoChannel);
        }
        Ok(asked)
    }
}

/// The reason why a request is refused. The texts are Fabric's.
#[derive(Debug, thiserror::Error)]
enum Refusal {
    #[error("failed to unmarshal snapshot request: {0}")]
    Malformed(DecodeError),
    #[error("missing signature header")]
    NoSignatureHeader,
    #[error("client identity expired")]
    Expired,
    #[error(transparent)]
    Denied(AdminError),
    #[error("missing channel ID")]
    NoChannel,
    #[error(transparent)]
    Peer(SnapshotError),
}

/// The message of a request.
trait Asked: Message + Default {
    fn signature_header(&self) -> Option<&SignatureHeader>;
    fn channel(&self) -> &str;
}

impl Asked for SnapshotRequest {
    fn signature_header(&self) -> Option<&SignatureHeader> {
        self.signature_header.as_ref()
    }

    fn channel(&self) -> &str {
        &self.channel_id
    }
}

impl Asked for SnapshotQuery {
    fn signature_header(&self) -> Option<&SignatureHeader> {
        self.signature_header.as_ref()
    }

    fn channel(&self) -> &str {
        &self.channel_id
    }
}

#[tonic::async_trait]
impl snapshot_server::Snapshot for Snapshot {
    async fn generate(
        &self,
        request: Request<SignedSnapshotRequest>,
    ) -> Result<Response<()>, Status> {
        let submit = |peer: &dyn Peer, org: &str, asked: SnapshotRequest| {
            peer.request_snapshot(org, &asked.channel_id, asked.block_number)
        };
        self.answer("snapshot/submitrequest", request, submit).await
    }

    async fn cancel(
        &self,
        request: Request<SignedSnapshotRequest>,
    ) -> Result<Response<()>, Status> {
        let cancel = |peer: &dyn Peer, org: &str, asked: SnapshotRequest| {
            peer.cancel_snapshot(org, &asked.channel_id, asked.block_number)
        };
        self.answer("snapshot/cancelrequest", request, cancel).await
    }

    async fn query_pendings(
        &self,
        request: Request<SignedSnapshotRequest>,
    ) -> Result<Response<QueryPendingSnapshotsResponse>, Status> {
        let list = |peer: &dyn Peer, org: &str, asked: SnapshotQuery| {
            let block_numbers = peer.pending_snapshots(org, &asked.channel_id)?;
            Ok(QueryPendingSnapshotsResponse { block_numbers })
        };
        self.answer("snapshot/listpending", request, list).await
    }
}
