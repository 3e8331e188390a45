//! Deploys chaincodes on a sandbox's channel, and upgrades existing ones.

use prost::Message;

use crate::sandbox::{CHANNEL, Sandbox, SandboxError, SetupError, Submitted};
use wasmcc_channel::collections::package_from_json;
use wasmcc_channel::definition::Definition as Committed;
use wasmcc_client::lifecycle::{self, ChaincodeDefinition};
use wasmcc_client::lscc::{self, Definition};
use wasmcc_client::next_version;
use wasmcc_msp::SignaturePolicy;
use wasmcc_peer::chaincode::{
    COMPONENT_FILE, Files, META_INF, ProgramBundle, check_meta_inf, pack_lifecycle_package,
    package_id,
};
use wasmcc_types::proto::common::SignaturePolicyEnvelope;
use wasmcc_types::proto::protos::application_policy::Type as PolicyType;
use wasmcc_types::proto::protos::collection_config::Payload;
use wasmcc_types::proto::protos::{
    ApplicationPolicy, ChaincodeData, ChaincodeQueryResponse, CollectionConfigPackage,
};
use wasmcc_types::{LIFECYCLE, LSCC};

/// A chaincode for the channel, with its settings. Made by [`Sandbox::deployment`].
///
/// If the channel has a chaincode of this name, it is upgraded, as by `wasmcc deploy`: to the next
/// version, by the lifecycle that defines it. Its state stays, and so do its policy and collections
/// unless new ones are set.
#[derive(Clone)]
#[must_use = "nothing is deployed without `deploy`"]
pub struct Deployment<'a> {
    sandbox: &'a Sandbox,
    name: &'a str,
    component: &'a [u8],
    collections: Option<String>,
    indexes: Vec<String>,
    policy: Option<String>,
    is_by_lifecycle: bool,
}

/// The parsed texts of a deployment.
struct Parts {
    collections: Option<CollectionConfigPackage>,
    policy: Option<SignaturePolicyEnvelope>,
    meta_inf: Files,
}

impl Sandbox {
    /// Makes a deployment by LSCC, without arguments for the component's `init`.
    pub fn deployment<'a>(&'a self, name: &'a str, component: &'a [u8]) -> Deployment<'a> {
        Deployment {
            sandbox: self,
            name,
            component,
            collections: None,
            indexes: Vec::new(),
            policy: None,
            is_by_lifecycle: false,
        }
    }
}

