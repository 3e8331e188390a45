//! A channel as the peer sees it: a ledger and the configuration in force.
//!
//! Does not know chaincodes and transactions.

pub mod collections;
pub mod configtx;
pub mod definition;
pub mod vscc;

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

use prost::Message;

use wasmcc_ledger::{Ledger, LedgerError, Ledgers};
use wasmcc_msp::{ChannelConfig, ConfigError};
use wasmcc_types::proto::common::{Block, ConfigEnvelope};

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
        let config = ChannelConfig::from_config(id, &envelope.config.unwrap_or_default())
            .map_err(ChannelError::Config)?;
        let in_force = InForce { config: Arc::new(config), block: stored.block };
        Ok(Self { ledger, in_force: RwLock::new(in_force) })
    }

    /// Puts the configuration in the channel's state in force, for a caller that adds blocks whose
    /// configurations others have judged.
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
    #[error("the channel's configuration is not usable: {0}")]
    Config(#[source] ConfigError),
    /// The ledger refused.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// The state of a stored channel has no configuration.
    #[error("channel {0} has no configuration: rebuild its state with `wasmcc ledger rebuild`")]
    NoConfig(String),
}

/// All channels of a peer, by name.
pub struct Channels {
    ledgers: Arc<Ledgers>,
    joined: RwLock<BTreeMap<String, Arc<Channel>>>,
}

impl Channels {
    /// Opens the channels whose ledgers are stored.
    pub fn open(ledgers: Arc<Ledgers>) -> Result<Self, ChannelError> {
        let mut joined = BTreeMap::new();
        for id in ledgers.channels() {
            let Some(ledger) = ledgers.get(&id) else { continue };
            joined.insert(id.to_string(), Arc::new(Channel::open(ledger)?));
        }
        Ok(Self { ledgers, joined: RwLock::new(joined) })
    }

    /// Creates a ledger from a genesis block, after checking the configuration.
    pub fn join(&self, genesis: &Block) -> Result<Arc<Channel>, ChannelError> {
        ChannelConfig::from_genesis_block(genesis).map_err(ChannelError::Config)?;
        let mut joined = self.joined.write().unwrap_or_else(PoisonError::into_inner);
        let ledger = self.ledgers.create(genesis)?;
        let id = ledger.channel_id().to_string();
        let channel = Arc::new(Channel::open(ledger)?);
        joined.insert(id, Arc::clone(&channel));
        Ok(channel)
    }

    /// Returns the channel `id`, if the peer has joined it.
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
