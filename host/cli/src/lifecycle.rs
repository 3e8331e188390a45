//! `wasmcc lifecycle chaincode`: Fabric's `peer lifecycle chaincode`, with its flags and texts.

mod change;
mod definition;
mod json;
mod packages;
mod queries;

use anyhow::Result;
use clap::{Subcommand, ValueEnum};

use crate::hint::Asked;
use wasmcc_types::LIFECYCLE;

const EXAMPLES: &str = "\
Examples:
  wasmcc lifecycle chaincode install basic_1.0.tgz
  wasmcc lifecycle chaincode queryinstalled
  wasmcc lifecycle chaincode approveformyorg -C mychannel -n basic --version 1.0 --sequence 1 \\
      --package-id basic_1.0:1f2e...
  wasmcc lifecycle chaincode checkcommitreadiness -C mychannel -n basic --version 1.0 --sequence 1
  wasmcc lifecycle chaincode commit -C mychannel -n basic --version 1.0 --sequence 1
  wasmcc lifecycle chaincode querycommitted -C mychannel --output json

`wasmcc package` makes packages; `wasmcc invoke --isInit` calls the init that --init-required
requires.";

/// Install packages; approve, commit and query definitions, as in Fabric 2.x.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Lifecycle {
    #[command(subcommand)]
    subject: Subject,
}

#[derive(Debug, Subcommand)]
enum Subject {
    /// Perform chaincode operations.
    #[command(subcommand)]
    Chaincode(LifecycleVerb),
}

#[derive(Debug, Subcommand)]
enum LifecycleVerb {
    Install(packages::Install),
    #[command(name = "queryinstalled")]
    QueryInstalled(packages::QueryInstalled),
    #[command(name = "getinstalledpackage")]
    GetInstalledPackage(packages::GetInstalledPackage),
    #[command(name = "calculatepackageid")]
    CalculatePackageId(packages::CalculatePackageId),
    #[command(name = "approveformyorg")]
    ApproveForMyOrg(change::ApproveForMyOrg),
    #[command(name = "queryapproved")]
    QueryApproved(queries::QueryApproved),
    #[command(name = "checkcommitreadiness")]
    CheckCommitReadiness(queries::CheckCommitReadiness),
    Commit(change::Commit),
    #[command(name = "querycommitted")]
    QueryCommitted(queries::QueryCommitted),
}

/// The format of a printed result.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// The fields of Fabric's message.
    Json,
}

#[derive(Debug, clap::Args)]
struct Output {
    /// Print the result in this format rather than as text.
    #[arg(short = 'O', long, value_enum, ignore_case = true, value_name = "FORMAT")]
    output: Option<Format>,
}

impl Output {
    fn is_json(&self) -> bool {
        self.output == Some(Format::Json)
    }
}

impl Lifecycle {
    pub(crate) async fn run(self) -> Result<()> {
        let Subject::Chaincode(verb) = self.subject;
        match verb {
            LifecycleVerb::Install(verb) => verb.run().await,
            LifecycleVerb::QueryInstalled(verb) => verb.run().await,
            LifecycleVerb::GetInstalledPackage(verb) => verb.run().await,
            LifecycleVerb::CalculatePackageId(verb) => verb.run(),
            LifecycleVerb::ApproveForMyOrg(verb) => verb.run().await,
            LifecycleVerb::QueryApproved(verb) => verb.run().await,
            LifecycleVerb::CheckCommitReadiness(verb) => verb.run().await,
            LifecycleVerb::Commit(verb) => verb.run().await,
            LifecycleVerb::QueryCommitted(verb) => verb.run().await,
        }
    }
}

fn asked(channel: &str) -> Asked<'_> {
    Asked { channel, chaincode: LIFECYCLE }
}
