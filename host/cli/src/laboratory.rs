//! Options of `replay` and `audit` for running transactions again.

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

/// The settings of the channel's peers.
#[derive(Debug, clap::Args)]
pub(crate) struct LaboratoryArgs {
    /// The channel's peers use LevelDB: refuse rich queries, and accept keys and values that
    /// CouchDB refuses.
    #[arg(long, env = "WASMCC_NO_RICH_QUERIES")]
    no_rich_queries: bool,
    /// Time limit for one transaction of a chaincode.
    #[arg(long, env = "WASMCC_EXECUTE_TIMEOUT", default_value = "30s")]
    #[arg(value_parser = duration::positive, value_name = "TIME")]
    execute_timeout: Duration,
    #[command(flatten)]
    limits: LimitArgs,
}

impl LaboratoryArgs {
    /// Returns the configuration, with the followed channel in `folder` or in a temporary one.
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
