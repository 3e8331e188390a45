//! Packages on this peer (fabric `lifecycle.go`, `InstallChaincode` and the queries beside it).

use std::collections::BTreeMap;

use crate::chaincode::{
    Found, LifecyclePackage, PackageEntry, PackageError, Stub, create_indexes, defined_names,
};
use crate::syscc::lifecycle::{Answer, Failure, Lifecycle};
use crate::syscc::lscc::check_leaves;
use wasmcc_types::proto::lifecycle::{
    ChaincodeReference, ChaincodeReferences, GetInstalledChaincodePackageArgs,
    GetInstalledChaincodePackageResult, InstallChaincodeArgs, InstallChaincodeResult,
    QueryInstalledChaincodeArgs, QueryInstalledChaincodeResult, QueryInstalledChaincodesArgs,
    QueryInstalledChaincodesResult,
};

/// Which channels run a package, and as what; by package id.
type References = BTreeMap<String, BTreeMap<String, ChaincodeReferences>>;

impl Lifecycle {
    pub(super) fn install(
        &self,
        stub: &Stub<'_>,
        args: InstallChaincodeArgs,
    ) -> Answer<InstallChaincodeResult> {
        let bytes = &args.chaincode_install_package;
        let package = self.packages.parse_lifecycle(bytes).map_err(|error| error.to_string())?;
        let (org, id) = (stub.peer_msp_id, package.id.as_str());
        let held = match self.packages.install_lifecycle(&package, bytes) {
            // By the peer of another organization.
            Err(PackageError::Installed(_)) if !self.holders.holds(org, id) => {
                self.holders.add(org, id)
            }
            installed => {
                installed.map_err(|error| error.to_string())?;
                self.holders.set(org, id)
            }
        };
        held.map_err(|error| error.to_string())?;
        tracing::info!(package_id = %package.id, "installed");
        self.create_indexes(org, &package)?;
        let LifecyclePackage { id, label, .. } = package;
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
        stub: &Stub<'_>,
        args: GetInstalledChaincodePackageArgs,
    ) -> Answer<GetInstalledChaincodePackageResult> {
        let id = args.package_id;
        let failed = |why: String| format!("could not load cc install package: {why}");
        let found = self.packages.install_package_bytes(&id);
        let is_own = self.holders.holds(stub.peer_msp_id, &id)
            || self.references(stub.peer_msp_id)?.contains_key(&id);
        let found = found.map(|found| found.filter(|_| is_own));
        let found = found.map_err(|error| failed(error.to_string()))?;
        let missing = || failed(format!("chaincode install package '{id}' not found"));
        let chaincode_install_package = found.ok_or_else(missing)?;
        let description = self.packages.description(&id);
        let description = description.map_err(|error| failed(error.to_string()))?;
        check_leaves(&id, description.as_ref()).map_err(failed)?;
        Ok(GetInstalledChaincodePackageResult { chaincode_install_package })
    }

    pub(super) fn query_all_installed(
        &self,
        stub: &Stub<'_>,
        _: QueryInstalledChaincodesArgs,
    ) -> Answer<QueryInstalledChaincodesResult> {
        let packages = self.packages.installed_packages().map_err(|error| error.to_string())?;
        let mut references = self.references(stub.peer_msp_id)?;
        let installed = packages.into_iter().filter_map(|PackageEntry { id, label }| {
            let references = references.remove(&id).unwrap_or_default();
            // What the organization has approved runs on its peer, whoever installed it.
            let is_own = !references.is_empty() || self.holders.holds(stub.peer_msp_id, &id);
            is_own.then_some(QueryInstalledChaincodeResult { package_id: id, label, references })
        });
        Ok(QueryInstalledChaincodesResult { installed_chaincodes: installed.collect() })
    }

    /// For the channels that run a package before it is installed here.
    fn create_indexes(&self, org: &str, package: &LifecyclePackage) -> Result<(), String> {
        let Some(references) = self.references(org)?.remove(&package.id) else { return Ok(()) };
        for (id, references) in references {
            let Some(channel) = self.channels.get(&id) else { continue };
            for reference in references.chaincodes {
                create_indexes(channel.ledger(), &reference.name, &package.meta_inf);
            }
        }
        Ok(())
    }

    /// What each channel's definitions run on this peer.
    fn references(&self, org: &str) -> Result<References, String> {
        let packages = self.packages.approvable().map_err(|error| error.to_string())?;
        let mut references = References::new();
        for id in self.channels.ids() {
            let Some(channel) = self.channels.get_as(org, &id) else { continue };
            let snapshot = channel.ledger().snapshot();
            for name in defined_names(&snapshot).map_err(|error| error.to_string())? {
                // What is no chaincode, or damaged, is nothing that a package runs as.
                let Ok(Some(found)) = Found::read(&name, &snapshot, org, &packages) else {
                    continue;
                };
                let Some(package_id) = found.package_id else { continue };
                let version = found.definition.parameters.endorsement_info.version;
                let chaincodes = references.entry(package_id).or_default();
                let reference = ChaincodeReference { name, version };
                chaincodes.entry(id.clone()).or_default().chaincodes.push(reference);
            }
        }
        Ok(references)
    }
}
