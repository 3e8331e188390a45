//! A ledger in memory for native unit tests: no wasm, no network, no containers.
//!
//! It behaves like a peer in everything that contracts notice: a transaction does not see its own
//! writes, a refused one changes nothing, an empty value deletes, and paginated or private queries
//! exclude writes. Rich queries and the rules of collections are those of a peer. Tests compare its
//! behavior with the sandbox.
//!
//! - [`MockLedger::endorse`] and [`MockLedger::commit`] put several transactions into one block,
//!   where they may conflict.
//! - [`MockLedger::endorsed_by`] sets whose peers endorse; the policies of keys, collections and
//!   chaincodes are checked.
//! - [`MockLedger::events`] returns the events of the blocks.
//!
//! Missing are: limits on time and memory, regular expressions and index names in rich queries, the
//! organizations of the channel, and members that lack the data of a collection. The contract runs
//! natively, so calls that a component may not make are not noticed, either. The sandbox of the
//! crate `wasmcc-test` runs the real component, with the peer's own code around it.
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
//! Invariant: only [`MockLedger::commit`] changes the ledger, also through its callers.

mod answer;
mod batches;
mod caller;
pub(crate) mod certificate;
mod collation;
mod commit;
mod definition;
mod go_json;
pub(crate) mod peer;
mod rich;
mod simulation;
mod system;
mod world;

pub use answer::Answer;
pub use batches::Batches;
pub use commit::{ChaincodeEvent, Committed, Endorsed, TxValidationCode};

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use crate::timestamp::Timestamp;
use crate::{Chaincode, Context, Contract, Contracts, Error, Result};
use commit::{Candidate, Judge};
use definition::Definition;
use peer::Peer;
use simulation::{Proposal, Simulation};
use world::{Place, Version, World};

/// The name of the chaincode under test.
const TESTED: &str = "tested";
/// The channel of the ledger.
const CHANNEL: &str = "mychannel";

/// An in-memory ledger for unit tests; see the head of this module.
pub struct MockLedger {
    world: Rc<World>,
    chaincodes: Rc<BTreeMap<String, Rc<dyn Chaincode>>>,
    definitions: Rc<BTreeMap<String, Definition>>,
    /// The next proposal, with its transient data.
    proposal: Proposal,
    /// The organizations whose peers endorse; None: all that are required.
    endorsers: Option<BTreeSet<String>>,
    height: u64,
    events: Vec<ChaincodeEvent>,
}

impl MockLedger {
    /// Returns an empty ledger with the contracts of one chaincode; the first contract is the
    /// default.
    pub fn new(contracts: Vec<&'static dyn Contract>) -> Self {
        Self::with_chaincode(Contracts::new(contracts))
    }

    /// Returns an empty ledger with a chaincode in the style of the shim.
    pub fn with_chaincode(chaincode: impl Chaincode + 'static) -> Self {
        let mut ledger = Self {
            world: Rc::default(),
            chaincodes: Rc::default(),
            definitions: Rc::default(),
            proposal: Proposal::first(CHANNEL),
            endorsers: None,
            height: 0,
            events: Vec::new(),
        };
        ledger.install(TESTED, chaincode);
        ledger
    }

    /// Installs a further chaincode on the same channel, for `invoke_chaincode`.
    pub fn install(&mut self, name: &str, chaincode: impl Chaincode + 'static) -> &mut Self {
        Rc::make_mut(&mut self.chaincodes).insert(name.to_owned(), Rc::new(chaincode));
        self
    }

    /// Sets the submitting client. The certificate may be any text, because it is not checked;
    /// [`crate::ClientIdentity`] reads this certificate.
    pub fn as_identity(&mut self, msp_id: &str, certificate: &str) -> &mut Self {
        self.proposal.set_creator(msp_id, certificate);
        self
    }

    /// Sets the submitting client to one that fabric-ca has enrolled with this common name and
    /// these attributes. Its organizational unit is `client`, its authority `ca`.
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

    /// Adds one entry to the transient data of the next transaction.
    pub fn with_transient(&mut self, name: &str, value: impl Into<Vec<u8>>) -> &mut Self {
        self.proposal.transient.insert(name.to_owned(), value.into());
        self
    }

    /// Sets the time of the next transaction. Each later transaction is a second later.
    pub fn at(&mut self, time: Timestamp) -> &mut Self {
        self.proposal.timestamp = time;
        self
    }

    /// Sets the peer's organization: the peer reads private data only in collections of that
    /// organization.
    pub fn on_peer_of(&mut self, msp_id: &str) -> &mut Self {
        self.proposal.peer_msp_id = msp_id.to_owned();
        self
    }

