//! The verdicts that transactions would get, without a commit.

use std::sync::Arc;

use prost::bytes::Bytes;

use crate::definitions::BlockDefinitions;
use crate::endorsement_validator::EndorsementValidator;
use crate::error::CommitError;
use crate::validator::BlockValidator;
use wasmcc_channel::Channel;
use wasmcc_types::proto::protos::TxValidationCode;

/// Why transactions would not be valid in the next block of a channel, as far as signatures and
/// policies go; None for those against which nothing was found. Nothing is committed.
pub fn explain(
    channel: &Channel,
    endorsements: &Arc<dyn EndorsementValidator>,
    entries: Vec<Bytes>,
) -> Result<Vec<Option<String>>, CommitError> {
    let judged = verdicts(channel, endorsements, entries, 1)?;
    Ok(judged.into_iter().map(|(_, reason)| reason).collect())
}

/// The verdicts on transactions as the next block of a channel, as far as signatures and policies
/// go, with reasons. Nothing is committed. Works on up to `threads` threads.
pub fn verdicts(
    channel: &Channel,
    endorsements: &Arc<dyn EndorsementValidator>,
    entries: Vec<Bytes>,
    threads: usize,
) -> Result<Vec<(TxValidationCode, Option<String>)>, CommitError> {
    let (snapshot, config) = (channel.ledger().snapshot(), channel.config());
    let entries = (&entries[..], Vec::new());
    let definitions = BlockDefinitions::new(snapshot, config);
    let validator = BlockValidator::new(entries, definitions, Arc::clone(endorsements));
    let judged = validator.validate(threads)?;
    Ok(judged.into_iter().map(|judged| (judged.tx.code, judged.reason)).collect())
}
