//! A client of an orderer: sends envelopes and fetches blocks.

use anyhow::{Context, Result, anyhow, bail};
use prost::Message;
use tokio_stream::StreamExt;

use crate::session::{MESSAGE_BYTES, Session};
use wasmcc_channel::configtx;
use wasmcc_client as client;
use wasmcc_types::proto::common::{
    Block, BlockMetadataIndex, ChannelHeader, Envelope, HeaderType, LastConfig, Metadata,
    OrdererBlockMetadata, Status,
};
use wasmcc_types::proto::orderer::atomic_broadcast_client::AtomicBroadcastClient;
use wasmcc_types::proto::orderer::deliver_response::Type;
use wasmcc_types::proto::orderer::seek_info::SeekBehavior;
use wasmcc_types::proto::orderer::seek_position::Type as Position;
use wasmcc_types::proto::orderer::{SeekInfo, SeekNewest, SeekPosition, SeekSpecified};

/// Sends an envelope to the orderer and waits for its answer.
pub(crate) async fn broadcast(session: &Session, envelope: Envelope) -> Result<()> {
    let mut orderer =
        AtomicBroadcastClient::new(session.connection()).max_encoding_message_size(MESSAGE_BYTES);
    let request = session.request(tokio_stream::once(envelope));
    let answers = orderer.broadcast(request).await.map_err(|status| session.broken(&status))?;
    let answer = answers.into_inner().message().await;
    let answer = answer.map_err(|status| session.broken(&status))?;
    let answer = answer.ok_or_else(|| anyhow!("the orderer did not answer"))?;
    match answer.status() {
        Status::Success => Ok(()),
        status => bail!("the orderer refused, {}: {}", status.as_str_name(), answer.info),
    }
}

/// Fetches the block at a position; fails if it does not exist yet.
pub(crate) async fn fetch(session: &Session, channel: &str, position: Position) -> Result<Block> {
    let position = Some(SeekPosition { r#type: Some(position) });
    let info = SeekInfo {
        start: position,
        stop: position,
        behavior: SeekBehavior::FailIfNotReady.into(),
        ..SeekInfo::default()
    };
    let envelope = seek_envelope(session, channel, &info)?;
    let mut orderer =
        AtomicBroadcastClient::new(session.connection()).max_decoding_message_size(MESSAGE_BYTES);
    // The orderer would take the end of this stream for a client that has gone.
    let requests = tokio_stream::once(envelope).chain(tokio_stream::pending());
    let request = session.request(requests);
    let answers = orderer.deliver(request).await.map_err(|status| session.broken(&status))?;
    let answer = answers.into_inner().message().await;
    let answer = answer.map_err(|status| session.broken(&status))?;
    match answer.and_then(|answer| answer.r#type) {
        Some(Type::Block(block)) => Ok(block),
        Some(Type::Status(status)) => {
            bail!("the orderer does not send the block, {}", explained(status))
        }
        None => bail!("the orderer did not answer"),
    }
}

/// Describes a status by which Deliver refuses a request, with the usual causes: the answer has no
/// text.
pub(crate) fn explained(status: i32) -> String {
    let Ok(status) = Status::try_from(status) else { return format!("status {status}") };
    let why = match status {
        // Other causes of this status, such as a missing time, do not apply to this program's
        // requests.
        Status::BadRequest => {
            "a time that is 15 minutes or more from the peer's, so see whether this machine's \
             clock is right; otherwise the peer's log says why"
        }
        Status::Forbidden => "identities that may not read the channel",
        Status::NotFound => "channels that it has not joined, and blocks that it does not have",
        _ => return status.as_str_name().to_owned(),
    };
    let name = status.as_str_name();
    format!("{name}, which is for {why}")
}

/// Makes a request for blocks. It names the client's TLS certificate, if there is one.
pub(crate) fn seek_envelope(session: &Session, channel: &str, info: &SeekInfo) -> Result<Envelope> {
    let header = ChannelHeader {
        r#type: HeaderType::DeliverSeekInfo.into(),
        channel_id: channel.to_owned(),
        timestamp: Some(client::timestamp()),
        tls_cert_hash: session.tls_certificate_hash()?,
        ..ChannelHeader::default()
    };
    let nonce = client::random_nonce();
    Ok(configtx::wrap(header, info.encode_to_vec(), session.signer(), nonce))
}

/// Returns the block with the configuration in force.
pub(crate) async fn fetch_config(session: &Session, channel: &str) -> Result<Block> {
    let newest = fetch(session, channel, Position::Newest(SeekNewest {})).await?;
    let number = last_config(&newest).context("the newest block does not name a configuration")?;
    fetch(session, channel, Position::Specified(SeekSpecified { number })).await
}

/// Returns the number of the last configuration block. Older blocks have it beside the metadata of
/// signatures, newer ones in it.
pub(crate) fn last_config(block: &Block) -> Option<u64> {
    let slots = &block.metadata.as_ref()?.metadata;
    let value = |index: BlockMetadataIndex| {
        let metadata = Metadata::decode(slots.get(index as usize)?.as_slice()).ok()?;
        Some(metadata.value).filter(|value| !value.is_empty())
    };
    let signed = value(BlockMetadataIndex::Signatures)
        .and_then(|value| OrdererBlockMetadata::decode(value.as_slice()).ok()?.last_config);
    let beside = || {
        let value = value(BlockMetadataIndex::LastConfig)?;
        LastConfig::decode(value.as_slice()).ok()
    };
    signed.or_else(beside).map(|last| last.index)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refused_request_for_blocks_leads_to_the_clock() {
        let text = explained(Status::BadRequest as i32);
        assert!(text.starts_with("BAD_REQUEST, ") && text.contains("clock"), "{text}");
        assert!(explained(Status::Forbidden as i32).contains("may not read"));
        let plain = Status::ServiceUnavailable as i32;
        assert_eq!(
            (explained(plain), explained(7)),
            ("SERVICE_UNAVAILABLE".into(), "status 7".into())
        );
    }
}
