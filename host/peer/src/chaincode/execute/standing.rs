//! Checks whether a peer runs a chaincode, for the gateway before it sends a proposal to the peer.

use std::sync::Arc;

use prost::{DecodeError, Message};

use crate::chaincode::execute::lookup::{FoundError, FoundKey, UnrecordedState};
use crate::chaincode::execute::support::ChaincodeSupport;
use crate::chaincode::package::PackageError;
use wasmcc_channel::definition::{LsccName, ReadError, sequence};
use wasmcc_ledger::{Ledger, LedgerError, Snapshot};
use wasmcc_types::proto::protos;
use wasmcc_types::{LSCC, Standing};

/// An error of the check whether a peer runs a chaincode.
#[derive(Debug, thiserror::Error)]
pub enum StandingError {
    /// The sequence in `_lifecycle` cannot be read.
    #[error(transparent)]
    Sequence(#[from] ReadError<LedgerError>),
    /// The definition in `_lifecycle` cannot be read.
    #[error(transparent)]
    Definition(#[from] Arc<FoundError>),
    /// The state cannot be read.
    #[error(transparent)]
    State(#[from] LedgerError),
    /// LSCC's definition cannot be read.
    #[error(transparent)]
    Lscc(#[from] DecodeError),
    /// The packages of this peer cannot be read.
    #[error(transparent)]
    Packages(#[from] PackageError),
}

impl ChaincodeSupport {
    /// Checks, at the newest height, whether the channel defines a chaincode and whether the peer
    /// of the organization `org` runs it.
    pub fn standing(
        &self,
        ledger: &Arc<Ledger>,
        org: &str,
        name: &str,
    ) -> Result<Standing, StandingError> {
        if self.is_system(name) {
            return Ok(Standing::Here);
        }
        let snapshot = ledger.snapshot();
        let mut state = UnrecordedState::new(&snapshot, org);
        // Only defined names are cached, since clients can ask for any name.
        if sequence(name, &mut state)? == 0 {
            return self.legacy_standing(&snapshot, name);
        }
        let approvable = self.packages.approvable()?;
        let channel = ledger.channel_id().as_str().into();
        let key = FoundKey { channel, org: org.into(), chaincode: name.to_owned() };
        let found = self.lookup.found(key, &snapshot, approvable)?;
        let is_here = found.approved && (found.package_id.is_some() || self.config().external.dev);
        Ok(if is_here { Standing::Here } else { Standing::Elsewhere })
    }

    /// Checks the same in LSCC, for names that `_lifecycle` does not define.
    fn legacy_standing(&self, snapshot: &Snapshot, name: &str) -> Result<Standing, StandingError> {
        let Some(key) = LsccName::new(name) else { return Ok(Standing::Unknown) };
        let row = snapshot.get(LSCC, key.definition_key())?;
        let Some(row) = row else { return Ok(Standing::Unknown) };
        let data = protos::ChaincodeData::decode(row.value.as_slice());
        let version = data?.version;
        match self.packages.seal(name, &version) {
            Ok(_) => Ok(Standing::Here),
            Err(PackageError::NotInstalled(_)) if self.config().external.dev => Ok(Standing::Here),
            Err(PackageError::NotInstalled(_)) => Ok(Standing::Elsewhere),
            Err(error) => Err(error.into()),
        }
    }
}
