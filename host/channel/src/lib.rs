//! A channel as the peer sees it: its ledger, the configuration in force, and what its members
//! agreed on about chaincodes.
//!
//! [`Channels`] holds the channels of a process, [`Channel`] is one of them. `configtx` makes and
//! checks configuration updates, `definition` reads chaincode definitions, `collections` says who
//! may hold which private data, and `vscc` checks endorsements against a policy.
//!
//! Does not run chaincodes or judge transactions. A configuration does not depend on the clock.

pub mod collections;
pub mod configtx;
pub mod definition;
mod holders;
mod left;
mod quota;
#[cfg(test)]
mod tests;
pub mod vscc;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use prost::Message;

use crate::configtx::ConfigTxError;
use crate::left::Left;
use crate::quota::Quota;
pub use holders::Holders;
use wasmcc_ledger::{Ledger, LedgerError, Ledgers};
use wasmcc_msp::{ChannelConfig, ConfigError, config_of_block};
use wasmcc_types::proto::common::{Block, ConfigEnvelope};
use wasmcc_types::with_causes;

/// Stands for the orderer in the list of a channel's members. No MSP id begins with a colon.
const ORDERER: &str = ":orderer";
/// The key under which the members of all channels are stored.
const JOINED: &str = "joined";

/// A channel that the peer has joined.
pub struct Channel {
    ledger: Arc<Ledger>,
    in_force: RwLock<InForce>,
}

/// A configuration, and the block that holds it.
struct InForce {
    config: Arc<ChannelConfig>,
    block: u64,
}

impl Channel {
    /// Opens a channel with the configuration in its state.
    fn open(ledger: Arc<Ledger>) -> Result<Self, ChannelError> {
        let id = ledger.channel_id().as_str();
        let stored = ledger.stored_config()?;
        let stored = stored.ok_or_else(|| ChannelError::NoConfig(id.to_owned()))?;
        let envelope = ConfigEnvelope::decode(stored.envelope.as_slice())
            .map_err(|_| ChannelError::NoConfig(id.to_owned()))?;
        let config = ChannelConfig::from_stored(id, &envelope.config.unwrap_or_default())
            .map_err(ChannelError::Config)?;
        let in_force = InForce { config: Arc::new(config), block: stored.block };
        Ok(Self { ledger, in_force: RwLock::new(in_force) })
    }

    /// Puts the configuration in the channel's state in force. For callers that add blocks whose
    /// configurations were judged elsewhere.
    pub fn follow_config(&self) -> Result<(), ChannelError> {
        let Self { in_force, .. } = Self::open(Arc::clone(&self.ledger))?;
        let in_force = in_force.into_inner().unwrap_or_else(PoisonError::into_inner);
        self.put_in_force(in_force.config, in_force.block);
        Ok(())
    }

    /// The channel's blocks and state.
    pub fn ledger(&self) -> &Arc<Ledger> {
        &self.ledger
    }

    /// The configuration in force.
    pub fn config(&self) -> Arc<ChannelConfig> {
        Arc::clone(&self.in_force.read().unwrap_or_else(PoisonError::into_inner).config)
    }

    /// The number of the block with the configuration in force.
    pub fn config_block(&self) -> u64 {
        self.in_force.read().unwrap_or_else(PoisonError::into_inner).block
    }

    /// Puts a configuration in force. Its block, number `block`, is in the ledger already.
    pub fn put_in_force(&self, config: Arc<ChannelConfig>, block: u64) {
        let in_force = InForce { config, block };
        *self.in_force.write().unwrap_or_else(PoisonError::into_inner) = in_force;
    }
}

