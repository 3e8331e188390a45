//! A channel as the peer sees it: a ledger and the configuration that governs it.
//!
//! Invariant: no chaincode and no transaction; joining is all that happens here.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

use crate::ledger::{Ledger, LedgerError, Ledgers};
use crate::msp::{ChannelConfig, ConfigError};
use crate::proto::common::Block;

/// One channel that the peer has joined.
pub struct Channel {
    ledger: Arc<Ledger>,
    config: RwLock<Arc<ChannelConfig>>,
}

impl Channel {
    fn new(ledger: Arc<Ledger>, config: ChannelConfig) -> Self {
        Self { ledger, config: RwLock::new(Arc::new(config)) }
    }

    /// The channel's blocks and state.
    pub fn ledger(&self) -> &Arc<Ledger> {
        &self.ledger
    }

    /// The configuration in force.
    pub fn config(&self) -> Arc<ChannelConfig> {
        Arc::clone(&self.config.read().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Why a channel cannot be joined or opened.
#[derive(Debug, thiserror::Error)]
pub enum ChannelError {
    /// The block's configuration is not usable.
    #[error("the channel's configuration is not usable: {0}")]
    Config(#[source] ConfigError),
    /// The ledger refuses.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// A stored channel has no genesis block.
    #[error("channel {0} has no genesis block")]
    NoGenesis(String),
}

/// All channels of a peer, by name.
pub struct Channels {
    ledgers: Arc<Ledgers>,
    joined: RwLock<BTreeMap<String, Arc<Channel>>>,
}

impl Channels {
    /// The channels whose ledgers are stored.
    pub fn open(ledgers: Arc<Ledgers>) -> Result<Self, ChannelError> {
        let mut joined = BTreeMap::new();
        for id in ledgers.channels() {
            let Some(ledger) = ledgers.get(&id) else { continue };
            let genesis =
                ledger.block(0)?.ok_or_else(|| ChannelError::NoGenesis(id.to_string()))?;
            let config =
                ChannelConfig::from_genesis_block(&genesis).map_err(ChannelError::Config)?;
            joined.insert(id.to_string(), Arc::new(Channel::new(ledger, config)));
        }
        Ok(Self { ledgers, joined: RwLock::new(joined) })
    }

    /// Creates a ledger from a genesis block. The configuration is checked first.
    pub fn join(&self, genesis: &Block) -> Result<Arc<Channel>, ChannelError> {
        let config = ChannelConfig::from_genesis_block(genesis).map_err(ChannelError::Config)?;
        let mut joined = self.joined.write().unwrap_or_else(PoisonError::into_inner);
        let ledger = self.ledgers.create(genesis)?;
        let id = ledger.channel_id().to_string();
        let channel = Arc::new(Channel::new(ledger, config));
        joined.insert(id, Arc::clone(&channel));
        Ok(channel)
    }

    /// The channel named `id`, if the peer has joined it.
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
