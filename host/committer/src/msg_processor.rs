//! The checks of an orderer before it accepts an envelope. Fabric: `orderer/common/msgprocessor`
//! and `BroadcastChannelSupport`.
//!
//! Does not order envelopes, and does not check the results of transactions.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use prost::Message;
use prost::bytes::Bytes;

use crate::block_cutter::check_size;
use crate::block_writer::random_nonce;
use crate::commit::Committer;
use crate::entry::Entry;
use crate::maintenance;
use crate::order_error::OrderError;
use wasmcc_channel::configtx;
use wasmcc_msp::{ChannelConfig, Identity, has_expired};
use wasmcc_types::proto::common::{ChannelHeader, Envelope, HeaderType, SignatureHeader};
use wasmcc_types::{NotOpened, Opened};

/// The policy for sending transactions to the orderer.
const WRITERS: &str = "/Channel/Writers";
/// The policy for sending transactions in maintenance mode.
const MAINTENANCE_WRITERS: &str = "/Channel/Orderer/Writers";
/// The version in the headers of configurations.
const MSG_VERSION: i32 = 0;

/// An envelope that may be ordered while the configuration stays the same.
///
/// It is encoded and opened only here: the log, the block and the committer share the bytes, and
/// the committer uses the opened envelope.
#[derive(Debug)]
pub(crate) struct Checked {
    /// The bytes for the block: the received envelope, or the configuration that results from it.
    pub(crate) bytes: Bytes,
    /// The same bytes, opened.
    pub(crate) opened: Opened,
    /// The sequence of the configuration with which it was checked.
    pub(crate) sequence: u64,
}

impl Checked {
    /// Makes an envelope that an earlier process has checked with the configuration of this
    /// sequence.
    pub(crate) fn again(bytes: Bytes, sequence: u64) -> Result<Self, OrderError> {
        let opened = open(&bytes)?;
        Ok(Self { bytes, opened, sequence })
    }

    /// True for a configuration, which gets a block of its own.
    pub(crate) fn is_config(&self) -> bool {
        self.opened.channel_header.r#type == i32::from(HeaderType::Config)
    }

    /// The size as Fabric computes it.
    pub(crate) fn size(&self) -> usize {
        size(&self.opened)
    }

    /// Converts it to an entry of a block.
    pub(crate) fn into_entry(self) -> Entry {
        Entry { bytes: self.bytes, opened: Some(self.opened) }
    }
}

/// Checks an envelope from a client. Fabric: `ClassifyMsg`, `ProcessNormalMsg`,
/// `ProcessConfigUpdateMsg`.
pub(crate) fn check(
    committer: &Committer,
    envelope: Envelope,
    now: SystemTime,
) -> Result<Checked, OrderError> {
    let bytes = Bytes::from(envelope.encode_to_vec());
    let opened = open(&bytes)?;
    let header = &opened.channel_header;
    if header.channel_id != committer.channel().ledger().channel_id().as_str() {
        return Err(OrderError::UnknownChannel);
    }
    let refuse = |text| Err(OrderError::NotForBroadcast(text));
    match HeaderType::try_from(header.r#type) {
        Ok(HeaderType::ConfigUpdate) => check_update(committer, &envelope, &opened, now),
        Ok(HeaderType::Config) => refuse("message is of type that cannot be processed directly"),
        Ok(HeaderType::OrdererTransaction) => {
            refuse("message is of type that is no longer supported")
        }
        _ => check_normal(committer, bytes, opened, now),
    }
}

/// Checks an envelope again after the configuration has changed.
pub(crate) fn check_again(
    committer: &Committer,
    checked: Checked,
    now: SystemTime,
) -> Result<Checked, OrderError> {
    if !checked.is_config() {
        return check_normal(committer, checked.bytes, checked.opened, now);
    }
    let envelope = Envelope::decode(checked.bytes).map_err(malformed("Envelope"))?;
    let update = configtx::update_of(&envelope).map_err(not_applied(committer))?;
    let of_update = |source| OrderError::OfUpdate { checks: "initial", source: Box::new(source) };
    let opened = open(&update.encode_to_vec().into()).map_err(of_update)?;
    check_update(committer, &update, &opened, now)
}

