//! Blocks of hostile envelopes over an arbitrary state, which earlier valid blocks made. Checks the
//! committer's guarantees: each transaction gets a verdict, nothing stops the channel, and nothing
//! panics. A random test and the fuzz target `blocks` choose the contents.
//!
//! Invariant: compiled for tests only; panics when a guarantee is broken. Except for keys and
//! signatures, a block depends only on the bytes that it is made of and on the blocks before.

mod configs;
mod dice;
mod rwsets;
mod seal;
mod values;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use prost::Message;

use crate::commit::Committer;
use crate::endorsement_validator::{EndorsementValidator, ValidationFailure, ValidationRequest};
use crate::{opened_tx, v14_rules};
use wasmcc_channel::collections::LocalPeers;
use wasmcc_channel::{Channel, Channels};
use wasmcc_ledger::{CommittedBlock, LedgerConfig, Ledgers, new_block};
use wasmcc_msp::{Network, NetworkSpec, SigningIdentity};
use wasmcc_types::ChannelId;
use wasmcc_types::proto::common::{Block, Capabilities, ConfigEnvelope, Envelope, Payload};
use wasmcc_types::proto::protos::TxValidationCode;

pub use dice::Dice;

const CHANNEL: &str = "mychannel";
/// Limit on the entries of a block.
const MAX_ENTRIES: usize = 6;
/// Number of earlier entries that may be sent again, unchanged or changed.
const REMEMBERED: usize = 16;

/// Makes the validator of endorsements for a peer with these channels.
pub type Port<'a> = &'a dyn Fn(&Arc<Channels>) -> Arc<dyn EndorsementValidator>;

/// The organizations. They outlive channels, because making keys takes most of the time.
pub struct Hostile {
    network: Network,
    signers: Vec<Arc<SigningIdentity>>,
    peers: LocalPeers,
}

/// One channel.
pub struct World<'a> {
    hostile: &'a Hostile,
    channels: Arc<Channels>,
    channel: Arc<Channel>,
    committer: Committer,
    port: Arc<dyn EndorsementValidator>,
    lenient: Arc<AtomicBool>,
    /// For each block after the first, true if it was committed leniently.
    was_lenient: Vec<bool>,
    nonce: u64,
    sent: Vec<Vec<u8>>,
}

/// Accepts all endorsements at times, so that all of the state can become arbitrary.
struct Lenient {
    port: Arc<dyn EndorsementValidator>,
    lenient: Arc<AtomicBool>,
}

impl EndorsementValidator for Lenient {
    fn validate(&self, request: &ValidationRequest<'_>) -> Result<(), ValidationFailure> {
        // Called in any case, because it must not panic either.
        let outcome = self.port.validate(request);
        match self.lenient.load(Ordering::Relaxed) {
            true => Ok(()),
            false => outcome,
        }
    }
}

impl Hostile {
    /// Makes two organizations and an orderer, with their users.
    pub fn new() -> Self {
        let network = Network::in_memory(&NetworkSpec::with_orgs(2)).expect("a network is made");
        let mut signers = Vec::new();
        for org in network.orgs() {
            signers.extend([org.peer(), org.admin(), org.user("User1")]);
        }
        // An identity outside of the application's organizations.
        signers.extend(network.orderer().map(|org| org.admin()));
        let signers = signers.into_iter().map(|signer| Arc::new(signer.expect("it was made")));
        let signers: Vec<_> = signers.collect();
        let peers = network.orgs().iter().zip(signers.iter().step_by(3));
        let peers = LocalPeers::new(peers.map(|(org, peer)| (org.msp_id(), peer.serialized())));
        Self { network, signers, peers }
    }

