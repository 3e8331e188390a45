//! Which errors of the ledger are failures of this machine.
//!
//! Invariant: a [`MachineFailure`] is made here alone, of errors of the disk, of the database and
//! of what this program stored there. So nothing that a client put into a block or into the state
//! becomes one, however an error is passed on.

use crate::ledger::error::LedgerError;

/// A failure of this machine. It says nothing about the block that was being judged: another peer,
/// or this one later, may well commit it.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct MachineFailure(LedgerError);

impl LedgerError {
    /// Tells a failure of this machine from everything else, which comes back as it is.
    pub fn into_machine_failure(self) -> Result<MachineFailure, LedgerError> {
        match self {
            // The operating system or the database refused, or another process has the folder.
            Self::Locked { .. } | Self::Io { .. } | Self::Store { .. } => Ok(MachineFailure(self)),
            // What this program stored is not what it stored: the form of a row or of a record.
            // What a client chose, such as values and metadata, is never read here.
            Self::CorruptState { .. }
            | Self::PrivateData { .. }
            | Self::CorruptPrivateData { .. }
            | Self::CorruptBlock { .. }
            | Self::StateAhead { .. } => Ok(MachineFailure(self)),
            // One of these came before, and the ledger has not been opened again since.
            Self::NeedsReopen { .. } => Ok(MachineFailure(self)),
            // What was asked for, or given, is at fault.
            Self::NoLedger { .. }
            | Self::UnknownChannel { .. }
            | Self::UnknownBlock { .. }
            | Self::ImportFile { .. }
            | Self::InvalidChannel(_)
            | Self::ChannelExists { .. }
            | Self::NotGenesis { .. }
            | Self::IncompleteBlock { .. }
            | Self::BlockNumber { .. }
            | Self::PreviousHash { .. }
            | Self::DataHash { .. }
            | Self::VerdictCount { .. }
            | Self::BlockTooLarge { .. }
            | Self::Decode { .. }
            | Self::Missing { .. }
            | Self::DuplicateNamespace { .. }
            | Self::KeyTooLong { .. }
            | Self::ValueTooLong { .. }
            | Self::TooMuchRecorded { .. }
            | Self::TooManyRanges { .. }
            | Self::PageTooLarge { .. }
            | Self::UnknownRange
            | Self::PaginatedQueryAfterWrite { .. }
            | Self::WriteAfterPaginatedQuery { .. }
            | Self::PrivateQueryAfterWrite { .. }
            | Self::WriteAfterPrivateQuery { .. }
            | Self::PrivateDataNotAvailable { .. }
            | Self::TransientStoreFull { .. }
            | Self::TransientShareUsed { .. }
            | Self::PeerKey { .. }
            | Self::Query(_)
            | Self::NoDocument(_)
            | Self::Exhausted(_)
            | Self::RichQueriesOff => Err(self),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::TxEnvelope;
    use crate::ledger::TxRwSet;

    #[test]
    fn what_a_client_wrote_is_no_failure_of_the_machine() {
        let error = TxRwSet::decode(&[0xff]).unwrap_err().into_machine_failure().unwrap_err();
        assert!(matches!(error, LedgerError::Decode { .. }), "{error}");
        let error = TxEnvelope::parse(&[]).unwrap_err().into_machine_failure().unwrap_err();
        assert!(matches!(error, LedgerError::Missing { .. }), "{error}");
    }

    #[test]
    fn what_the_disk_refuses_is_one() {
        let error = LedgerError::Store { action: "read", source: "the disk is gone".into() };
        let failure = error.into_machine_failure().unwrap();
        assert_eq!(failure.to_string(), "the state database failed to read");
    }
}
