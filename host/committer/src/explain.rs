//! Determines the verdicts that transactions would get, without a commit.

use std::sync::Arc;

use prost::bytes::Bytes;

use crate::definitions::BlockDefinitions;
use crate::endorsement_validator::EndorsementValidator;
use crate::error::CommitError;
use crate::validator::BlockValidator;
use wasmcc_channel::Channel;
use wasmcc_types::proto::protos::TxValidationCode;

/// Returns why signatures or policies would make each transaction invalid in the next block; None
/// where nothing was found. Does not commit.
pub fn explain(
    channel: &Channel,
    endorsements: &Arc<dyn EndorsementValidator>,
    entries: Vec<Bytes>,
) -> Result<Vec<Option<String>>, CommitError> {
    let judged = verdicts(channel, endorsements, entries, 1)?;
    Ok(judged.into_iter().map(|(_, reason)| reason).collect())
}

/// Returns the verdicts on transactions as the next block of a channel, with reasons. Checks only
/// signatures and policies. Does not commit. Uses up to `threads` threads.
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
