//! A ledger in memory for native unit tests: no wasm, no network, no containers.
//!
//! It behaves like a peer where contracts notice: a transaction does not see its own writes, a
//! refused one changes nothing, an empty value deletes, a paginated or private query excludes
//! writes.
//!
//! What it leaves out: limits on time and memory, endorsement policies (they are read and stored,
//! not applied), conflicts between transactions (each is committed at once), rich queries, the keys
//! and values that CouchDB does not take, and who may use which collection. It runs the contract
//! natively, so it also cannot see what a component may not do. The real component runs in the
//! sandbox of the crate `wasmcc-test`, with the peer's own code around it.
//!
//! ```
//! use wasmcc_sdk::testing::MockLedger;
//! use wasmcc_sdk::{Context, Result, args, contract, ensure};
//!
//! struct Names;
//!
//! #[contract]
//! impl Names {
//!     #[transaction]
//!     fn claim(&self, ctx: &Context, name: String) -> Result<()> {
//!         ensure!(ctx.get_state(&name)?.is_none(), 409, "{name} is taken");
//!         ctx.put(&name, ctx.client_identity()?.msp_id())
//!     }
//! }
//!
//! let mut ledger = MockLedger::new(vec![&Names]);
//! ledger.as_identity("Org2MSP", "cert").submit("Claim", args!["ann"]).unwrap();
//! assert_eq!(ledger.get_state("ann"), Some(br#""Org2MSP""#.as_slice()));
//! assert_eq!(ledger.submit("Claim", args!["ann"]).unwrap_err().status(), 409);
//! ```
//!
//! Invariant: the ledger changes in [`MockLedger::submit`] and its like only.

mod batches;
pub(crate) mod certificate;
pub(crate) mod peer;
mod simulation;
mod world;

pub use batches::Batches;

use std::collections::BTreeMap;
use std::rc::Rc;

use serde::de::DeserializeOwned;

use crate::Caller;
use crate::Chaincode;
use crate::Context;
use crate::Contract;
use crate::Contracts;
use crate::Error;
use crate::Result;
use crate::timestamp::Timestamp;
use crate::types::Response;
use peer::Peer;
use simulation::Proposal;
use simulation::Simulation;
use world::Place;
use world::World;

/// The name of the chaincode under test.
const TESTED: &str = "tested";
/// The channel of the ledger.
const CHANNEL: &str = "mychannel";

/// See the head of this module.
pub struct MockLedger {
    world: Rc<World>,
    chaincodes: Rc<BTreeMap<String, Rc<dyn Chaincode>>>,
    /// The next proposal; its transient data goes with it.
    proposal: Proposal,
}

impl MockLedger {
    /// A ledger without keys and the contracts of one chaincode; the first one is the default.
    pub fn new(contracts: Vec<&'static dyn Contract>) -> Self {
        Self::with_chaincode(Contracts::new(contracts))
    }

    /// The same for a chaincode in the style of the shim.
    pub fn with_chaincode(chaincode: impl Chaincode + 'static) -> Self {
        let mut ledger = Self {
            world: Rc::default(),
            chaincodes: Rc::default(),
            proposal: Proposal::first(CHANNEL),
        };
        ledger.install(TESTED, chaincode);
        ledger
    }

    /// One more chaincode on the same channel, for `invoke_chaincode`.
    pub fn install(&mut self, name: &str, chaincode: impl Chaincode + 'static) -> &mut Self {
        Rc::make_mut(&mut self.chaincodes).insert(name.to_owned(), Rc::new(chaincode));
        self
    }

    /// From now on this client submits. Any text will do as certificate: nothing checks it. What
    /// [`crate::ClientIdentity`] reads of a certificate it reads of this one.
    pub fn as_identity(&mut self, msp_id: &str, certificate: &str) -> &mut Self {
        self.proposal.set_creator(msp_id, certificate);
        self
    }

    /// From now on a client with this common name and these attributes submits, as one that
    /// fabric-ca has enrolled: in the organizational unit `client`, from the authority `ca`.
    ///
    /// ```
    /// # use wasmcc_sdk::{Context, Result, args, contract, testing::MockLedger};
    /// # struct Audit;
    /// # #[contract]
    /// # impl Audit {
    /// #     #[transaction]
    /// #     fn open(&self, ctx: &Context) -> Result<()> {
    /// #         ctx.client_identity()?.assert_attribute("role", "auditor")
    /// #     }
    /// # }
    /// let mut ledger = MockLedger::new(vec![&Audit]);
    /// ledger.as_client("Org1MSP", "ann", &[("role", "auditor")]);
    /// assert!(ledger.submit("Open", args![]).is_ok());
    /// ledger.as_client("Org1MSP", "bob", &[]);
    /// let refused = ledger.submit("Open", args![]).unwrap_err();
    /// assert_eq!(refused.message(), "attribute 'role' was not found");
    /// ```
    pub fn as_client(
        &mut self,
        msp_id: &str,
        common_name: &str,
        attributes: &[(&str, &str)],
    ) -> &mut Self {
        let certificate = certificate::of_client(common_name, attributes);
        self.as_identity(msp_id, &certificate)
    }

    /// One entry of the transient data of the next transaction.
    pub fn with_transient(&mut self, name: &str, value: impl Into<Vec<u8>>) -> &mut Self {
        self.proposal.transient.insert(name.to_owned(), value.into());
        self
    }

