//! `install`, and the queries about packages.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow};
use serde_json::json;

use crate::endorsing_peers::AskedPeer;
use crate::lifecycle::{Output, asked, json};
use crate::progress::Progress;
use crate::target::Target;
use crate::{file, output};
use wasmcc_client::lifecycle;
use wasmcc_peer::chaincode::package_id;
use wasmcc_types::proto::lifecycle::{
    GetInstalledChaincodePackageResult, InstallChaincodeResult, QueryInstalledChaincodesResult,
};

/// Install a chaincode package on a peer.
#[derive(Debug, clap::Args)]
pub(super) struct Install {
    /// A package of `wasmcc package` or `peer lifecycle chaincode package`.
    #[arg(value_name = "FILE")]
    package: PathBuf,
    #[command(flatten)]
    output: Output,
    #[command(flatten)]
    peer: AskedPeer,
    #[command(flatten)]
    target: Target,
}

/// Query the installed chaincodes on a peer.
#[derive(Debug, clap::Args)]
pub(super) struct QueryInstalled {
    #[command(flatten)]
    output: Output,
    #[command(flatten)]
    peer: AskedPeer,
    #[command(flatten)]
    target: Target,
}

/// Get an installed chaincode package from a peer.
#[derive(Debug, clap::Args)]
pub(super) struct GetInstalledPackage {
    /// The package's id.
    #[arg(long, value_name = "ID")]
    package_id: String,
    /// The folder for the package, which is written as ID.tar.gz.
    #[arg(long, default_value = ".", value_name = "DIR")]
    output_directory: PathBuf,
    #[command(flatten)]
    peer: AskedPeer,
    #[command(flatten)]
    target: Target,
}

/// Calculate the id of a package. Needs no peer.
#[derive(Debug, clap::Args)]
pub(super) struct CalculatePackageId {
    /// The package.
    #[arg(value_name = "FILE")]
    package: PathBuf,
    #[command(flatten)]
    output: Output,
}

fn read(path: &Path) -> Result<Vec<u8>> {
    file::read(path)
        .with_context(|| format!("failed to read chaincode package at '{}'", path.display()))
}

impl Install {
    pub(super) async fn run(self) -> Result<()> {
        let package = read(&self.package)?;
        let session = self.peer.session(&self.target, "Admin").await?.patient();
        let progress = Progress::start("installing");
        let proposal = lifecycle::install(package);
        let result: InstallChaincodeResult = session.query_message(proposal, asked("")).await?;
        drop(progress);
        let InstallChaincodeResult { package_id, label } = result;
        match self.output.is_json() {
            false => output::line(&format!("Chaincode code package identifier: {package_id}")),
            true => output::json(&json!({ "package_id": package_id, "label": label })),
        }
    }
}

impl QueryInstalled {
    pub(super) async fn run(self) -> Result<()> {
        let session = self.peer.session(&self.target, "Admin").await?;
        let proposal = lifecycle::query_all_installed();
        let result: QueryInstalledChaincodesResult =
            session.query_message(proposal, asked("")).await?;
        if self.output.is_json() {
            let installed = result.installed_chaincodes.iter().map(json::installed);
            let installed: Vec<_> = installed.collect();
            return output::json(&json!({ "installed_chaincodes": installed }));
        }
        output::line("Installed chaincodes on peer:")?;
        for chaincode in result.installed_chaincodes {
            let (id, label) = (chaincode.package_id, chaincode.label);
            output::line(&format!("Package ID: {id}, Label: {label}"))?;
        }
        Ok(())
    }
}

impl GetInstalledPackage {
    pub(super) async fn run(self) -> Result<()> {
        let session = self.peer.session(&self.target, "Admin").await?;
        let proposal = lifecycle::installed_package(&self.package_id);
        let result: GetInstalledChaincodePackageResult =
            session.query_message(proposal, asked("")).await?;
        let path = self.output_directory.join(format!("{}.tar.gz", self.package_id));
        let shown = path.display().to_string();
        file::write(&path, &result.chaincode_install_package)
            .with_context(|| format!("failed to write chaincode package to {shown}"))?;
        output::line(&shown)
    }
}

impl CalculatePackageId {
    pub(super) fn run(self) -> Result<()> {
        let id = package_id(&read(&self.package)?).map_err(|why| anyhow!(why))?;
        match self.output.is_json() {
            false => output::line(&id),
            true => output::json(&json!({ "package_id": id })),
        }
    }
}
