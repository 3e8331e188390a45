//! Packages on this peer (fabric `lifecycle.go`, `InstallChaincode` and its queries).

use std::collections::BTreeMap;

use crate::chaincode::{
    FoundDefinition, LifecyclePackage, PackageEntry, PackageError, Stub, create_indexes,
    defined_names,
};
use crate::syscc::lifecycle::error::LifecycleError;
use crate::syscc::lifecycle::{Lifecycle, LifecycleResult};
use wasmcc_types::proto::lifecycle::{
    ChaincodeReference, ChaincodeReferences, GetInstalledChaincodePackageArgs,
    GetInstalledChaincodePackageResult, InstallChaincodeArgs, InstallChaincodeResult,
    QueryInstalledChaincodeArgs, QueryInstalledChaincodeResult, QueryInstalledChaincodesArgs,
    QueryInstalledChaincodesResult,
};

/// For each package id, the channels and chaincodes that run it.
type References = BTreeMap<String, BTreeMap<String, ChaincodeReferences>>;

impl Lifecycle {
    pub(super) fn install(
        &self,
        stub: &Stub<'_>,
        args: InstallChaincodeArgs,
    ) -> LifecycleResult<InstallChaincodeResult> {
        let bytes = &args.chaincode_install_package;
        let package = self.packages.parse_lifecycle(bytes)?;
        let (org, id) = (stub.peer_msp_id, package.id.as_str());
        let belongs = || self.holders.set(org, id);
        match self.packages.install_lifecycle(&package, bytes, stub.lent.waiter(), belongs) {
            // Installed by the peer of another organization.
            Err(PackageError::Installed(_)) if !self.holders.holds(org, id) => {
                self.holders.add(org, id)?;
            }
            installed => installed?,
        }
        tracing::info!(package_id = %package.id, "installed");
        self.create_indexes(org, &package)?;
        let LifecyclePackage { id, label, .. } = package;
        Ok(InstallChaincodeResult { package_id: id, label })
    }

    pub(super) fn query_installed(
        &self,
        stub: &Stub<'_>,
        args: QueryInstalledChaincodeArgs,
    ) -> LifecycleResult<QueryInstalledChaincodeResult> {
        let id = args.package_id;
        let all =
            self.query_all_installed(stub, QueryInstalledChaincodesArgs {})?.installed_chaincodes;
        let found = all.into_iter().find(|installed| installed.package_id == id);
        found.ok_or(LifecycleError::NoPackage(id))
    }

    pub(super) fn installed_package(
        &self,
        stub: &Stub<'_>,
        args: GetInstalledChaincodePackageArgs,
    ) -> LifecycleResult<GetInstalledChaincodePackageResult> {
        let id = args.package_id;
        let failed = LifecycleError::LoadPackage;
        let found = self.packages.install_package_bytes(&id).map_err(failed)?;
        let is_own = self.holders.holds(stub.peer_msp_id, &id)
            || self.references(stub.peer_msp_id)?.contains_key(&id);
        let Some(chaincode_install_package) = found.filter(|_| is_own) else {
            return Err(LifecycleError::PackageNotFound(id));
        };
        // The key for the client certificate of a server connection must not leave this peer.
        // Fabric's peers return it.
        let description = self.packages.description(&id).map_err(failed)?;
        if description.is_some_and(|description| description.has_key()) {
            return Err(LifecycleError::PackageHasKey(id));
        }
        Ok(GetInstalledChaincodePackageResult { chaincode_install_package })
    }

    pub(super) fn query_all_installed(
        &self,
        stub: &Stub<'_>,
        _: QueryInstalledChaincodesArgs,
    ) -> LifecycleResult<QueryInstalledChaincodesResult> {
        let packages = self.packages.installed_packages()?;
        let mut references = self.references(stub.peer_msp_id)?;
        let installed = packages.into_iter().filter_map(|PackageEntry { id, label }| {
            let references = references.remove(&id).unwrap_or_default();
            // A package that the organization has approved runs on its peer, whoever installed it.
            let is_own = !references.is_empty() || self.holders.holds(stub.peer_msp_id, &id);
            is_own.then_some(QueryInstalledChaincodeResult { package_id: id, label, references })
        });
        Ok(QueryInstalledChaincodesResult { installed_chaincodes: installed.collect() })
    }

    /// Creates indexes on the channels whose definitions already use the package.
    fn create_indexes(&self, org: &str, package: &LifecyclePackage) -> LifecycleResult<()> {
        let Some(references) = self.references(org)?.remove(&package.id) else { return Ok(()) };
        for (id, references) in references {
            let Some(channel) = self.channels.get(&id) else { continue };
            for reference in references.chaincodes {
                create_indexes(channel.ledger(), &reference.name, &package.meta_inf);
            }
        }
        Ok(())
    }

    /// Returns the packages that each channel's definitions run on this peer.
    fn references(&self, org: &str) -> LifecycleResult<References> {
        let packages = self.packages.approvable()?;
        let mut references = References::new();
        for id in self.channels.ids() {
            let Some(channel) = self.channels.get_as(org, &id) else { continue };
            let snapshot = channel.ledger().snapshot();
            for name in defined_names(&snapshot)? {
                // Skips definitions that are not chaincodes or cannot be read.
                let Ok(Some(found)) = FoundDefinition::read(&name, &snapshot, org, &packages)
                else {
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
