//! Short ways to deploy a chaincode, and the steps of a deployment by LSCC.

use crate::sandbox::{Sandbox, SandboxError, Submitted};
use wasmcc_client::ProposalBuilder;
use wasmcc_client::lscc::{self, Definition};

impl Sandbox {
    /// Deploys a component by LSCC, without arguments for its `init`: as version 1.0, or as the
    /// next version if the channel has a chaincode of this name. [`deployment`](Self::deployment)
    /// has more settings.
    pub fn deploy(&self, name: &str, component: &[u8]) -> Result<Submitted, SandboxError> {
        self.deployment(name, component).deploy()
    }

    /// As [`deploy`](Self::deploy), with private data collections: a JSON array in the format of
    /// Fabric's tools.
    pub fn deploy_with_collections(
        &self,
        name: &str,
        component: &[u8],
        collections: &str,
    ) -> Result<Submitted, SandboxError> {
        self.deployment(name, component).collections(collections).deploy()
    }

    /// As [`deploy`](Self::deploy), with an endorsement policy in the format of Fabric's tools:
    /// `AND('Org1MSP.peer','Org2MSP.peer')`.
    pub fn deploy_with_policy(
        &self,
        name: &str,
        component: &[u8],
        policy: &str,
    ) -> Result<Submitted, SandboxError> {
        self.deployment(name, component).policy(policy).deploy()
    }

    /// As [`deploy`](Self::deploy), with index definitions of rich queries: the contents of the
    /// files in `META-INF/statedb/couchdb/indexes`.
    pub fn deploy_with_indexes(
        &self,
        name: &str,
        component: &[u8],
        indexes: &[&str],
    ) -> Result<Submitted, SandboxError> {
        self.deployment(name, component).indexes(indexes).deploy()
    }

    /// As [`deploy`](Self::deploy), by `_lifecycle`, with an endorsement policy or the default of
    /// [`lifecycle`](crate::sandbox::Deployment::lifecycle).
    pub fn deploy_by_lifecycle(
        &self,
        name: &str,
        component: &[u8],
        policy: Option<&str>,
    ) -> Result<Submitted, SandboxError> {
        let deployment = self.deployment(name, component).lifecycle();
        match policy {
            Some(policy) => deployment.policy(policy).deploy(),
            None => deployment.deploy(),
        }
    }

    /// Installs a component and instantiates it with its definition.
    pub fn deploy_as(
        &self,
        definition: Definition,
        component: &[u8],
    ) -> Result<Submitted, SandboxError> {
        self.install(&definition, component)?;
        self.instantiate(lscc::deploy(definition))
    }

    /// Installs a component under the name and version of a definition.
    pub fn install(&self, definition: &Definition, component: &[u8]) -> Result<(), SandboxError> {
        let Definition { name, version, .. } = definition;
        let install = lscc::install(name, version, component.to_vec());
        self.endorse_as(install, &self.identity("Admin")?)?.accepted().map(drop)
    }

    /// Commits a proposal made by [`lscc::deploy`] or [`lscc::upgrade`].
    pub fn instantiate(&self, proposal: ProposalBuilder) -> Result<Submitted, SandboxError> {
        let endorsed = self.endorse_as(proposal, &self.identity("Admin")?)?.accepted()?;
        self.commit_valid(endorsed)
    }
}
