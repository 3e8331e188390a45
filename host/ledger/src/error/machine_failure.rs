//! Separates failures of this machine from other errors.
//!
//! Invariant: a [`MachineFailure`] is made only here, from errors of the disk, of the database, and
//! of the form of stored data. So nothing that a client put into a block or into the state becomes
//! one.

use crate::error::LedgerError;

/// A failure of this machine. It is independent of the block that was being validated: another peer
/// may commit the block, and this one may commit it later.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct MachineFailure(LedgerError);

impl LedgerError {
    /// Returns the failure of this machine; returns any other error unchanged, as the error.
    pub fn into_machine_failure(self) -> Result<MachineFailure, LedgerError> {
        match self {
            // The operating system or the database refused, or another process has the folder open.
            Self::Locked { .. } | Self::Io { .. } | Self::Store { .. } => Ok(MachineFailure(self)),
            // A row or record does not have the form that this program stores. Only the form is
            // checked: data that a client chose, such as values and metadata, are never read here.
            Self::CorruptState { .. }
            | Self::PrivateData { .. }
            | Self::CorruptPrivateData { .. }
            | Self::CorruptBlock { .. }
            | Self::PrivateStoreLost { .. }
            | Self::PrivateDataOfAnotherChain { .. }
            | Self::OtherChannel { .. }
            | Self::Folders(_)
            | Self::StateAhead { .. } => Ok(MachineFailure(self)),
            // One of the above happened earlier, and the ledger was not reopened.
            Self::NeedsReopen { .. } => Ok(MachineFailure(self)),
            // The request or its input is wrong.
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
            | Self::MetadataTooLong { .. }
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
            | Self::RichQueriesOff
            | Self::Interrupted => Err(self),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{TxEnvelope, TxRwSet};

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