/// Why a channel cannot be joined or opened.
#[derive(Debug, thiserror::Error)]
pub enum ChannelError {
    /// The block's configuration is unusable.
    #[error("the channel's configuration is not usable: {}", with_causes(.0))]
    Config(ConfigError),
    /// The configuration has invalid names or too many elements: every update would be refused.
    #[error("initializing configtx manager failed: {0}")]
    Names(ConfigTxError),
    /// An error of the ledger.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// The state of a stored channel has no configuration.
    #[error("channel {0} has no configuration: rebuild its state with `wasmcc ledger rebuild`")]
    NoConfig(String),
    /// The organization's peer has joined the channel already.
    #[error(
        "cannot create ledger from genesis block: ledger [{0}] already exists with state [ACTIVE]"
    )]
    Joined(String),
    /// Another organization's peer of this process is on a channel of the same name.
    #[error(
        "cannot create ledger from genesis block: another peer of this process has a channel [{0}] \
         with another genesis block"
    )]
    OtherGenesis(String),
    /// The process, or one organization, has reached its limit of channels.
    #[error(
        "cannot create ledger from genesis block of [{channel}]: {whose} may have {limit} \
         channels, and that limit is reached; join channels that this process has, or start it \
         with a higher limit of open files (ulimit -n), of which channels get an eighth"
    )]
    TooMany {
        /// The channel that would exceed the limit.
        channel: String,
        /// To whom the limit applies: an organization, or all of the process together.
        whose: String,
        /// The limit.
        limit: usize,
    },
}

type Joined = BTreeMap<String, Arc<Channel>>;

/// All channels of a process, by name, and which organizations' peers are on them.
pub struct Channels {
    ledgers: Arc<Ledgers>,
    /// Every proposal reads it, so nothing is written to disk with its lock held.
    joined: RwLock<Joined>,
    creating: Mutex<()>,
    members: Holders,
    /// Channels from which the orderer was removed.
    left: Left,
    quota: Quota,
}

impl Channels {
    /// Opens the channels whose ledgers are stored.
    pub fn open(ledgers: Arc<Ledgers>) -> Result<Self, ChannelError> {
        let mut joined = BTreeMap::new();
        for id in ledgers.channels() {
            let Some(ledger) = ledgers.get(&id) else { continue };
            joined.insert(id.to_string(), Arc::new(Channel::open(ledger)?));
        }
        let members = Holders::open(Arc::clone(&ledgers), JOINED)?;
        let left = Left::open(Arc::clone(&ledgers))?;
        let quota = Quota::of_process();
        let (joined, creating) = (RwLock::new(joined), Mutex::default());
        Ok(Self { ledgers, joined, creating, members, left, quota })
    }

    /// Creates a channel from a genesis block whose configuration was judged elsewhere. The channel
    /// then belongs to all organizations of the process.
    pub fn join(&self, genesis: &Block) -> Result<Arc<Channel>, ChannelError> {
        self.create(genesis, |_, _| Ok(()), |id| self.members.clear(id))
    }

    /// Joins the peer of an organization to a channel. Creates the channel, within the quota,
    /// unless another organization of this process has joined it before. Fails if Fabric would
    /// refuse the configuration.
    pub fn join_as(&self, msp_id: &str, genesis: &Block) -> Result<Arc<Channel>, ChannelError> {
        let config = ChannelConfig::from_genesis_block(genesis).map_err(ChannelError::Config)?;
        configtx::check_elements(config.config()).map_err(ChannelError::Names)?;
        let id = config.channel_id().as_str();
        let may_be = |id: &str, joined: &Joined| {
            let is_own = |id: &&String| self.members.names(msp_id, id);
            let own = (msp_id != ORDERER).then(|| joined.keys().filter(is_own).count());
            self.quota.check(id, joined.len(), own.map(|own| (msp_id, own)))
        };
        match self.create(genesis, may_be, |id| self.members.set(msp_id, id)) {
            // Another peer of this process has created it, maybe at the same time.
            Err(ChannelError::Joined(_)) if !self.members.holds(msp_id, id) => {}
            joined => return joined,
        }
        let channel = self.same(id, genesis)?;
        self.members.add(msp_id, id)?;
        Ok(channel)
    }

    /// Returns the process's channel of this name if it has this genesis block.
    fn same(&self, id: &str, genesis: &Block) -> Result<Arc<Channel>, ChannelError> {
        let other = || ChannelError::OtherGenesis(id.to_owned());
        let channel = self.get(id).ok_or_else(other)?;
        match channel.ledger.block(0)? {
            Some(first) if first.header == genesis.header && first.data == genesis.data => {
                Ok(channel)
            }
            _ => Err(other()),
        }
    }

