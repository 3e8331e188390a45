//! The checks of an orderer before it accepts an envelope. Fabric: `orderer/common/msgprocessor`
//! and
//! `BroadcastChannelSupport`.
//!
//! Does not order, and does not look at the results of transactions.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use prost::Message;

use crate::block_cutter::BlockCutter;
use crate::block_writer::random_nonce;
use crate::commit::Committer;
use crate::order_error::OrderError;
use wasmcc_channel::configtx;
use wasmcc_msp::{ChannelConfig, PolicyError};
use wasmcc_types::proto::common::{ChannelHeader, Envelope, HeaderType, Payload, SignatureHeader};

/// The policy for sending transactions to the orderer.
const WRITERS: &str = "/Channel/Writers";
/// Of the headers of configurations.
const MSG_VERSION: i32 = 0;

/// An envelope that may be ordered as long as the configuration is the same.
#[derive(Debug)]
pub(crate) struct Checked {
    /// What goes into a block: the envelope that came, or the configuration that it leads to.
    pub(crate) envelope: Envelope,
    /// Whether it is a configuration, which gets a block of its own.
    pub(crate) is_config: bool,
    /// The sequence of the configuration that it was checked with.
    pub(crate) sequence: u64,
}

/// Checks what came from a client. Fabric: `ClassifyMsg`, `ProcessNormalMsg`,
/// `ProcessConfigUpdateMsg`.
pub(crate) fn check(
    committer: &Committer,
    envelope: Envelope,
    now: SystemTime,
) -> Result<Checked, OrderError> {
    let (header, signature_header) = open(&envelope)?;
    if header.channel_id != committer.channel().ledger().channel_id().as_str() {
        return Err(OrderError::UnknownChannel(header.channel_id));
    }
    let refuse = |text| Err(OrderError::NotForBroadcast(text));
    match HeaderType::try_from(header.r#type) {
        Ok(HeaderType::ConfigUpdate) => check_update(committer, &envelope, &signature_header, now),
        Ok(HeaderType::Config) => refuse("message is of type that cannot be processed directly"),
        Ok(HeaderType::OrdererTransaction) => {
            refuse("message is of type that is no longer supported")
        }
        _ => check_normal(committer, envelope, &signature_header, now),
    }
}

/// Checks again what was checked with a configuration that is not in force any more.
pub(crate) fn check_again(
    committer: &Committer,
    checked: Checked,
    now: SystemTime,
) -> Result<Checked, OrderError> {
    if !checked.is_config {
        let signature_header = open(&checked.envelope)?.1;
        return check_normal(committer, checked.envelope, &signature_header, now);
    }
    let update = configtx::update_of(&checked.envelope).map_err(not_applied(committer))?;
    let of_update = |source| OrderError::OfUpdate { checks: "initial", source: Box::new(source) };
    let signature_header = open(&update).map_err(of_update)?.1;
    check_update(committer, &update, &signature_header, now)
}

/// Whether an envelope is one of those that `check_update` makes.
pub(crate) fn is_config(envelope: &Envelope) -> bool {
    open(envelope).is_ok_and(|(header, _)| header.r#type == i32::from(HeaderType::Config))
}

fn check_normal(
    committer: &Committer,
    envelope: Envelope,
    signature_header: &[u8],
    now: SystemTime,
) -> Result<Checked, OrderError> {
    let config = committer.channel().config();
    apply_filters(&config, &envelope, signature_header, now)?;
    Ok(Checked { envelope, is_config: false, sequence: config.sequence() })
}

/// Makes the configuration that an update leads to, signed by this orderer.
fn check_update(
    committer: &Committer,
    update: &Envelope,
    signature_header: &[u8],
    now: SystemTime,
) -> Result<Checked, OrderError> {
    let config = committer.channel().config();
    let of_update = |checks| {
        move |source: OrderError| OrderError::OfUpdate { checks, source: Box::new(source) }
    };
    apply_filters(&config, update, signature_header, now).map_err(of_update("initial"))?;
    let proposed = configtx::propose(&config, update).map_err(not_applied(committer))?;
    let since = now.duration_since(UNIX_EPOCH).unwrap_or_default();
    let header = ChannelHeader {
        r#type: HeaderType::Config.into(),
        version: MSG_VERSION,
        channel_id: config.channel_id().to_string(),
        timestamp: Some(prost_types::Timestamp {
            seconds: i64::try_from(since.as_secs()).unwrap_or(i64::MAX),
            nanos: 0,
        }),
        ..ChannelHeader::default()
    };
    let signer = committer.signer().ok_or(OrderError::NoSigner)?;
    let data = proposed.envelope.encode_to_vec();
    let envelope = configtx::wrap(header, data, signer, random_nonce());
    // Fabric asks for the orderer's own right to write, too; this one orders for its own peer.
    BlockCutter::check_size(&config.batch_limits(), &envelope)
        .map_err(|error| of_update("final")(error.into()))?;
    Ok(Checked { envelope, is_config: true, sequence: config.sequence() })
}

fn not_applied(committer: &Committer) -> impl FnOnce(configtx::ConfigTxError) -> OrderError {
    let channel = committer.channel().ledger().channel_id().to_string();
    move |source| OrderError::ConfigUpdate { channel, source: Box::new(source) }
}

/// Fabric: `msgprocessor/standardchannel.go`, `CreateStandardChannelFilters`, in its order.
fn apply_filters(
    config: &Arc<ChannelConfig>,
    envelope: &Envelope,
    signature_header: &[u8],
    now: SystemTime,
) -> Result<(), OrderError> {
    BlockCutter::check_size(&config.batch_limits(), envelope)?;
    let signature_header =
        SignatureHeader::decode(signature_header).map_err(malformed("SignatureHeader"))?;
    let creator = config.msps().deserialize(&signature_header.creator).ok();
    if creator.as_ref().is_some_and(|creator| creator.is_expired(now)) {
        return Err(OrderError::Expired);
    }
    let Some(writers) = config.policies().get(WRITERS) else {
        return Err(OrderError::Denied(PolicyError::NoSuchPolicy(WRITERS.to_owned())));
    };
    let Envelope { payload, signature } = envelope;
    let signer = creator.filter(|creator| creator.verify(payload, signature).is_ok());
    writers.evaluate_identities(signer.as_slice()).map_err(OrderError::Denied)
}

/// The channel header, and the serialized signature header.
fn open(envelope: &Envelope) -> Result<(ChannelHeader, Vec<u8>), OrderError> {
    let payload = Payload::decode(envelope.payload.as_slice()).map_err(malformed("Payload"))?;
    let header = payload.header;
    let header = header.ok_or_else(|| OrderError::Malformed("nil payload header".into()))?;
    let channel_header = ChannelHeader::decode(header.channel_header.as_slice())
        .map_err(malformed("ChannelHeader"))?;
    Ok((channel_header, header.signature_header))
}

fn malformed(what: &'static str) -> impl FnOnce(prost::DecodeError) -> OrderError {
    move |error| OrderError::Malformed(format!("error unmarshalling {what}: {error}"))
}
