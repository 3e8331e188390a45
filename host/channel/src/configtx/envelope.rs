//! Opens, makes and signs updates in envelopes. Fabric: `protoutil/commonutils.go` and
//! `internal/peer/channel/signconfigtx.go`.
//!
//! Does not check updates or signatures.

use prost::Message;

use crate::configtx::error::ConfigTxError;
use wasmcc_msp::SigningIdentity;
use wasmcc_types::proto::common::{
    ChannelHeader, ConfigEnvelope, ConfigSignature, ConfigUpdate, ConfigUpdateEnvelope, Envelope,
    Header, HeaderType, Payload, SignatureHeader,
};
use wasmcc_types::{DEFINITION_FIELDS, decode_bounded};

/// Returns the update in an envelope of type CONFIG_UPDATE.
pub fn open_update(envelope: &Envelope) -> Result<ConfigUpdateEnvelope, ConfigTxError> {
    open(envelope, HeaderType::ConfigUpdate).map(|(_, update)| update)
}

/// Returns the envelope of the update that led to the configuration in an envelope of type CONFIG.
pub fn update_of(envelope: &Envelope) -> Result<Envelope, ConfigTxError> {
    let (_, config): (_, ConfigEnvelope) = open(envelope, HeaderType::Config)?;
    config.last_update.ok_or(ConfigTxError::Missing("nil last update"))
}

/// Makes an envelope with an update and no signatures.
pub fn new_update(update: &ConfigUpdate) -> Envelope {
    let header = ChannelHeader {
        r#type: HeaderType::ConfigUpdate.into(),
        channel_id: update.channel_id.clone(),
        ..ChannelHeader::default()
    };
    let update =
        ConfigUpdateEnvelope { config_update: update.encode_to_vec(), signatures: Vec::new() };
    let header = Header { channel_header: header.encode_to_vec(), signature_header: Vec::new() };
    let payload = Payload { header: Some(header), data: update.encode_to_vec() };
    Envelope { payload: payload.encode_to_vec(), signature: Vec::new() }
}

/// Adds a signature to an update in an envelope of type CONFIG_UPDATE, and signs the envelope as
/// its sender. Both signatures have the same nonce.
pub fn add_signature(
    envelope: &Envelope,
    signer: &SigningIdentity,
    nonce: Vec<u8>,
    timestamp: prost_types::Timestamp,
) -> Result<Envelope, ConfigTxError> {
    let (header, mut update): (_, ConfigUpdateEnvelope) = open(envelope, HeaderType::ConfigUpdate)?;
    let signature_header =
        SignatureHeader { creator: signer.serialized().to_vec(), nonce: nonce.clone() };
    let signature_header = signature_header.encode_to_vec();
    let signature = signer.sign(&[&signature_header[..], &update.config_update].concat());
    update.signatures.push(ConfigSignature { signature_header, signature });
    let header = ChannelHeader {
        r#type: HeaderType::ConfigUpdate.into(),
        channel_id: header.channel_id,
        timestamp: Some(timestamp),
        ..ChannelHeader::default()
    };
    Ok(wrap(header, update.encode_to_vec(), signer, nonce))
}

/// Makes an envelope with `signer` as its sender. Fabric: `CreateSignedEnvelope`.
pub fn wrap(
    channel_header: ChannelHeader,
    data: Vec<u8>,
    signer: &SigningIdentity,
    nonce: Vec<u8>,
) -> Envelope {
    let signature_header = SignatureHeader { creator: signer.serialized().to_vec(), nonce };
    let header = Header {
        channel_header: channel_header.encode_to_vec(),
        signature_header: signature_header.encode_to_vec(),
    };
    let payload = Payload { header: Some(header), data }.encode_to_vec();
    Envelope { signature: signer.sign(&payload), payload }
}

/// Fabric: `UnmarshalEnvelopeOfType`.
fn open<M: Message + Default>(
    envelope: &Envelope,
    expected: HeaderType,
) -> Result<(ChannelHeader, M), ConfigTxError> {
    let payload =
        Payload::decode(envelope.payload.as_slice()).map_err(ConfigTxError::decode("Payload"))?;
    let header = payload.header.ok_or(ConfigTxError::Missing("envelope must have a Header"))?;
    let header = ChannelHeader::decode(header.channel_header.as_slice())
        .map_err(ConfigTxError::decode("ChannelHeader"))?;
    if header.r#type != i32::from(expected) {
        let got = HeaderType::try_from(header.r#type);
        let got = got.map_or(header.r#type.to_string(), |kind| kind.as_str_name().to_owned());
        return Err(ConfigTxError::Type { got, expected: expected.as_str_name() });
    }
    let message = decode_bounded(payload.data.as_slice(), DEFINITION_FIELDS);
    let message = message.map_err(|source| {
        let decode = ConfigTxError::Decode { what: "the message", source };
        let kind = expected.as_str_name();
        ConfigTxError::during(format!("error unmarshalling message for type {kind}"))(decode)
    })?;
    Ok((header, message))
}
