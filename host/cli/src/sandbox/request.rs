//! Requests of a test.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Deserialize;
use serde_json::{Map, Value};

use super::frame::Blobs;
use wasmcc_msp::{NetworkSpec, OrdererSpec, OrgSpec};
use wasmcc_node::sandbox::{Call, Sandbox, SandboxBuilder, SandboxError, Submitted};
use wasmcc_runtime::{Limits, MAX_COMPONENT_BYTES};
use wasmcc_types::Timestamp;

/// A request with the id of its answer.
pub(super) struct Work {
    pub id: u64,
    pub request: Request,
    pub blobs: Blobs,
}

/// A request; `tenant` answers it.
#[derive(Debug, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case")]
pub(super) enum Request {
    New(New),
    Deploy(DeploymentOf),
    DeployByLifecycle(DeploymentOf),
    /// Endorses in several runs, which must have the same result.
    AssertDeterministic {
        call: CallOf,
    },
    Endorse {
        call: CallOf,
    },
    EndorseAlso {
        org: String,
        endorsed: Vec<u64>,
    },
    Evaluate {
        call: CallOf,
    },
    Submit {
        call: CallOf,
    },
    Commit {
        endorsed: Vec<u64>,
    },
    Height {},
    GetState {
        name: String,
        key: String,
    },
    Forget {
        endorsed: u64,
    },
    End {},
}

#[derive(Debug, Deserialize)]
struct Addressed {
    sandbox: u64,
    #[serde(flatten)]
    request: Request,
}

/// The setup of a sandbox.
#[derive(Debug, Deserialize)]
pub(super) struct New {
    network: NetworkOf,
    #[serde(default)]
    clients: Vec<ClientOf>,
    orgs: Vec<String>,
    limits: Option<LimitsOf>,
    execute_timeout_ms: Option<u64>,
}

#[derive(Debug, Deserialize)]
struct NetworkOf {
    orgs: Vec<OrgOf>,
    orderer: Option<OrdererOf>,
}

#[derive(Debug, Deserialize)]
struct OrgOf {
    msp_id: String,
    domain: String,
    users: Vec<String>,
}

#[derive(Debug, Deserialize)]
struct ClientOf {
    msp_id: String,
    name: String,
    attributes: Vec<(String, String)>,
}

#[derive(Debug, Deserialize)]
struct OrdererOf {
    msp_id: String,
    domain: String,
}

#[derive(Debug, Deserialize)]
struct LimitsOf {
    fuel: u64,
    memory_bytes: usize,
    host_call_bytes: usize,
    value_bytes: usize,
    response_bytes: usize,
    event_bytes: usize,
}

/// A chaincode to deploy.
#[derive(Debug, Deserialize)]
pub(super) struct DeploymentOf {
    name: String,
    /// The index of a byte sequence.
    component: usize,
    collections: Option<String>,
    indexes: Option<Vec<String>>,
    policy: Option<String>,
}

/// A call; its byte values are indexes of byte sequences.
#[derive(Debug, Deserialize)]
pub(super) struct CallOf {
    chaincode: String,
    args: Vec<usize>,
    transient: BTreeMap<String, usize>,
    org: Option<String>,
    user: String,
    timestamp: Option<(i64, u32)>,
    nonce: Option<usize>,
}

impl Request {
    /// Reads a request and the number of its sandbox.
    pub(super) fn read(json: Map<String, Value>) -> serde_json::Result<(u64, Self)> {
        let Addressed { sandbox, request } = serde_json::from_value(Value::Object(json))?;
        Ok((sandbox, request))
    }
}

impl New {
    /// Returns the builder of the sandbox.
    pub(super) fn into_builder(self) -> SandboxBuilder {
        let org = |org: OrgOf| OrgSpec { msp_id: org.msp_id, domain: org.domain, users: org.users };
        let orderer = |org: OrdererOf| OrdererSpec { msp_id: org.msp_id, domain: org.domain };
        let network = NetworkSpec {
            orgs: self.network.orgs.into_iter().map(org).collect(),
            orderer: self.network.orderer.map(orderer),
        };
        let orgs = self.orgs.iter().map(String::as_str);
        let mut builder = Sandbox::builder().network(network).orgs(orgs);
        for ClientOf { msp_id, name, attributes } in &self.clients {
            let attributes: Vec<(&str, &str)> =
                attributes.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
            builder = builder.client(msp_id, name, &attributes);
        }
        if let Some(limits) = self.limits {
            builder = builder.limits(Limits {
                fuel: limits.fuel,
                memory_bytes: limits.memory_bytes,
                host_call_bytes: limits.host_call_bytes,
                value_bytes: limits.value_bytes,
                response_bytes: limits.response_bytes,
                event_bytes: limits.event_bytes,
                ..Limits::default().admitting(MAX_COMPONENT_BYTES)
            });
        }
        match self.execute_timeout_ms {
            Some(limit) => builder.execute_timeout(Duration::from_millis(limit)),
            None => builder,
        }
    }
}

impl DeploymentOf {
    /// Deploys the chaincode on a sandbox's channel.
    pub(super) fn deploy(
        self,
        sandbox: &Sandbox,
        blobs: &mut Blobs,
        by_lifecycle: bool,
    ) -> Result<Submitted, SandboxError> {
        let component = blobs.take(self.component);
        let mut deployment = sandbox.deployment(&self.name, &component);
        if let Some(json) = &self.collections {
            deployment = deployment.collections(json);
        }
        if let Some(texts) = &self.indexes {
            deployment = deployment.indexes(texts);
        }
        if let Some(text) = &self.policy {
            deployment = deployment.policy(text);
        }
        match by_lifecycle {
            true => deployment.lifecycle().deploy(),
            false => deployment.deploy(),
        }
    }
}

impl CallOf {
    /// Returns the call with its bytes.
    pub(super) fn into_call(self, blobs: &mut Blobs) -> Call {
        let mut args = self.args.into_iter().map(|number| blobs.take(number));
        let function = args.next().unwrap_or_default();
        // The test's crate takes function names as text.
        let mut call = Call::new(&self.chaincode, &String::from_utf8_lossy(&function));
        call = call.args(args.collect::<Vec<_>>()).user(&self.user);
        for (name, number) in self.transient {
            call = call.transient(&name, blobs.take(number));
        }
        if let Some(org) = self.org {
            call = call.org(&org);
        }
        if let Some((seconds, nanos)) = self.timestamp {
            call = call.timestamp(Timestamp { seconds, nanos });
        }
        match self.nonce {
            Some(number) => call.nonce(blobs.take(number)),
            None => call,
        }
    }
}