fn check_normal(
    committer: &Committer,
    bytes: Bytes,
    opened: Opened,
    now: SystemTime,
) -> Result<Checked, OrderError> {
    let config = committer.channel().config();
    if maintenance::refuses_transactions(&config) {
        return Err(OrderError::MaintenanceMode);
    }
    apply_filters(&config, &opened, now)?;
    Ok(Checked { bytes, opened, sequence: config.sequence() })
}

/// Makes the configuration that results from an update, signed by this orderer.
fn check_update(
    committer: &Committer,
    update: &Envelope,
    opened: &Opened,
    now: SystemTime,
) -> Result<Checked, OrderError> {
    let config = committer.channel().config();
    let of_update = |checks| {
        move |source: OrderError| OrderError::OfUpdate { checks, source: Box::new(source) }
    };
    apply_filters(&config, opened, now).map_err(of_update("initial"))?;
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
    let checked = Checked::again(envelope.encode_to_vec().into(), config.sequence())?;
    // Fabric also checks the orderer's own right to write; this orderer orders only for its own
    // peer.
    check_size(&config.batch_limits(), checked.size())
        .map_err(|error| of_update("final")(error.into()))?;
    maintenance::check(&config, &proposed.config, update)
        .map_err(|error| of_update("maintenance")(OrderError::Inspection(error)))?;
    Ok(checked)
}

fn not_applied(committer: &Committer) -> impl FnOnce(configtx::ConfigTxError) -> OrderError {
    let channel = committer.channel().ledger().channel_id().to_string();
    move |source| OrderError::ConfigUpdate { channel, source: Box::new(source) }
}

/// Fabric: `msgprocessor/standardchannel.go`, `CreateStandardChannelFilters`, in its order.
fn apply_filters(
    config: &Arc<ChannelConfig>,
    opened: &Opened,
    now: SystemTime,
) -> Result<(), OrderError> {
    check_size(&config.batch_limits(), size(opened))?;
    let signature_header = SignatureHeader::decode(opened.signature_header.clone())
        .map_err(malformed("SignatureHeader"))?;
    let creator = config.msps().deserialize(&signature_header.creator).ok();
    // Also checked if the issuer of the certificate is unknown.
    if creator.as_ref().map_or_else(
        || has_expired(&signature_header.creator, now),
        |creator| creator.is_expired(now),
    ) {
        return Err(OrderError::Expired);
    }
    // In maintenance mode, only orderers may send updates.
    let policy = if config.is_in_maintenance() { MAINTENANCE_WRITERS } else { WRITERS };
    let writers = config.policies().get(policy).ok_or(OrderError::NoPolicy(policy))?;
    let has_signed = |creator: &Arc<Identity>| {
        creator.verify_digest(opened.payload_hash(), &opened.signature).is_ok()
    };
    let signer = creator.filter(has_signed);
    writers.evaluate_identities(signer.as_slice()).map_err(OrderError::Denied)
}

fn size(opened: &Opened) -> usize {
    opened.payload.len() + opened.signature.len()
}

/// Opens a serialized envelope down to its headers.
fn open(envelope: &Bytes) -> Result<Opened, OrderError> {
    Opened::open(envelope.clone()).map_err(|error| match error {
        NotOpened::Envelope(error) => malformed("Envelope")(error),
        NotOpened::Payload(error) => malformed("Payload")(error),
        NotOpened::NoHeader => OrderError::Malformed("nil payload header".into()),
        NotOpened::ChannelHeader(error) => malformed("ChannelHeader")(error),
    })
}

fn malformed(what: &'static str) -> impl FnOnce(prost::DecodeError) -> OrderError {
    move |error| OrderError::Malformed(format!("error unmarshalling {what}: {error}"))
}