    /// Sets the private data collections of the chaincode under test, as JSON in the form of
    /// Fabric's tools. Their rules apply from now on, and other collections do not exist. Without
    /// definitions, every collection exists and every client may use it.
    ///
    /// # Panics
    /// Panics if the JSON cannot be read, or if a collection has a `channelConfigPolicy`: this
    /// ledger has no channel configuration.
    #[track_caller]
    pub fn with_collections(&mut self, json: &str) -> &mut Self {
        let set = self.definition(TESTED).set_collections(json);
        set.expect("collections as Fabric's tools take them");
        self
    }

    /// Sets the endorsement policy of the chaincode under test, such as
    /// `AND('Org1MSP.peer','Org2MSP.peer')`.
    ///
    /// # Panics
    /// The policy cannot be read.
    #[track_caller]
    pub fn with_policy(&mut self, policy: &str) -> &mut Self {
        self.definition(TESTED).policy = Some(policy.parse().expect("an endorsement policy"));
        self
    }

    /// Adds an index of these fields to the chaincode under test. Rich queries that sort need one;
    /// it also orders the rows of other queries that use it.
    ///
    /// # Panics
    /// The name of a field has an empty part.
    #[track_caller]
    pub fn with_index(&mut self, fields: &[&str]) -> &mut Self {
        let fields = fields.iter().map(|field| rich::path(&[], field).ok());
        let fields = fields.collect::<Option<_>>().expect("names of fields");
        self.definition(TESTED).indexes.push(fields);
        self
    }

    /// Sets the organizations whose peers endorse. By default, the peers of all organizations that
    /// a policy requires endorse.
    pub fn endorsed_by(&mut self, msp_ids: &[&str]) -> &mut Self {
        self.endorsers = Some(msp_ids.iter().map(|msp_id| (*msp_id).to_owned()).collect());
        self
    }

    /// Instantiates the chaincode under test and commits.
    ///
    /// # Errors
    /// The chaincode refuses the call, or the transaction is not valid. The ledger is then
    /// unchanged.
    pub fn init(&mut self, args: Vec<Vec<u8>>) -> Result<Answer> {
        let endorsed = self.simulate(TESTED, args, true)?;
        self.commit_alone(endorsed)
    }

    /// Runs a function of the chaincode under test and commits.
    ///
    /// # Errors
    /// The chaincode refuses the call, or the transaction is not valid. The ledger is then
    /// unchanged.
    pub fn submit(&mut self, function: &str, args: Vec<Vec<u8>>) -> Result<Answer> {
        self.submit_to(TESTED, function, args)
    }

    /// Runs a function of any installed chaincode and commits.
    ///
    /// # Errors
    /// The chaincode refuses the call, or the transaction is not valid. The ledger is then
    /// unchanged.
    pub fn submit_to(
        &mut self,
        chaincode: &str,
        function: &str,
        args: Vec<Vec<u8>>,
    ) -> Result<Answer> {
        let endorsed = self.simulate(chaincode, with_function(function, args), false)?;
        self.commit_alone(endorsed)
    }

    /// Runs a function of the chaincode under test and discards its writes, like a client that does
    /// not send the endorsement to an orderer.
    ///
    /// # Errors
    /// The chaincode refuses the call.
    pub fn evaluate(&mut self, function: &str, args: Vec<Vec<u8>>) -> Result<Answer> {
        Ok(self.endorse(function, args)?.answer)
    }

    /// Runs a function of the chaincode under test on the current state, to be committed later.
    ///
    /// ```
    /// # use wasmcc_sdk::testing::{MockLedger, TxValidationCode};
    /// # use wasmcc_sdk::{Context, Result, args, contract};
    /// # struct Counter;
    /// # #[contract]
    /// # impl Counter {
    /// #     #[transaction]
    /// #     fn add(&self, ctx: &Context, number: u64) -> Result<()> {
    /// #         let sum = ctx.get::<u64>("sum")?.unwrap_or_default() + number;
    /// #         ctx.put("sum", &sum)
    /// #     }
    /// # }
    /// let mut ledger = MockLedger::new(vec![&Counter]);
    /// // Both read the sum before the other one has written it.
    /// let one = ledger.endorse("Add", args![1u64]).unwrap();
    /// let two = ledger.endorse("Add", args![2u64]).unwrap();
    /// let codes: Vec<_> = ledger.commit(vec![one, two]).iter().map(|done| done.code).collect();
    /// assert_eq!(codes, [TxValidationCode::Valid, TxValidationCode::MvccReadConflict]);
    /// ```
    ///
    /// # Errors
    /// The chaincode refuses the call.
    pub fn endorse(&mut self, function: &str, args: Vec<Vec<u8>>) -> Result<Endorsed> {
        self.simulate(TESTED, with_function(function, args), false)
    }

