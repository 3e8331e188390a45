//! One transaction of the mock ledger: what the client proposed and what came of it so far.
//!
//! Invariant: the world that it reads is the one in which it began.

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

/// The name that Fabric gives a key's policy among its metadata.
pub(super) const POLICY: &str = "VALIDATION_PARAMETER";

/// What the client sends.
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
    /// The first one of a ledger, from an `Org1MSP` client on 1 January 2025.
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

    /// Makes it the next one: another id, a second later, without transient data.
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

    /// Lower-case hexadecimal SHA-256 of nonce and creator.
    pub(super) fn tx_id(&self) -> String {
        let hash = sha256(&[&self.nonce.to_be_bytes(), &self.creator]);
        hash.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// Of nonce, creator and epoch, which is zero.
    pub(super) fn binding(&self) -> Vec<u8> {
        sha256(&[&self.nonce.to_be_bytes(), &self.creator, &[0; 8]])
    }
}

/// Of all parts, one after the other.
pub(super) fn sha256(parts: &[&[u8]]) -> Vec<u8> {
    let mut hash = Sha256::new();
    parts.iter().for_each(|part| hash.update(part));
    hash.finalize().to_vec()
}

/// One transaction, shared by the chaincodes that it runs.
pub(super) struct Simulation {
    pub(super) world: Rc<World>,
    pub(super) chaincodes: Rc<BTreeMap<String, Rc<dyn Chaincode>>>,
    pub(super) definitions: Rc<BTreeMap<String, Definition>>,
    pub(super) proposal: Proposal,
    /// Whether the chaincode's `init` runs, which has no private data.
    pub(super) is_init: bool,
    pub(super) reads: RefCell<Reads>,
    pub(super) writes: RefCell<Writes>,
    /// Whether it has tried to write, has asked for a page, and has queried private data.
    wrote: Cell<bool>,
    paged: Cell<bool>,
    queried_private: Cell<bool>,
    /// Chaincodes that are at work, to refuse a circle.
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

    /// A refusal of the peer, with the beginning that its texts have. `call` is the name of the
    /// message that asks for it.
    pub(super) fn refused(&self, call: &str, kind: fn(String) -> Refusal, cause: &str) -> Error {
        let tx_id = self.proposal.tx_id();
        kind(format!("{call} failed: transaction ID: {tx_id}: {cause}")).into()
    }

    /// Before a write. One that is refused because of its key or value is one, too.
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

    /// Before a page of a query.
    pub(super) fn begin_page(&self, call: &str) -> Result<()> {
        self.begin_query(call, "Paginated queries are")?;
        self.paged.set(true);
        Ok(())
    }

    /// Before a query on a collection.
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
