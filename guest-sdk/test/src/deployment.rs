//! A deployment, as a test writes it.

use serde_json::json;

use crate::error::SandboxError;
use crate::frame::Blobs;
use crate::link::members;
use crate::outcome::Submitted;
use crate::sandbox::Sandbox;

/// A chaincode for the channel with its definition. [`Sandbox::deployment`] returns it.
///
/// A chaincode that the channel already has is upgraded, as `wasmcc deploy` does: to the next
/// version, by the lifecycle that defined it. Its state remains; so do policy and collections
/// unless they are set again.
///
/// ```no_run
/// # use wasmcc_test::{Sandbox, SandboxError};
/// # fn deploy(sandbox: &Sandbox, component: &[u8], next: &[u8]) -> Result<(), SandboxError> {
/// let assets = sandbox.deployment("assets", component).lifecycle();
/// assets
///     .policy("OR('Org1MSP.peer','Org2MSP.peer')")
///     .collections(r#"[{"name":"prices","policy":"OR('Org1MSP.member')"}]"#)
///     .indexes([r#"{"index":{"fields":["owner"]},"name":"byOwner","type":"json"}"#])
///     .deploy()?;
/// // The next version, with the same policy and collections, reads what this one has written.
/// sandbox.deploy("assets", next)?;
/// # Ok(())
/// # }
/// ```
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

impl Sandbox {
    /// Returns a deployment by LSCC, with no arguments for the component's `init`.
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
    /// Sets the private data collections: a JSON array in the form of Fabric's tools. Their
    /// `endorsementPolicy` applies to chaincodes of `_lifecycle`; with LSCC it is ignored, as in
    /// Fabric.
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

    /// Sets the endorsement policy in the form of Fabric's tools:
    /// `AND('Org1MSP.peer','Org2MSP.peer')`.
    pub fn policy(mut self, text: &str) -> Self {
        self.policy = Some(text.to_owned());
        self
    }

    /// Deploys by `_lifecycle`: the organizations that have a peer install and approve, and the
    /// channel commits the definition. Such a chaincode has an implicit collection for each
    /// organization. Without a policy, the channel's own applies, which requires a majority of its
    /// organizations.
    pub fn lifecycle(mut self) -> Self {
        self.is_by_lifecycle = true;
        self
    }

    /// Installs the component and deploys it on the channel.
    pub fn deploy(self) -> Result<Submitted, SandboxError> {
        let mut blobs = Blobs::default();
        let request = members([
            ("name", self.name.into()),
            ("component", blobs.add(self.component).into()),
            ("collections", json!(self.collections)),
            ("indexes", json!(self.indexes)),
            ("policy", json!(self.policy)),
        ]);
        let verb = if self.is_by_lifecycle { "deploy_by_lifecycle" } else { "deploy" };
        self.sandbox.ask(verb, request, blobs, Submitted::read)
    }
}