    /// Makes a channel with the capabilities of one of the versions of Fabric.
    pub fn world(&self, age: u8, port: Port<'_>) -> World<'_> {
        let genesis = self.network.genesis(ChannelId::parse(CHANNEL).expect("it is a name"));
        let mut genesis = genesis.block().expect("a genesis block is made");
        match age % 4 {
            0 => {}
            1 => set_capability(&mut genesis, "V2_0"),
            2 => set_capability(&mut genesis, "V1_4_2"),
            _ => set_capability(&mut genesis, "V1_2"),
        }
        let mut world = self.join(&genesis, port);
        let definitions = world.definitions().encode_to_vec();
        world.commit(vec![definitions], true);
        world
    }

    fn join(&self, genesis: &Block, port: Port<'_>) -> World<'_> {
        let config = LedgerConfig {
            cache_bytes: 4 << 20,
            private_purge_interval_blocks: 3,
            transient_retention_blocks: 10,
            ..LedgerConfig::default()
        };
        let ledgers = Arc::new(Ledgers::temporary(config).expect("there is a folder"));
        let channels = Arc::new(Channels::open(ledgers).expect("they are new"));
        let channel = channels.join(genesis).expect("the genesis block holds");
        let lenient = Arc::new(AtomicBool::new(false));
        let port = Lenient { port: port(&channels), lenient: Arc::clone(&lenient) };
        let port: Arc<dyn EndorsementValidator> = Arc::new(port);
        let committer = self.committer(&channel, &port);
        World {
            hostile: self,
            channels,
            channel,
            committer,
            port,
            lenient,
            was_lenient: Vec::new(),
            nonce: 0,
            sent: Vec::new(),
        }
    }
}

impl Hostile {
    fn committer(&self, channel: &Arc<Channel>, port: &Arc<dyn EndorsementValidator>) -> Committer {
        let committer = Committer::new(Arc::clone(channel), Arc::clone(port));
        committer.with_peers(self.peers.clone())
    }
}

impl Default for Hostile {
    fn default() -> Self {
        Self::new()
    }
}

impl World<'_> {
    /// Makes the next block from some bytes and commits it.
    pub fn block(&mut self, bytes: &[u8]) -> Arc<CommittedBlock> {
        let mut dice = Dice::new(bytes);
        let lenient = dice.one_in(3);
        let mut entries = vec![self.entry(&mut dice)];
        while entries.len() < MAX_ENTRIES && !dice.is_empty() {
            entries.push(self.entry(&mut dice));
        }
        for entry in &entries {
            if self.sent.len() == REMEMBERED {
                self.sent.remove(0);
            }
            self.sent.push(entry.clone());
        }
        self.commit(entries, lenient)
    }

    /// Makes a channel with the same first block only.
    pub fn twin(&self, port: Port<'_>) -> World<'_> {
        let genesis = self.channel.ledger().block(0).expect("the block can be read");
        self.hostile.join(&genesis.expect("there is a first block"), port)
    }

    /// Commits the later blocks of another channel, each with a new committer that has cached
    /// nothing of the blocks before.
    pub fn afresh(&self, other: &World<'_>) -> Vec<Arc<CommittedBlock>> {
        let blocks = other.was_lenient.iter().zip(1..).map(|(&lenient, number)| {
            self.lenient.store(lenient, Ordering::Relaxed);
            let committer = self.hostile.committer(&self.channel, &self.port);
            committer.commit(other.unjudged(number)).expect("every block is committed")
        });
        blocks.collect()
    }

    /// Returns a block of this channel as an orderer makes it.
    fn unjudged(&self, number: u64) -> Block {
        let block = self.channel.ledger().block(number).expect("the block can be read");
        Block { metadata: None, ..block.expect("it was committed") }
    }

    /// Commits the later blocks of another channel as a stream.
    pub fn stream(&self, other: &World<'_>) -> Vec<Arc<CommittedBlock>> {
        let mut lenient = other.was_lenient.iter().copied();
        let mut next = || self.lenient.store(lenient.next().unwrap_or_default(), Ordering::Relaxed);
        next();
        let blocks = (1..other.channel.ledger().height()).map(|number| other.unjudged(number));
        let mut all = Vec::new();
        let outcome = self.committer.commit_all(blocks, |committed| {
            all.push(Arc::clone(committed));
            next();
        });
        outcome.expect("every block is committed");
        all
    }

    /// Number of configurations that have come into force.
    pub fn sequence(&self) -> u64 {
        self.channel.config().sequence()
    }

    fn commit(&mut self, entries: Vec<Vec<u8>>, lenient: bool) -> Arc<CommittedBlock> {
        self.lenient.store(lenient, Ordering::Relaxed);
        self.was_lenient.push(lenient);
        let tip = self.channel.ledger().info();
        let block = new_block(tip.height, tip.current_block_hash, entries.clone());
        let committed = self.committer.commit(block).expect("every block is committed");
        self.check(&entries, &committed);
        committed
    }

    /// Checks that a peer could start with the stored data.
    pub fn check_start(&self) {
        let channels = Channels::open(Arc::clone(self.channels.ledgers()));
        channels.map(drop).expect("the channel can be opened");
    }

    fn entry(&mut self, dice: &mut Dice<'_>) -> Vec<u8> {
        match dice.below(24) {
            0 => dice.bytes(),
            1 => self.earlier(dice).unwrap_or_default(),
            2 | 3 => {
                let mut entry = self.earlier(dice).unwrap_or_default();
                dice.spoil(&mut entry);
                entry
            }
            4 => self.config(dice).encode_to_vec(),
            5..8 => self.instantiation(dice).encode_to_vec(),
            _ => self.invocation(dice).encode_to_vec(),
        }
    }

    fn earlier(&self, dice: &mut Dice<'_>) -> Option<Vec<u8>> {
        self.sent.get(dice.below(self.sent.len().max(1))).cloned()
    }

    fn check(&self, entries: &[Vec<u8>], committed: &CommittedBlock) {
        assert_eq!(self.committer.interruption(), None, "nothing interrupts the channel");
        assert_eq!(committed.txs.len(), entries.len(), "every entry has a verdict");
        let ledger = self.channel.ledger();
        let stored = ledger.block(committed.number).expect("the block can be read");
        assert_eq!(stored.as_ref(), Some(&committed.block), "the block is stored as announced");
        let legacy = !self.channel.config().capabilities().v2_0;
        for (entry, code) in entries.iter().zip(committed.codes()) {
            assert_ne!(code, TxValidationCode::NotValidated);
            match opened_tx::open(entry.clone().into()) {
                Err(invalid) => {
                    let expected =
                        if legacy { v14_rules::code(invalid.code) } else { invalid.code };
                    assert_eq!(code, expected);
                }
                Ok(opened) => {
                    let reason = self.committer.notifier().reason(&opened.tx_id());
                    let reason = reason.unwrap_or_default();
                    assert!(!reason.contains("panicked"), "{reason}");
                }
            }
        }
    }

    fn signer(&self, dice: &mut Dice<'_>) -> &Arc<SigningIdentity> {
        let signers = &self.hostile.signers;
        &signers[dice.below(signers.len())]
    }

    fn next_nonce(&mut self) -> Vec<u8> {
        self.nonce += 1;
        self.nonce.to_be_bytes().to_vec()
    }
}

/// Changes the capabilities of the channel's application in its first block.
fn set_capability(genesis: &mut Block, capability: &str) {
    let data = genesis.data.as_ref().expect("a genesis block has data");
    let mut envelope: Envelope = decode(&data.data[0]);
    let mut payload: Payload = decode(&envelope.payload);
    let mut config: ConfigEnvelope = decode(&payload.data);
    let root = config.config.as_mut().and_then(|config| config.channel_group.as_mut());
    let application = root.and_then(|root| root.groups.get_mut("Application"));
    let values = &mut application.expect("there is an application group").values;
    let names = [(capability.to_owned(), Default::default())].into();
    let value = Capabilities { capabilities: names }.encode_to_vec();
    values.entry("Capabilities".to_owned()).or_default().value = value;
    payload.data = config.encode_to_vec();
    envelope.payload = payload.encode_to_vec();
    *genesis = new_block(0, Vec::new(), vec![envelope.encode_to_vec()]);
}

/// Decodes a message that was encoded by this module.
fn decode<M: Message + Default>(bytes: &[u8]) -> M {
    M::decode(bytes).expect("it was encoded here")
}
