//! Deploys chaincodes on a sandbox's channel.

use prost::Message;

use crate::sandbox::{CHANNEL, Sandbox, SandboxError, SetupError, Submitted};
use wasmcc_channel::collections::package_from_json;
use wasmcc_client as client;
use wasmcc_client::ProposalBuilder;
use wasmcc_client::lifecycle::{self, ChaincodeDefinition};
use wasmcc_client::lscc::Definition;
use wasmcc_msp::SignaturePolicy;
use wasmcc_peer::chaincode::{ProgramBundle, check_meta_inf, pack_lifecycle_package, package_id};
use wasmcc_types::proto::protos::ApplicationPolicy;
use wasmcc_types::proto::protos::application_policy::Type as PolicyType;

impl Sandbox {
    /// Installs a component and instantiates it as version 1.0, with no arguments for its `init`.
    pub fn deploy(&self, name: &str, component: &[u8]) -> Result<Submitted, SandboxError> {
        self.deploy_as(definition(name), component)
    }

    /// As [`deploy`](Self::deploy), with private data collections: a JSON array as Fabric's tools
    /// take it.
    pub fn deploy_with_collections(
        &self,
        name: &str,
        component: &[u8],
        collections: &str,
    ) -> Result<Submitted, SandboxError> {
        let setup = |why| SandboxError::Setup(SetupError::Collections(why));
        let collections = Some(package_from_json(collections).map_err(setup)?);
        self.deploy_as(Definition { collections, ..definition(name) }, component)
    }

    /// As [`deploy`](Self::deploy), with an endorsement policy as Fabric's tools take it:
    /// `AND('Org1MSP.peer','Org2MSP.peer')`.
    pub fn deploy_with_policy(
        &self,
        name: &str,
        component: &[u8],
        policy: &str,
    ) -> Result<Submitted, SandboxError> {
        let policy = SignaturePolicy::from_text(policy);
        let policy = policy.map_err(|error| SandboxError::Setup(error.into()))?;
        let policy = Some(policy.envelope().clone());
        self.deploy_as(Definition { policy, ..definition(name) }, component)
    }

    /// As [`deploy`](Self::deploy), by `_lifecycle`: the organizations that have a peer install and
    /// approve, and the channel commits the definition. Such a chaincode has an implicit collection
    /// for each organization. Without a policy, the channel's own applies, which asks most of its
    /// organizations.
    pub fn deploy_by_lifecycle(
        &self,
        name: &str,
        component: &[u8],
        policy: Option<&str>,
    ) -> Result<Submitted, SandboxError> {
        let files = vec![("chaincode.wasm".to_owned(), component.to_vec())];
        let package = pack_lifecycle_package("wasm", &format!("{name}_1.0"), &files);
        let package = package.map_err(|error| SandboxError::Setup(error.into()))?;
        let id = package_id(&package).map_err(|error| SandboxError::Setup(error.into()))?;
        let definition = ChaincodeDefinition {
            channel_id: CHANNEL.into(),
            name: name.into(),
            version: "1.0".into(),
            sequence: 1,
            validation_parameter: policy.map_or(Ok(Vec::new()), application_policy)?,
            ..ChaincodeDefinition::default()
        };
        let orgs: Vec<&str> = self.peer.orgs().collect();
        for org in &orgs {
            let admin = self.identity_of(org, "Admin")?;
            self.endorse_at(org, lifecycle::install(package.clone()), &admin)?.accepted()?;
            let approve = lifecycle::approve(definition.clone(), Some(&id));
            self.commit_valid(self.endorse_at(org, approve, &admin)?.accepted()?)?;
        }
        let commit = lifecycle::commit(definition);
        let mut endorsed = self.endorse_as(commit, &self.identity("Admin")?)?.accepted()?;
        let others = orgs.iter().filter(|org| **org != self.org);
        others.into_iter().try_for_each(|org| self.endorse_also(org, &mut endorsed))?;
        self.commit_valid(endorsed)
    }

    /// Installs a component and instantiates it as its definition says.
    pub fn deploy_as(
        &self,
        definition: Definition,
        component: &[u8],
    ) -> Result<Submitted, SandboxError> {
        self.install(&definition, component)?;
        self.instantiate(client::lscc::deploy(definition))
    }

    /// As [`deploy`](Self::deploy), with index definitions of rich queries: the contents of the
    /// files in `META-INF/statedb/couchdb/indexes`.
    pub fn deploy_with_indexes(
        &self,
        name: &str,
        component: &[u8],
        indexes: &[&str],
    ) -> Result<Submitted, SandboxError> {
        let file = |(number, text): (usize, &&str)| {
            let name = format!("META-INF/statedb/couchdb/indexes/{number:04}.json");
            (name, text.as_bytes().to_vec())
        };
        let files = indexes.iter().enumerate().map(file).collect();
        check_meta_inf(&files).map_err(|error| SandboxError::Setup(error.into()))?;
        let code = ProgramBundle::pack(component.to_vec(), files);
        let code = code.map_err(|error| SandboxError::Setup(error.into()))?;
        self.deploy(name, &code)
    }

    /// Installs a component under the name and version of a definition.
    pub fn install(&self, definition: &Definition, component: &[u8]) -> Result<(), SandboxError> {
        let Definition { name, version, .. } = definition;
        let install = client::lscc::install(name, version, component.to_vec());
        self.endorse_as(install, &self.identity("Admin")?)?.accepted().map(drop)
    }

    /// Commits a proposal made by [`client::lscc::deploy`] or [`client::lscc::upgrade`].
    pub fn instantiate(&self, proposal: ProposalBuilder) -> Result<Submitted, SandboxError> {
        let endorsed = self.endorse_as(proposal, &self.identity("Admin")?)?.accepted()?;
        self.commit_valid(endorsed)
    }
}

/// The policy of a definition by `_lifecycle`, from its text.
fn application_policy(text: &str) -> Result<Vec<u8>, SandboxError> {
    let policy = SignaturePolicy::from_text(text);
    let policy = policy.map_err(|error| SandboxError::Setup(error.into()))?;
    let policy = PolicyType::SignaturePolicy(policy.envelope().clone());
    Ok(ApplicationPolicy { r#type: Some(policy) }.encode_to_vec())
}

fn definition(name: &str) -> Definition {
    Definition {
        channel_id: CHANNEL.into(),
        name: name.into(),
        version: "1.0".into(),
        ..Definition::default()
    }
}