    /// Commits endorsed transactions in one block, in their order. Returns valid and invalid ones.
    pub fn commit(&mut self, endorsed: Vec<Endorsed>) -> Vec<Committed> {
        self.height += 1;
        let block = self.height;
        let candidates: Vec<(Answer, Candidate)> = endorsed
            .into_iter()
            .map(|Endorsed { answer, chaincode, simulation, endorsers, .. }| {
                let (tx_id, timestamp) = (answer.tx_id.clone(), simulation.proposal.timestamp);
                let (reads, writes) = (simulation.reads.take(), simulation.writes.take());
                (answer, Candidate { chaincode, tx_id, timestamp, reads, writes, endorsers })
            })
            .collect();
        // The simulations, which also hold the world, are dropped by now.
        let world = Rc::make_mut(&mut self.world);
        let mut judge = Judge::new(world, &self.definitions);
        let mut done = Vec::new();
        for ((answer, tx), number) in candidates.into_iter().zip(0..) {
            let chaincode = tx.chaincode.clone();
            let code = judge.add(tx, Version { block, tx: number });
            if let (TxValidationCode::Valid, Some((name, payload))) = (code, answer.event.clone()) {
                let tx_id = answer.tx_id.clone();
                self.events.push(ChaincodeEvent { block, tx_id, chaincode, name, payload });
            }
            done.push(Committed { answer, code, block });
        }
        judge.end(block);
        done
    }

    /// Returns the number of blocks.
    pub fn height(&self) -> u64 {
        self.height
    }

    /// Returns the events of all valid transactions, in the order of the blocks.
    pub fn events(&self) -> &[ChaincodeEvent] {
        &self.events
    }

    /// Returns the committed value of a key of the chaincode under test.
    pub fn get_state(&self, key: &str) -> Option<&[u8]> {
        self.world.get(&Place::public(TESTED), key)
    }

    /// Returns the committed value in a collection of the chaincode under test.
    pub fn get_private_data(&self, collection: &str, key: &str) -> Option<&[u8]> {
        self.world.get(&Place::private(TESTED, collection), key)
    }

    fn definition(&mut self, chaincode: &str) -> &mut Definition {
        Rc::make_mut(&mut self.definitions).entry(chaincode.to_owned()).or_default()
    }

    fn simulate(&mut self, chaincode: &str, args: Vec<Vec<u8>>, is_init: bool) -> Result<Endorsed> {
        let code = self.chaincodes.get(chaincode).cloned();
        let code =
            code.ok_or_else(|| Error::internal(format!("chaincode {chaincode} not found")))?;
        let proposal = self.proposal.clone();
        self.proposal.advance();
        let tx_id = proposal.tx_id();
        let simulation = Rc::new(Simulation::new(
            Rc::clone(&self.world),
            Rc::clone(&self.chaincodes),
            Rc::clone(&self.definitions),
            proposal,
            is_init,
        ));
        let ctx = Context::new(Peer::new(Rc::clone(&simulation), chaincode, args));
        let response = if is_init { code.init(&ctx) } else { code.invoke(&ctx) };
        let (status, message) = (response.status, response.message.clone());
        let payload = response.ok()?;
        let event = ctx.into_peer().into_event();
        let answer = Answer { tx_id, status, payload, event };
        let endorsers = self.endorsers.clone();
        let chaincode = chaincode.to_owned();
        Ok(Endorsed { answer, message, chaincode, simulation, endorsers })
    }

    fn commit_alone(&mut self, endorsed: Endorsed) -> Result<Answer> {
        endorsed.check_status()?;
        let tx_id = endorsed.answer.tx_id.clone();
        match self.commit(vec![endorsed]).pop() {
            Some(Committed { answer, code: TxValidationCode::Valid, .. }) => Ok(answer),
            done => {
                let code = done.map_or("", |done| done.code.as_str_name());
                Err(Error::internal(format!("transaction {tx_id} is invalid: {code}")))
            }
        }
    }
}

fn with_function(function: &str, mut args: Vec<Vec<u8>>) -> Vec<Vec<u8>> {
    args.insert(0, function.as_bytes().to_vec());
    args
}

#[cfg(test)]
mod collection_tests;
#[cfg(test)]
mod commit_tests;
#[cfg(test)]
mod tests;