impl Deployment<'_> {
    /// Sets the private data collections: a JSON array in the format of Fabric's tools. Their
    /// `endorsementPolicy` applies to chaincodes of `_lifecycle`; LSCC ignores it, as in Fabric.
    pub fn collections(mut self, json: &str) -> Self {
        self.collections = Some(json.to_owned());
        self
    }

    /// Sets the index definitions of rich queries: the contents of the files in
    /// `META-INF/statedb/couchdb/indexes`.
    pub fn indexes(mut self, texts: impl IntoIterator<Item = impl AsRef<str>>) -> Self {
        self.indexes = texts.into_iter().map(|text| text.as_ref().to_owned()).collect();
        self
    }

    /// Sets the endorsement policy, in the format of Fabric's tools:
    /// `AND('Org1MSP.peer','Org2MSP.peer')`.
    pub fn policy(mut self, text: &str) -> Self {
        self.policy = Some(text.to_owned());
        self
    }

    /// Deploys by `_lifecycle`: the organizations that have a peer install and approve, and the
    /// channel commits the definition. Such a chaincode has an implicit collection for each
    /// organization. Without a policy, the channel's own applies, which needs a majority of its
    /// organizations.
    pub fn lifecycle(mut self) -> Self {
        self.is_by_lifecycle = true;
        self
    }

    /// Installs the component, and makes the channel run it.
    pub fn deploy(self) -> Result<Submitted, SandboxError> {
        // Parse the texts before the first change.
        let parts = self.parts().map_err(|reason| self.refused(reason))?;
        let committed = self.committed()?;
        match committed.is_some() || self.is_by_lifecycle {
            true => self.by_lifecycle(parts, committed.unwrap_or_default()),
            false => self.by_lscc(parts),
        }
    }

    fn parts(&self) -> Result<Parts, SetupError> {
        let collections = self.collections.as_deref().map(package_from_json).transpose()?;
        let policy = self.policy.as_deref().map(SignaturePolicy::from_text).transpose()?;
        let file = |(number, text): (usize, &String)| {
            let name = format!("{META_INF}/statedb/couchdb/indexes/{number:04}.json");
            (name, text.clone().into_bytes())
        };
        let meta_inf = self.indexes.iter().enumerate().map(file).collect();
        check_meta_inf(&meta_inf)?;
        let policy = policy.map(|policy| policy.envelope().clone());
        Ok(Parts { collections, policy, meta_inf })
    }

    /// Returns the definition of `_lifecycle`; None if it does not define the name.
    fn committed(&self) -> Result<Option<Committed>, SandboxError> {
        let snapshot = self.sandbox.ledger().snapshot();
        let mut state = |key: &str| {
            let found = snapshot.get(LIFECYCLE, key);
            found.map(|found| found.map(|found| found.value))
        };
        Committed::find(self.name, &mut state).map_err(|error| self.unreadable(&error))
    }

    fn by_lscc(self, parts: Parts) -> Result<Submitted, SandboxError> {
        let running = self.sandbox.get_state(LSCC, self.name)?;
        let running = running.map(|data| ChaincodeData::decode(data.as_slice())).transpose();
        let running = running.map_err(|error| self.unreadable(&error))?;
        if parts.collections.as_ref().is_some_and(has_policies) {
            tracing::warn!(
                "{}: LSCC ignores the endorsementPolicy of collections, as in Fabric; _lifecycle \
                 has it enforced",
                self.name
            );
        }
        let policy = match (parts.policy, &running) {
            // LSCC itself would return to the default policy.
            (None, Some(running)) => {
                let policy = SignaturePolicyEnvelope::decode(running.policy.as_slice());
                Some(policy.map_err(|error| self.unreadable(&error))?)
            }
            (given, _) => given,
        };
        let installed = self.installed()?;
        let running_version = running.as_ref().map(|running| running.version.as_str());
        let taken = installed.iter().map(String::as_str).chain(running_version);
        let definition = Definition {
            channel_id: CHANNEL.into(),
            name: self.name.into(),
            version: next_version(taken),
            policy,
            collections: parts.collections,
            ..Definition::default()
        };
        let code = ProgramBundle::pack(self.component.to_vec(), parts.meta_inf);
        let code = code.map_err(|error| self.refused(error))?;
        self.sandbox.install(&definition, &code)?;
        self.sandbox.instantiate(match running {
            None => lscc::deploy(definition),
            Some(_) => lscc::upgrade(definition),
        })
    }

    /// Returns the versions that are installed for LSCC, including those of failed deployments.
    fn installed(&self) -> Result<Vec<String>, SandboxError> {
        let admin = self.sandbox.identity("Admin")?;
        let list = self.sandbox.endorse_as(lscc::installed(), &admin)?.accepted()?.response.payload;
        let list = ChaincodeQueryResponse::decode(list.as_slice());
        let list = list.map_err(|error| self.unreadable(&error))?.chaincodes.into_iter();
        Ok(list.filter(|info| info.name == self.name).map(|info| info.version).collect())
    }

    /// Installs, approves and commits; `committed` is empty if the name is new.
    fn by_lifecycle(self, parts: Parts, committed: Committed) -> Result<Submitted, SandboxError> {
        let sandbox = self.sandbox;
        let Parts { collections, policy, meta_inf } = parts;
        let definition = self.next_definition(collections, policy, committed);
        let mut code = vec![(COMPONENT_FILE.to_owned(), self.component.to_vec())];
        code.extend(meta_inf);
        let label = format!("{}_{}", self.name, definition.version);
        let package = pack_lifecycle_package("wasm", &label, &code);
        let package = package.map_err(|error| self.refused(error))?;
        let id = package_id(&package).map_err(|error| self.refused(error))?;
        let orgs: Vec<&str> = sandbox.peer.orgs().collect();
        for org in &orgs {
            let admin = sandbox.identity_of(org, "Admin")?;
            let installed = sandbox.endorse_at(org, lifecycle::install(package.clone()), &admin)?;
            // Installed by a deployment that failed later.
            let before = "chaincode already successfully installed";
            if !installed.response.message.contains(before) {
                installed.accepted()?;
            }
            let approve = lifecycle::approve(definition.clone(), Some(&id));
            sandbox.commit_valid(sandbox.endorse_at(org, approve, &admin)?.accepted()?)?;
        }
        let commit = lifecycle::commit(definition);
        let admin = sandbox.identity("Admin")?;
        let mut endorsed = sandbox.endorse_as(commit, &admin)?.accepted()?;
        let others = orgs.iter().filter(|org| **org != sandbox.org);
        others.into_iter().try_for_each(|org| sandbox.endorse_also(org, &mut endorsed))?;
        sandbox.commit_valid(endorsed)
    }

    fn next_definition(
        &self,
        collections: Option<CollectionConfigPackage>,
        policy: Option<SignaturePolicyEnvelope>,
        committed: Committed,
    ) -> ChaincodeDefinition {
        let Committed { sequence, parameters } = committed;
        let (plugins, rules) = (parameters.endorsement_info, parameters.validation_info);
        let policy = policy.map(|policy| {
            let policy = PolicyType::SignaturePolicy(policy);
            ApplicationPolicy { r#type: Some(policy) }.encode_to_vec()
        });
        let present = Some(parameters.collections).filter(|all| !all.config.is_empty());
        ChaincodeDefinition {
            channel_id: CHANNEL.into(),
            name: self.name.into(),
            version: next_version([plugins.version.as_str()]),
            sequence: sequence + 1,
            validation_parameter: policy.unwrap_or(rules.validation_parameter),
            collections: collections.or(present),
            init_required: plugins.init_required,
            endorsement_plugin: plugins.endorsement_plugin,
            validation_plugin: rules.validation_plugin,
        }
    }

    fn unreadable(&self, error: &dyn std::fmt::Display) -> SandboxError {
        let (name, reason) = (self.name.to_owned(), error.to_string());
        self.refused(SetupError::Present { name, reason })
    }

    fn refused(&self, reason: impl Into<SetupError>) -> SandboxError {
        SandboxError::Deployment { name: self.name.to_owned(), reason: Box::new(reason.into()) }
    }
}

/// Returns true if a collection has its own endorsement policy.
fn has_policies(collections: &CollectionConfigPackage) -> bool {
    let mut payloads = collections.config.iter().filter_map(|config| config.payload.as_ref());
    payloads.any(|payload| match payload {
        Payload::StaticCollectionConfig(config) => config.endorsement_policy.is_some(),
    })
}