    /// Joins the orderer of this process to a channel, as [`join_as`](Self::join_as) does for
    /// peers.
    pub fn join_as_orderer(&self, genesis: &Block) -> Result<Arc<Channel>, ChannelError> {
        let config = ChannelConfig::from_genesis_block(genesis).map_err(ChannelError::Config)?;
        let id = config.channel_id().as_str();
        if self.get(id).is_none() || !self.left.has(id) {
            return self.join_as(ORDERER, genesis);
        }
        let channel = self.same(id, genesis)?;
        self.members.add(ORDERER, id)?;
        self.left.set(id, false)?;
        Ok(channel)
    }

    /// Removes the orderer of this process from a channel. The ledger stays.
    pub fn leave_as_orderer(&self, id: &str) -> Result<(), ChannelError> {
        Ok(self.left.set(id, true)?)
    }

    /// True unless the orderer has left the channel.
    pub fn may_order(&self, id: &str) -> bool {
        !self.left.has(id)
    }

    /// Adds the orderer to a channel that the process has.
    pub fn add_orderer(&self, id: &str) -> Result<(), ChannelError> {
        self.add_member(ORDERER, id)
    }

    /// True if the orderer orders for the channel: the process has the channel, whoever joined
    /// first, and the orderer has not left it.
    pub fn orders(&self, id: &str) -> bool {
        self.get(id).is_some() && self.may_order(id)
    }

    /// The channels that the orderer orders for, ascending.
    pub fn ordered(&self) -> Vec<String> {
        self.ids().into_iter().filter(|id| self.may_order(id)).collect()
    }

    /// Adds the peer of an organization to a channel that the process has.
    pub fn add_member(&self, msp_id: &str, id: &str) -> Result<(), ChannelError> {
        Ok(self.members.add(msp_id, id)?)
    }

    fn create(
        &self,
        genesis: &Block,
        may_be: impl FnOnce(&str, &Joined) -> Result<(), ChannelError>,
        belongs: impl FnOnce(&str) -> Result<(), LedgerError>,
    ) -> Result<Arc<Channel>, ChannelError> {
        let config = config_of_block(genesis)
            .and_then(|(id, config)| ChannelConfig::from_ordered(&id, &config))
            .map_err(ChannelError::Config)?;
        let id = config.channel_id().as_str();
        // Held to the end: of two concurrent calls, only one creates the channel.
        let _alone = self.creating.lock().unwrap_or_else(PoisonError::into_inner);
        {
            let joined = self.joined.read().unwrap_or_else(PoisonError::into_inner);
            if joined.contains_key(id) {
                return Err(ChannelError::Joined(id.to_owned()));
            }
            may_be(id, &joined)?;
        }
        // Record the members before creating the channel: a channel without recorded members
        // belongs to all organizations, also after a crash in between.
        belongs(id)?;
        let ledger = self.ledgers.create(genesis)?;
        let channel = Arc::new(Channel::open(ledger)?);
        let mut joined = self.joined.write().unwrap_or_else(PoisonError::into_inner);
        joined.insert(id.to_owned(), Arc::clone(&channel));
        Ok(channel)
    }

    /// True if the peer of an organization is on a channel.
    pub fn has_joined(&self, msp_id: &str, id: &str) -> bool {
        self.get(id).is_some() && self.members.holds(msp_id, id)
    }

    /// Returns the channel `id`, if the peer of the organization is on it.
    pub fn get_as(&self, msp_id: &str, id: &str) -> Option<Arc<Channel>> {
        self.get(id).filter(|_| self.members.holds(msp_id, id))
    }

    /// Returns the channel `id`, if a peer of the process is on it.
    pub fn get(&self, id: &str) -> Option<Arc<Channel>> {
        self.joined.read().unwrap_or_else(PoisonError::into_inner).get(id).cloned()
    }

    /// The names of all channels, ascending.
    pub fn ids(&self) -> Vec<String> {
        self.joined.read().unwrap_or_else(PoisonError::into_inner).keys().cloned().collect()
    }

    /// The peer's ledgers.
    pub fn ledgers(&self) -> &Arc<Ledgers> {
        &self.ledgers
    }
}
