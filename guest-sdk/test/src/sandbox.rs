//! A sandbox: a peer and its channel, which the program runs.

use std::time::Duration;

use serde_json::{Map, Value, json};

use crate::call::Call;
use crate::error::SandboxError;
use crate::frame::Blobs;
use crate::limits::Limits;
use crate::link::{Link, kept, link, members};
use crate::network::NetworkSpec;
use crate::outcome::{Endorsed, Submitted};
use crate::read::Part;

/// Set to `true` by `wasmcc test --twice`.
const TWICE: &str = "WASMCC_TWICE";

/// Settings of a new sandbox.
#[derive(Debug, Default)]
pub struct SandboxBuilder {
    network: NetworkSpec,
    /// In the form of the request.
    clients: Vec<Value>,
    orgs: Vec<String>,
    limits: Option<Limits>,
    execute_timeout: Option<Duration>,
}

/// In-memory peers of one or more organizations, with one channel.
pub struct Sandbox {
    link: &'static Link,
    number: u64,
}

impl SandboxBuilder {
    /// Sets the organizations of the channel; the peer belongs to the first one.
    pub fn network(mut self, network: NetworkSpec) -> Self {
        self.network = network;
        self
    }

    /// Adds a client of an organization. Its certificate has attributes as fabric-ca writes them.
    pub fn client(mut self, msp_id: &str, name: &str, attributes: &[(&str, &str)]) -> Self {
        let client = json!({ "msp_id": msp_id, "name": name, "attributes": attributes });
        self.clients.push(client);
        self
    }

    /// Sets the organizations that have a peer; by default, only the network's first one.
    pub fn orgs<'a>(mut self, msp_ids: impl IntoIterator<Item = &'a str>) -> Self {
        self.orgs = msp_ids.into_iter().map(str::to_owned).collect();
        self
    }

    /// Sets the limits of transactions.
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = Some(limits);
        self
    }

    /// Sets the time limit of a transaction.
    pub fn execute_timeout(mut self, timeout: Duration) -> Self {
        self.execute_timeout = Some(timeout);
        self
    }

    /// Starts the peer and creates the channel.
    pub fn build(self) -> Result<Sandbox, SandboxError> {
        let link = link()?;
        let sandbox = Sandbox { link, number: link.sandbox_number() };
        let request = members([
            ("network", self.network.to_json()),
            ("clients", self.clients.into()),
            ("orgs", self.orgs.into()),
            ("limits", self.limits.map_or(Value::Null, |limits| limits.to_json())),
            ("execute_timeout_ms", json!(self.execute_timeout.map(|it| it.as_millis() as u64))),
        ]);
        sandbox.ask("new", request, Blobs::default(), |_| Some(()))?;
        Ok(sandbox)
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        self.link.tell("end", self.number, Map::new());
    }
}

impl Sandbox {
    /// Returns a peer of `Org1MSP` with the users `Admin`, `User1` and `User2`, and the channel
    /// [`CHANNEL`](crate::CHANNEL).
    pub fn new() -> Result<Self, SandboxError> {
        Self::builder().build()
    }

    /// Returns a builder for other settings.
    pub fn builder() -> SandboxBuilder {
        SandboxBuilder::default()
    }

    /// Deploys a component by LSCC, with no arguments for its `init`: as version 1.0, or as the
    /// next version if the channel has the chaincode. [`deployment`](Self::deployment) has more
    /// settings.
    pub fn deploy(&self, name: &str, component: &[u8]) -> Result<Submitted, SandboxError> {
        self.deployment(name, component).deploy()
    }

