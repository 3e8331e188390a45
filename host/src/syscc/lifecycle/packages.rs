//! Packages on this peer (fabric `lifecycle.go`, `InstallChaincode` and the queries beside it).

use std::collections::BTreeMap;

use crate::chaincode::definition::{NAMESPACES, metadata_prefix};
use crate::chaincode::{Found, InstalledPackage, Stub};
use crate::proto::lifecycle::{
    ChaincodeReference, ChaincodeReferences, GetInstalledChaincodePackageArgs,
    GetInstalledChaincodePackageResult, InstallChaincodeArgs, InstallChaincodeResult,
    QueryInstalledChaincodeArgs, QueryInstalledChaincodeResult, QueryInstalledChaincodesArgs,
    QueryInstalledChaincodesResult,
};
use crate::syscc::lifecycle::{Answer, Failure, Lifecycle};

/// Which channels run a package, and as what; by package id.
type References = BTreeMap<String, BTreeMap<String, ChaincodeReferences>>;

impl Lifecycle {
    pub(super) fn install(&self, args: InstallChaincodeArgs) -> Answer<InstallChaincodeResult> {
        let installed = self.packages.install_package(&args.chaincode_install_package);
        let InstalledPackage { id, label } = installed.map_err(|error| error.to_string())?;
        tracing::info!(package_id = %id, "installed");
        Ok(InstallChaincodeResult { package_id: id, label })
    }

    pub(super) fn query_installed(
        &self,
        stub: &Stub<'_>,
        args: QueryInstalledChaincodeArgs,
    ) -> Answer<QueryInstalledChaincodeResult> {
        let id = args.package_id;
        let all =
            self.query_all_installed(stub, QueryInstalledChaincodesArgs {})?.installed_chaincodes;
        let found = all.into_iter().find(|installed| installed.package_id == id);
        found.ok_or_else(|| {
            Failure::Failed(format!("could not find chaincode with package id '{id}'"))
        })
    }

    pub(super) fn installed_package(
        &self,
        args: GetInstalledChaincodePackageArgs,
    ) -> Answer<GetInstalledChaincodePackageResult> {
        let id = args.package_id;
        let failed = |why: String| format!("could not load cc install package: {why}");
        let found = self.packages.install_package_bytes(&id);
        let found = found.map_err(|error| failed(error.to_string()))?;
        let missing = || failed(format!("chaincode install package '{id}' not found"));
        let chaincode_install_package = found.ok_or_else(missing)?;
        Ok(GetInstalledChaincodePackageResult { chaincode_install_package })
    }

    pub(super) fn query_all_installed(
        &self,
        stub: &Stub<'_>,
        _: QueryInstalledChaincodesArgs,
    ) -> Answer<QueryInstalledChaincodesResult> {
        let packages = self.packages.installed_packages().map_err(|error| error.to_string())?;
        let mut references = self.references(stub.org)?;
        let installed = packages.into_iter().map(|InstalledPackage { id, label }| {
            let references = references.remove(&id).unwrap_or_default();
            QueryInstalledChaincodeResult { package_id: id, label, references }
        });
        Ok(QueryInstalledChaincodesResult { installed_chaincodes: installed.collect() })
    }

    /// What each channel's definitions run on this peer.
    fn references(&self, org: &str) -> Result<References, String> {
        let packages = self.packages.approvable().map_err(|error| error.to_string())?;
        let mut references = References::new();
        let prefix = metadata_prefix(NAMESPACES);
        for id in self.channels.ids() {
            let Some(channel) = self.channels.get(&id) else { continue };
            let snapshot = channel.ledger().snapshot();
            let end = format!("{prefix}\u{7f}");
            for row in snapshot.range("_lifecycle", &prefix, &end) {
                let (key, _) = row.map_err(|error| error.to_string())?;
                let name = key.strip_prefix(&prefix).unwrap_or(&key);
                // What is no chaincode, or damaged, is nothing that a package runs as.
                let Ok(Some(found)) = Found::read(name, &snapshot, org, &packages) else {
                    continue;
                };
                let Some(package_id) = found.package_id else { continue };
                let version = found.definition.parameters.endorsement_info.version;
                let chaincodes = references.entry(package_id).or_default();
                let reference = ChaincodeReference { name: name.to_owned(), version };
                chaincodes.entry(id.clone()).or_default().chaincodes.push(reference);
            }
        }
        Ok(references)
    }
}
