//! Options that `replay` and `audit` share: how transactions are run again.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::Result;

use crate::compiler::compiler;
use crate::duration;
use crate::limits::LimitArgs;
use wasmcc_audit::LaboratoryConfig;
use wasmcc_ledger::LedgerConfig;
use wasmcc_peer::chaincode::SupportConfig;
use wasmcc_runtime::Limits;

/// As the peers of the channel had it.
#[derive(Debug, clap::Args)]
pub(crate) struct LaboratoryArgs {
    /// The channel's peers have LevelDB: refuse rich queries, and accept keys and values that
    /// CouchDB does not accept.
    #[arg(long, env = "WASMCC_NO_RICH_QUERIES")]
    no_rich_queries: bool,
    /// How long a chaincode may take for one transaction.
    #[arg(long, env = "WASMCC_EXECUTE_TIMEOUT", default_value = "30s")]
    #[arg(value_parser = duration::positive, value_name = "TIME")]
    execute_timeout: Duration,
    #[command(flatten)]
    limits: LimitArgs,
}

impl LaboratoryArgs {
    /// With the followed channel in `folder`, or in a temporary one.
    pub(crate) fn config(&self, folder: Option<PathBuf>) -> Result<LaboratoryConfig> {
        let limits = self.limits.apply(Limits { instances: 64, ..Limits::default() });
        let ledger =
            LedgerConfig { rich_queries: !self.no_rich_queries, ..LedgerConfig::default() };
        let support =
            SupportConfig { execute_timeout: self.execute_timeout, ..SupportConfig::default() };
        let (compiler, cache) = (compiler()?, None);
        let installed = Vec::new();
        Ok(LaboratoryConfig { folder, ledger, limits, support, compiler, cache, installed })
    }
}