    /// The time of the next transaction; each one after it is a second later.
    pub fn at(&mut self, time: Timestamp) -> &mut Self {
        self.proposal.timestamp = time;
        self
    }

    /// Whose peer this is, for `get_peer_msp_id`.
    pub fn on_peer_of(&mut self, msp_id: &str) -> &mut Self {
        self.proposal.peer_msp_id = msp_id.to_owned();
        self
    }

    /// Instantiates the chaincode under test and commits.
    ///
    /// # Errors
    /// What it refuses; nothing is changed then.
    pub fn init(&mut self, args: Vec<Vec<u8>>) -> Result<Answer> {
        let (answer, simulation) = self.simulate(TESTED, args, |cc, ctx| cc.init(ctx))?;
        self.commit(simulation);
        Ok(answer)
    }

    /// Runs a function of the chaincode under test and commits.
    ///
    /// # Errors
    /// What it refuses; nothing is changed then.
    pub fn submit(&mut self, function: &str, args: Vec<Vec<u8>>) -> Result<Answer> {
        self.submit_to(TESTED, function, args)
    }

    /// Runs a function of any installed chaincode and commits.
    ///
    /// # Errors
    /// What it refuses; nothing is changed then.
    pub fn submit_to(
        &mut self,
        chaincode: &str,
        function: &str,
        args: Vec<Vec<u8>>,
    ) -> Result<Answer> {
        let args = with_function(function, args);
        let (answer, simulation) = self.simulate(chaincode, args, |cc, ctx| cc.invoke(ctx))?;
        self.commit(simulation);
        Ok(answer)
    }

    /// Runs a function of the chaincode under test and forgets what it writes, as a client does
    /// that sends the endorsement to no orderer.
    ///
    /// # Errors
    /// What it refuses.
    pub fn evaluate(&mut self, function: &str, args: Vec<Vec<u8>>) -> Result<Answer> {
        let args = with_function(function, args);
        Ok(self.simulate(TESTED, args, |cc, ctx| cc.invoke(ctx))?.0)
    }

    /// The committed value of a key of the chaincode under test.
    pub fn get_state(&self, key: &str) -> Option<&[u8]> {
        self.world.get(&Place::public(TESTED), key)
    }

    /// The committed value in a collection of the chaincode under test.
    pub fn get_private_data(&self, collection: &str, key: &str) -> Option<&[u8]> {
        self.world.get(&Place::private(TESTED, collection), key)
    }

    fn simulate(
        &mut self,
        chaincode: &str,
        args: Vec<Vec<u8>>,
        run: impl FnOnce(&dyn Chaincode, &Context) -> Response,
    ) -> Result<(Answer, Rc<Simulation>)> {
        let code = self.chaincodes.get(chaincode).cloned();
        let code =
            code.ok_or_else(|| Error::internal(format!("chaincode {chaincode} not found")))?;
        let proposal = self.proposal.clone();
        self.proposal.advance();
        let tx_id = proposal.tx_id();
        let (world, chaincodes) = (Rc::clone(&self.world), Rc::clone(&self.chaincodes));
        let simulation = Rc::new(Simulation::new(world, chaincodes, proposal));
        let ctx = Context::new(Peer::new(Rc::clone(&simulation), chaincode, args));
        let response = run(&*code, &ctx);
        let status = response.status;
        let payload = response.ok()?;
        let event = ctx.into_peer().into_event();
        Ok((Answer { tx_id, status, payload, event }, simulation))
    }

    fn commit(&mut self, simulation: Rc<Simulation>) {
        let (tx_id, time) = (simulation.proposal.tx_id(), simulation.proposal.timestamp);
        let writes = simulation.writes.take();
        // The simulation holds the world too; without it the world need not be copied.
        drop(simulation);
        Rc::make_mut(&mut self.world).commit(writes, &tx_id, time);
    }
}

/// Typed clients call the chaincode under test: what evaluates is not committed.
impl Caller for &mut MockLedger {
    type Error = Error;

    fn call(&mut self, function: &str, evaluate: bool, args: Vec<Vec<u8>>) -> Result<Vec<u8>> {
        let answer = match evaluate {
            true => self.evaluate(function, args),
            false => self.submit(function, args),
        };
        Ok(answer?.payload)
    }
}

fn with_function(function: &str, mut args: Vec<Vec<u8>>) -> Vec<Vec<u8>> {
    args.insert(0, function.as_bytes().to_vec());
    args
}

/// What a transaction answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// Its id.
    pub tx_id: String,
    /// Below 400.
    pub status: i32,
    /// The result.
    pub payload: Vec<u8>,
    /// Name and payload of the event, if one was set.
    pub event: Option<(String, Vec<u8>)>,
}

impl Answer {
    /// The payload as text; bytes that are no UTF-8 become U+FFFD.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.payload).into_owned()
    }

    /// The payload as JSON.
    ///
    /// # Panics
    /// The payload is not the JSON of a `T`. A test is told where it asks.
    #[track_caller]
    pub fn json<T: DeserializeOwned>(&self) -> T {
        match serde_json::from_slice(&self.payload) {
            Ok(value) => value,
            #[expect(clippy::panic, reason = "for tests only, and the text is for their author")]
            Err(error) => panic!("{error}: {}", self.text()),
        }
    }
}

#[cfg(test)]
mod tests;
