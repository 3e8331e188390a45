//! The blocks that a client requests. Fabric: `common/deliver/deliver.go` and
//! `common/ledger/blockledger/fileledger`.
//!
//! Invariant: pure functions. Does not check the right to read the blocks.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use prost::{DecodeError, Message};
use prost_types::Timestamp;

use wasmcc_msp::SignedData;
use wasmcc_types::proto::common::{ChannelHeader, Envelope, Payload, SignatureHeader, Status};
use wasmcc_types::proto::orderer::seek_info::SeekBehavior;
use wasmcc_types::proto::orderer::seek_position::Type as Position;
use wasmcc_types::proto::orderer::{SeekInfo, SeekPosition};

/// Maximum size of a request. A stream keeps its request while it is open.
const REQUEST_BYTES: usize = 64 << 10;

/// The signed request of a client.
#[derive(Debug)]
pub(super) struct SeekRequest {
    pub(super) channel_id: String,
    pub(super) signed: SignedData,
    data: Vec<u8>,
}

/// The reason why an envelope is not a request for blocks.
#[derive(Debug, thiserror::Error)]
pub(super) enum NotASeek {
    /// It exceeds the size limit.
    #[error("envelope has {0} bytes, more than the {REQUEST_BYTES} of a request for blocks")]
    TooLarge(usize),
    /// A part of it cannot be decoded.
    #[error(transparent)]
    Malformed(#[from] DecodeError),
    /// It has no header, so it is not signed.
    #[error("envelope has no header")]
    NoHeader,
    /// It has no timestamp, so it may be an old request.
    #[error("channel header in envelope must contain timestamp")]
    NoTimestamp,
    /// It is too old, or the client's clock is wrong.
    #[error("envelope timestamp {time} is more than {window:?} apart from current server time")]
    Time {
        /// The client's clock at the time of the request.
        time: Timestamp,
        /// The maximum difference.
        window: Duration,
    },
    /// The connection has a client certificate, but the request does not name one.
    #[error("client didn't include its TLS cert hash")]
    NoTlsCertHash,
    /// The request names another client certificate.
    #[error("claimed TLS cert hash is not that of the client's certificate")]
    OtherTlsCert,
}

/// The first and the last requested block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Range {
    pub(super) start: u64,
    pub(super) stop: u64,
}

impl SeekRequest {
    /// Decodes an envelope. Its timestamp must be within `window` of `now`. If the client has a TLS
    /// certificate, whose SHA-256 is `tls_cert_hash`, the header must name it. Fabric:
    /// `parseEnvelope`.
    pub(super) fn open(
        envelope: &Envelope,
        now: SystemTime,
        window: Duration,
        tls_cert_hash: Option<&[u8]>,
    ) -> Result<Self, NotASeek> {
        let bytes = envelope.encoded_len();
        if bytes > REQUEST_BYTES {
            return Err(NotASeek::TooLarge(bytes));
        }
        let payload = Payload::decode(envelope.payload.as_slice())?;
        let header = payload.header.ok_or(NotASeek::NoHeader)?;
        let channel = ChannelHeader::decode(header.channel_header.as_slice())?;
        let signature = SignatureHeader::decode(header.signature_header.as_slice())?;
        let time = channel.timestamp.ok_or(NotASeek::NoTimestamp)?;
        let now = now.duration_since(UNIX_EPOCH).unwrap_or_default();
        let nanos = i128::from(time.seconds) * 1_000_000_000 + i128::from(time.nanos);
        let apart = (i128::try_from(now.as_nanos()).unwrap_or(i128::MAX) - nanos).unsigned_abs();
        if apart > window.as_nanos() {
            return Err(NotASeek::Time { time, window });
        }
        if let Some(hash) = tls_cert_hash
            && channel.tls_cert_hash != hash
        {
            return Err(match channel.tls_cert_hash.is_empty() {
                true => NotASeek::NoTlsCertHash,
                false => NotASeek::OtherTlsCert,
            });
        }
        let signed = SignedData {
            identity: signature.creator,
            data: envelope.payload.clone(),
            signature: envelope.signature.clone(),
        };
        Ok(Self { channel_id: channel.channel_id, signed, data: payload.data })
    }

    /// Returns the decoded request.
    pub(super) fn info(&self) -> Result<SeekInfo, Status> {
        SeekInfo::decode(self.data.as_slice()).map_err(|_| Status::BadRequest)
    }
}

impl Range {
    /// Returns the blocks in a channel that has `height` blocks now.
    pub(super) fn of(info: &SeekInfo, height: u64) -> Result<Self, Status> {
        let (Some(start_at), Some(stop_at)) = (&info.start, &info.stop) else {
            return Err(Status::BadRequest);
        };
        let newest = height.saturating_sub(1);
        let start = match start_at.r#type {
            Some(Position::Oldest(_)) => 0,
            Some(Position::Newest(_)) => newest,
            Some(Position::Specified(at)) if at.number > height => return Err(Status::NotFound),
            Some(Position::Specified(at)) => at.number,
            Some(Position::NextCommit(_)) => height,
            None => return Err(Status::NotFound),
        };
        let stop = match stop_at.r#type {
            Some(Position::Oldest(_)) => start,
            // A request for the newest block gets one block, even if further ones are committed
            // meanwhile.
            Some(Position::Newest(_)) if is_newest(start_at) => start,
            Some(Position::Newest(_)) => newest,
            Some(Position::Specified(at)) if at.number < start => return Err(Status::BadRequest),
            Some(Position::Specified(at)) => at.number,
            Some(Position::NextCommit(_)) | None => 0,
        };
        Ok(Self { start, stop })
    }
}

fn is_newest(position: &SeekPosition) -> bool {
    matches!(position.r#type, Some(Position::Newest(_)))
}

/// Returns whether a block that does not exist yet is an error, instead of a reason to wait.
pub(super) fn fails_if_not_ready(info: &SeekInfo) -> bool {
    info.behavior() == SeekBehavior::FailIfNotReady
}

#[cfg(test)]
mod tests {
    use super::*;
    use wasmcc_types::proto::orderer::{SeekNewest, SeekNextCommit, SeekOldest, SeekSpecified};

    fn range(start: Position, stop: Position, height: u64) -> Result<(u64, u64), Status> {
        let at = |position| Some(SeekPosition { r#type: Some(position) });
        let info = SeekInfo { start: at(start), stop: at(stop), ..Default::default() };
        Range::of(&info, height).map(|range| (range.start, range.stop))
    }

    #[test]
    fn positions_are_fabrics() {
        let at = |number| Position::Specified(SeekSpecified { number });
        let oldest = || Position::Oldest(SeekOldest {});
        let newest = || Position::Newest(SeekNewest {});
        let next = || Position::NextCommit(SeekNextCommit {});
        assert_eq!(range(oldest(), newest(), 5), Ok((0, 4)));
        assert_eq!(range(newest(), newest(), 5), Ok((4, 4)));
        assert_eq!(range(newest(), oldest(), 5), Ok((4, 4)));
        assert_eq!(range(oldest(), oldest(), 5), Ok((0, 0)));
        assert_eq!(range(at(2), at(3), 5), Ok((2, 3)));
        assert_eq!(range(at(3), at(2), 5), Err(Status::BadRequest));
        assert_eq!(range(at(5), at(u64::MAX), 5), Ok((5, u64::MAX)));
        assert_eq!(range(at(6), at(7), 5), Err(Status::NotFound));
        assert_eq!(range(next(), at(9), 5), Ok((5, 9)));
        assert_eq!(Range::of(&SeekInfo::default(), 5), Err(Status::BadRequest));
    }
}