    /// As [`deploy`](Self::deploy), with private data collections: a JSON array in the form of
    /// Fabric's tools.
    pub fn deploy_with_collections(
        &self,
        name: &str,
        component: &[u8],
        collections: &str,
    ) -> Result<Submitted, SandboxError> {
        self.deployment(name, component).collections(collections).deploy()
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

    /// As [`deploy`](Self::deploy), with an endorsement policy in the form of Fabric's tools:
    /// `AND('Org1MSP.peer','Org2MSP.peer')`.
    pub fn deploy_with_policy(
        &self,
        name: &str,
        component: &[u8],
        policy: &str,
    ) -> Result<Submitted, SandboxError> {
        self.deployment(name, component).policy(policy).deploy()
    }

    /// As [`deploy`](Self::deploy), by `_lifecycle`. Without an endorsement policy, the default of
    /// [`lifecycle`](crate::Deployment::lifecycle) applies.
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

    /// The caller's peer simulates and endorses a call; nothing is committed. An error status is
    /// not an error of this function.
    pub fn endorse(&self, call: Call) -> Result<Endorsed, SandboxError> {
        self.run_twice(&call)?;
        self.ask_for_endorsement("endorse", &call)
    }

    /// As [`endorse`](Self::endorse), in several runs. One, which is returned, has a peer's
    /// settings. The others have other random numbers (and so another order of hash maps), other
    /// clocks, or an instance that ran the contract before. If a run makes other calls of its peer
    /// or answers differently, the first difference is returned as an error.
    ///
    /// A peer of wasmcc hides these differences from contracts. Other hosts of the same contract do
    /// not, so a repeated call may have another result. `wasmcc test --twice` does this for every
    /// call of every test.
    pub fn assert_deterministic(&self, call: Call) -> Result<Endorsed, SandboxError> {
        self.ask_for_endorsement("assert_deterministic", &call)
    }

    /// Under `wasmcc test --twice`, fails if the call is not deterministic.
    fn run_twice(&self, call: &Call) -> Result<(), SandboxError> {
        match std::env::var_os(TWICE) {
            Some(wanted) if wanted == "true" => self.assert_deterministic(call.clone()).map(drop),
            _ => Ok(()),
        }
    }

    /// The peer of a further organization endorses, too. A different answer is reported at commit.
    pub fn endorse_also(&self, org: &str, endorsed: &mut Endorsed) -> Result<(), SandboxError> {
        let request = members([("org", org.into()), ("endorsed", self.numbers(&[endorsed])?)]);
        self.ask("endorse_also", request, Blobs::default(), |_| Some(()))
    }

    /// Simulates a call and returns the answer; an error status is an error.
    pub fn evaluate(&self, call: Call) -> Result<Endorsed, SandboxError> {
        self.run_twice(&call)?;
        self.ask_for_call("evaluate", &call, Endorsed::read)
    }

    /// Endorses a call, by as many of the organizations here as it needs, and commits it in a block
    /// of its own. A transaction that is not valid is an error.
    pub fn submit(&self, call: Call) -> Result<Submitted, SandboxError> {
        self.run_twice(&call)?;
        self.ask_for_call("submit", &call, Submitted::read)
    }

    /// Commits endorsed calls in one block, in their order. Invalid transactions are not errors.
    pub fn commit(&self, endorsed: Vec<Endorsed>) -> Result<Vec<Submitted>, SandboxError> {
        let all: Vec<&Endorsed> = endorsed.iter().collect();
        let request = members([("endorsed", self.numbers(&all)?)]);
        let mut done =
            self.ask("commit", request, Blobs::default(), |part| part.list(Submitted::read))?;
        // Keep the endorsements: the same calls may be committed once more.
        for (done, endorsed) in done.iter_mut().zip(endorsed) {
            done.endorsed.kept = endorsed.kept;
        }
        Ok(done)
    }

    /// Returns the number of blocks of the channel.
    pub fn height(&self) -> Result<u64, SandboxError> {
        self.ask("height", Map::new(), Blobs::default(), |part| part.number())
    }

    /// Returns the committed value of a key of a chaincode.
    pub fn get_state(&self, chaincode: &str, key: &str) -> Result<Option<Vec<u8>>, SandboxError> {
        let request = members([("name", chaincode.into()), ("key", key.into())]);
        self.ask("get_state", request, Blobs::default(), |part| part.optional(Part::bytes))
    }

    /// Returns the numbers of the endorsements in the program.
    fn numbers(&self, endorsed: &[&Endorsed]) -> Result<Value, SandboxError> {
        let number = |endorsed: &&Endorsed| {
            let kept = endorsed.kept.as_ref().filter(|kept| kept.sandbox == self.number);
            kept.map(|kept| kept.number).ok_or_else(|| {
                let id = &endorsed.tx_id;
                SandboxError::Assemble(format!(
                    "transaction {id} is not an endorsement of this sandbox"
                ))
            })
        };
        Ok(json!(endorsed.iter().map(number).collect::<Result<Vec<u64>, _>>()?))
    }

    fn ask_for_endorsement(&self, verb: &str, call: &Call) -> Result<Endorsed, SandboxError> {
        let number = self.number;
        self.ask_for_call(verb, call, |part| {
            Some(Endorsed { kept: Some(kept(number, part)?), ..Endorsed::read(part)? })
        })
    }

    fn ask_for_call<T>(
        &self,
        verb: &str,
        call: &Call,
        read: impl Fn(Part<'_>) -> Option<T>,
    ) -> Result<T, SandboxError> {
        let mut blobs = Blobs::default();
        let request = members([("call", call.to_json(&mut blobs))]);
        self.ask(verb, request, blobs, read)
    }

    /// Sends a request for this sandbox and waits for its answer, which `read` reads.
    pub(crate) fn ask<T>(
        &self,
        verb: &str,
        request: Map<String, Value>,
        blobs: Blobs,
        read: impl Fn(Part<'_>) -> Option<T>,
    ) -> Result<T, SandboxError> {
        self.link.ask(verb, self.number, request, blobs, read)
    }
}
