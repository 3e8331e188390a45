//! Whether a peer runs a chaincode, asked before a proposal is sent to it.

use std::sync::Arc;

use prost::Message;

use crate::chaincode::execute::lookup::Unrecorded;
use crate::chaincode::execute::support::ChaincodeSupport;
use crate::chaincode::package::PackageError;
use wasmcc_channel::definition::{LsccName, sequence};
use wasmcc_ledger::{Ledger, Snapshot};
use wasmcc_types::proto::protos;
use wasmcc_types::{LSCC, Standing};

impl ChaincodeSupport {
    /// How the peer of the organization `org` stands to a chaincode on a ledger's channel, at the
    /// newest height. The error: the definition cannot be read.
    pub fn standing(
        &self,
        ledger: &Arc<Ledger>,
        org: &str,
        name: &str,
    ) -> Result<Standing, String> {
        if self.is_system(name) {
            return Ok(Standing::Here);
        }
        let snapshot = ledger.snapshot();
        let mut state = Unrecorded::new(&snapshot, org);
        // Only names that are defined may be remembered: anybody can ask for any name.
        if sequence(name, &mut state).map_err(|error| error.to_string())? == 0 {
            return self.legacy_standing(&snapshot, name);
        }
        let approvable = self.packages.approvable().map_err(|error| error.to_string())?;
        let key = (ledger.channel_id().as_str().into(), org.into(), name.to_owned());
        let found = self.lookup.found(key, &snapshot, approvable)?;
        let is_here = found.approved && (found.package_id.is_some() || self.config().external.dev);
        Ok(if is_here { Standing::Here } else { Standing::Elsewhere })
    }

    /// What LSCC says, where `_lifecycle` says nothing.
    fn legacy_standing(&self, snapshot: &Snapshot, name: &str) -> Result<Standing, String> {
        let Some(key) = LsccName::new(name) else { return Ok(Standing::Unknown) };
        let row = snapshot.get(LSCC, key.definition_key()).map_err(|error| error.to_string())?;
        let Some(row) = row else { return Ok(Standing::Unknown) };
        let data = protos::ChaincodeData::decode(row.value.as_slice());
        let version = data.map_err(|error| error.to_string())?.version;
        match self.packages.seal(name, &version) {
            Ok(_) => Ok(Standing::Here),
            Err(PackageError::NotInstalled(_)) if self.config().external.dev => Ok(Standing::Here),
            Err(PackageError::NotInstalled(_)) => Ok(Standing::Elsewhere),
            Err(error) => Err(error.to_string()),
        }
    }
}
