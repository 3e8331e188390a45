//! One transaction of the mock ledger: the client's proposal and the results so far.
//!
//! Invariant: it reads the world as it was when the transaction began.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;

use sha2::{Digest, Sha256};

use crate::error::Refusal;
use crate::testing::certificate;
use crate::testing::definition::Definition;
use crate::testing::world::{Reads, World, Writes};
use crate::timestamp::Timestamp;
use crate::{Chaincode, Error, Result, wire};

/// The name of a key's policy among its metadata in Fabric.
pub(super) const POLICY: &str = "VALIDATION_PARAMETER";

/// The client's proposal.
#[derive(Clone)]
pub(super) struct Proposal {
    pub(super) channel: String,
    nonce: u64,
    pub(super) creator: Vec<u8>,
    pub(super) transient: BTreeMap<String, Vec<u8>>,
    pub(super) timestamp: Timestamp,
    pub(super) peer_msp_id: String,
}

impl Proposal {
    /// Returns the first proposal of a ledger, from an `Org1MSP` client on 1 January 2025.
    pub(super) fn first(channel: &str) -> Self {
        let mut proposal = Self {
            channel: channel.to_owned(),
            nonce: 0,
            creator: Vec::new(),
            transient: BTreeMap::new(),
            timestamp: Timestamp { seconds: 1_735_689_600, nanos: 0 },
            peer_msp_id: "Org1MSP".to_owned(),
        };
        proposal.set_creator("Org1MSP", &certificate::of_client("User1", &[]));
        proposal
    }

    /// Advances to the next proposal: another id, a second later, without transient data.
    pub(super) fn advance(&mut self) {
        self.nonce += 1;
        self.timestamp.seconds += 1;
        self.transient.clear();
    }

    pub(super) fn set_creator(&mut self, msp_id: &str, certificate: &str) {
        self.creator.clear();
        wire::put_bytes(&mut self.creator, 1, msp_id.as_bytes());
        wire::put_bytes(&mut self.creator, 2, certificate.as_bytes());
    }

    /// Returns the lower-case hexadecimal SHA-256 of nonce and creator.
    pub(super) fn tx_id(&self) -> String {
        let hash = sha256(&[&self.nonce.to_be_bytes(), &self.creator]);
        hash.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// Returns the SHA-256 of nonce, creator and epoch, which is zero.
    pub(super) fn binding(&self) -> Vec<u8> {
        sha256(&[&self.nonce.to_be_bytes(), &self.creator, &[0; 8]])
    }
}

/// Returns the SHA-256 of the concatenated parts.
pub(super) fn sha256(parts: &[&[u8]]) -> Vec<u8> {
    let mut hash = Sha256::new();
    parts.iter().for_each(|part| hash.update(part));
    hash.finalize().to_vec()
}

/// One transaction, shared by all chaincodes that run in it.
pub(super) struct Simulation {
    pub(super) world: Rc<World>,
    pub(super) chaincodes: Rc<BTreeMap<String, Rc<dyn Chaincode>>>,
    pub(super) definitions: Rc<BTreeMap<String, Definition>>,
    pub(super) proposal: Proposal,
    /// True if the chaincode's `init` runs, which has no private data.
    pub(super) is_init: bool,
    pub(super) reads: RefCell<Reads>,
    pub(super) writes: RefCell<Writes>,
    /// Whether the transaction has tried to write, has requested a page, and has queried private
    /// data.
    wrote: Cell<bool>,
    paged: Cell<bool>,
    queried_private: Cell<bool>,
    /// Running chaincodes, to refuse cyclic calls.
    pub(super) running: RefCell<Vec<String>>,
}

impl Simulation {
    pub(super) fn new(
        world: Rc<World>,
        chaincodes: Rc<BTreeMap<String, Rc<dyn Chaincode>>>,
        definitions: Rc<BTreeMap<String, Definition>>,
        proposal: Proposal,
        is_init: bool,
    ) -> Self {
        Self {
            world,
            chaincodes,
            definitions,
            proposal,
            is_init,
            reads: RefCell::default(),
            writes: RefCell::default(),
            wrote: Cell::default(),
            paged: Cell::default(),
            queried_private: Cell::default(),
            running: RefCell::default(),
        }
    }

    /// Returns a refusal of the peer with the usual prefix of its texts. `call` is the name of the
    /// request's message.
    pub(super) fn refused(&self, call: &str, kind: fn(String) -> Refusal, cause: &str) -> Error {
        let tx_id = self.proposal.tx_id();
        kind(format!("{call} failed: transaction ID: {tx_id}: {cause}")).into()
    }

    /// Called before a write. A write that is refused because of its key or value counts, too.
    pub(super) fn begin_write(&self, call: &str) -> Result<()> {
        let done = match (self.queried_private.get(), self.paged.get()) {
            (true, _) => "queries on pvt data",
            (false, true) => "a paginated query",
            (false, false) => {
                self.wrote.set(true);
                return Ok(());
            }
        };
        let words = format!("Transaction has already performed {done}. Writes are not allowed");
        Err(self.unsupported(call, &words))
    }

    /// Called before a page of a query.
    pub(super) fn begin_page(&self, call: &str) -> Result<()> {
        self.begin_query(call, "Paginated queries are")?;
        self.paged.set(true);
        Ok(())
    }

    /// Called before a query on a collection.
    pub(super) fn begin_private_query(&self, call: &str) -> Result<()> {
        self.begin_query(call, "Queries on pvt data is")?;
        self.queried_private.set(true);
        Ok(())
    }

    fn begin_query(&self, call: &str, what: &str) -> Result<()> {
        match self.wrote.get() {
            true => {
                let words = format!("{what} supported only in a read-only transaction");
                Err(self.unsupported(call, &words))
            }
            false => Ok(()),
        }
    }

    /// The misspelling is Fabric's.
    fn unsupported(&self, call: &str, words: &str) -> Error {
        let tx_id = self.proposal.tx_id();
        let cause = format!("txid [{tx_id}]: unsuppored transaction. {words}");
        self.refused(call, Refusal::NotPermitted, &cause)
    }
}
