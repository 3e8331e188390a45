//! Checks the part of a block's metadata that follows from its chain, for blocks from a file.
//!
//! No hash covers the metadata. Verdicts and commit hash are determined again (`replay`). For the
//! orderer's part, this checks the number of the last configuration block, and the form of
//! everything. Fabric: `orderer/common/multichannel/blockwriter.go`, `protoutil.InitBlockMetadata`.
//!
//! Does not verify signatures, which needs the channel's members; it checks their form.

use prost::Message;

use wasmcc_types::proto::common::{
    Block, BlockMetadataIndex, LastConfig, Metadata, OrdererBlockMetadata, SignatureHeader,
};

/// Number of entries of a block's metadata.
const SLOTS: usize = 5;

/// Checks a block. `last_config` is the block with the current configuration, this block included.
pub(crate) fn check(block: &Block, last_config: u64) -> Result<(), &'static str> {
    let slots = block.metadata.as_ref().map_or(&[][..], |metadata| &metadata.metadata);
    if slots.len() > SLOTS {
        return Err("its metadata has unknown entries");
    }
    let slot =
        |index: BlockMetadataIndex| slots.get(index as usize).filter(|bytes| !bytes.is_empty());
    if let Some(bytes) = slot(BlockMetadataIndex::Signatures) {
        check_signatures(bytes, last_config)?;
    }
    if let Some(bytes) = slot(BlockMetadataIndex::LastConfig) {
        let damaged = "the number of its last configuration does not parse";
        let Metadata { value, signatures } = exactly(bytes).ok_or(damaged)?;
        let found: LastConfig = exactly(&value).ok_or(damaged)?;
        check_last_config(found, last_config)?;
        check_form(&signatures)?;
    }
    if let Some(bytes) = slot(BlockMetadataIndex::Orderer) {
        let damaged = "the orderer's metadata does not parse";
        check_form(&exactly::<Metadata>(bytes).ok_or(damaged)?.signatures)?;
    }
    if let Some(bytes) = slot(BlockMetadataIndex::CommitHash) {
        let damaged = "its commit hash does not parse";
        if !exactly::<Metadata>(bytes).ok_or(damaged)?.signatures.is_empty() {
            return Err("its commit hash is signed, which no peer does");
        }
    }
    Ok(())
}

fn check_signatures(bytes: &[u8], last_config: u64) -> Result<(), &'static str> {
    let damaged = "its orderer's signatures do not parse";
    let Metadata { value, signatures } = exactly(bytes).ok_or(damaged)?;
    // Before Fabric 1.4.2, and without signatures, the signed value may be empty.
    if !value.is_empty() {
        let signed: OrdererBlockMetadata = exactly(&value).ok_or(damaged)?;
        let found = signed.last_config.ok_or("its orderer names no last configuration")?;
        check_last_config(found, last_config)?;
    }
    check_form(&signatures)
}

fn check_last_config(found: LastConfig, last_config: u64) -> Result<(), &'static str> {
    match found.index == last_config {
        true => Ok(()),
        false => Err("the number of its last configuration is wrong"),
    }
}

/// Checks that each entry names a signer and has a signature in ASN.1, or has a header that only
/// names a signer.
fn check_form(
    signatures: &[wasmcc_types::proto::common::MetadataSignature],
) -> Result<(), &'static str> {
    for signature in signatures {
        if signature.identifier_header.is_empty() {
            let header: SignatureHeader = exactly(&signature.signature_header)
                .ok_or("the header of an orderer's signature does not parse")?;
            if header.creator.is_empty() || header.nonce.is_empty() {
                return Err("an orderer's signature names no signer");
            }
        }
        if !is_ecdsa(&signature.signature) {
            return Err("an orderer's signature is malformed");
        }
    }
    Ok(())
}

/// True if the bytes are a DER sequence of two positive integers, and nothing else.
fn is_ecdsa(bytes: &[u8]) -> bool {
    let parse = || {
        let (0x30, rest, []) = take(bytes)? else { return None };
        let (0x02, r, rest) = take(rest)? else { return None };
        let (0x02, s, []) = take(rest)? else { return None };
        Some([r, s].iter().all(|number| number.first().is_some_and(|first| first & 0x80 == 0)))
    };
    parse() == Some(true)
}

/// Splits a DER element of less than 256 bytes into tag, content and rest.
fn take(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (length, rest) = match bytes {
        [_, 0x81, length, rest @ ..] => (*length, rest),
        [_, length @ 0..=0x7f, rest @ ..] => (*length, rest),
        _ => return None,
    };
    let (content, after) = rest.split_at_checked(length.into())?;
    Some((*bytes.first()?, content, after))
}

/// Decodes a message whose serialized form is exactly these bytes: no unknown and no repeated
/// field.
fn exactly<M: Message + Default>(bytes: &[u8]) -> Option<M> {
    let message = M::decode(bytes).ok()?;
    (message.encode_to_vec() == bytes).then_some(message)
}
