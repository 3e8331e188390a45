//! CSCC: joins channels and returns their configuration (fabric `core/scc/cscc/configure.go`).

use std::sync::Arc;

use prost::{DecodeError, Message};

use crate::chaincode::{AccessControl, AccessError, NativeChaincode, NativeError, Stub};
use crate::syscc::invoked::{CallerError, refuse_chaincodes};
use wasmcc_channel::{Channel, ChannelError, Channels};
use wasmcc_ledger::LedgerError;
use wasmcc_msp::{ChannelConfig, ConfigError};
use wasmcc_types::proto::{common, protos};
use wasmcc_types::{CSCC, with_causes};

/// Arguments: function, then a genesis block or a channel's name.
pub struct Cscc {
    channels: Arc<Channels>,
    access: Arc<dyn AccessControl>,
}

/// The reason why CSCC refuses a call. The texts are Fabric's.
#[derive(Debug, thiserror::Error)]
enum CsccError {
    #[error("Incorrect number of arguments, {0}")]
    Arguments(usize),
    #[error(transparent)]
    Caller(#[from] CallerError),
    #[error("Requested function {0} not found.")]
    UnknownFunction(String),
    #[error("access denied for [{function}]: {error}")]
    Denied { function: &'static str, error: AccessError },
    #[error("access denied for [{function}][{channel}]: {error}")]
    ChannelDenied { function: &'static str, channel: String, error: AccessError },
    #[error("access denied for [JoinChain][{channel}]: [{error}]")]
    JoinDenied { channel: String, error: AccessError },
    #[error("access denied for [JoinChainBySnapshot]: [{0}]")]
    JoinBySnapshotDenied(AccessError),
    #[error("Cannot join the channel <nil> configuration block provided")]
    NoBlock,
    #[error("Failed to reconstruct the genesis block, {0}")]
    Block(DecodeError),
    #[error(
        "\"JoinChain\" request failed to extract channel id from the block due to [{}]",
        with_causes(.0)
    )]
    BlockConfig(ConfigError),
    #[error(
        "\"JoinChain\" for channelID = {channel} failed because of validation of configuration \
         block, because of {}",
        unusable(.source)
    )]
    Config { channel: String, source: Box<ConfigError> },
    #[error(transparent)]
    Join(#[from] ChannelError),
    #[error("Cannot join the channel, no snapshot directory provided")]
    NoSnapshot,
    #[error("cannot create ledger from snapshot {0}: this peer does not read snapshots")]
    Snapshot(String),
    #[error("Unknown channel ID, {0}")]
    UnknownChannel(String),
    #[error("empty channel name provided")]
    NoChannelName,
    #[error("the channel has no configuration block")]
    NoConfigBlock,
    #[error(transparent)]
    Ledger(#[from] LedgerError),
}

/// Fabric: `validateConfigBlock`. Errors that it does not detect get the same beginning of their
/// text here, instead of failing while the ledger is made.
fn unusable(error: &ConfigError) -> String {
    match error {
        ConfigError::Missing("Application group") => {
            "Invalid configuration block, missing Application configuration group".to_owned()
        }
        ConfigError::Capability { .. } => format!("Failed capabilities check: [{error}]"),
        error => with_causes(error),
    }
}

impl CsccError {
    fn denied(function: &'static str, error: AccessError) -> Self {
        Self::Denied { function, error }
    }
}

impl Cscc {
    /// Makes CSCC for `channels`.
    pub fn new(channels: Arc<Channels>, access: Arc<dyn AccessControl>) -> Self {
        Self { channels, access }
    }

    fn call(&self, stub: &Stub<'_>) -> Result<Vec<u8>, CsccError> {
        let function = stub.function();
        let arguments = stub.args.len();
        let is_alone = matches!(function.as_str(), "GetChannels" | "JoinBySnapshotStatus");
        if arguments < 1 || (!is_alone && arguments < 2) {
            return Err(CsccError::Arguments(arguments));
        }
        let rejecting = "Rejecting invoke of CSCC from another chaincode";
        refuse_chaincodes(CSCC, stub.proposal, rejecting)?;
        match function.as_str() {
            "JoinChain" => self.join(stub, &stub.args[1]),
            "JoinChainBySnapshot" => self.join_by_snapshot(stub),
            "JoinBySnapshotStatus" => self.snapshot_status(stub),
            "GetConfigBlock" => self.config_block(stub, &stub.text_arg(1).unwrap_or_default()),
            "GetChannelConfig" => self.config(stub, &stub.text_arg(1).unwrap_or_default()),
            "GetChannels" => self.list(stub),
            _ => Err(CsccError::UnknownFunction(function)),
        }
    }

    fn join(&self, stub: &Stub<'_>, bytes: &[u8]) -> Result<Vec<u8>, CsccError> {
        if bytes.is_empty() {
            return Err(CsccError::NoBlock);
        }
        let block = common::Block::decode(bytes).map_err(CsccError::Block)?;
        let (channel, config) =
            wasmcc_msp::config_of_block(&block).map_err(CsccError::BlockConfig)?;
        // Before the configuration is checked, because that is expensive.
        self.access
            .check("cscc/JoinChain", "", stub.peer_msp_id, stub.proposal)
            .map_err(|error| CsccError::JoinDenied { channel: channel.clone(), error })?;
        ChannelConfig::from_config(&channel, &config).map_err(|source| CsccError::Config {
            channel: channel.clone(),
            source: source.into(),
        })?;
        self.channels.join_as(stub.peer_msp_id, &block)?;
        tracing::info!(%channel, "joined");
        Ok(Vec::new())
    }

    /// Fails, because this peer does not read snapshots.
    fn join_by_snapshot(&self, stub: &Stub<'_>) -> Result<Vec<u8>, CsccError> {
        let folder = stub.text_arg(1).unwrap_or_default();
        if folder.is_empty() {
            return Err(CsccError::NoSnapshot);
        }
        self.access
            .check("cscc/JoinChainBySnapshot", "", stub.peer_msp_id, stub.proposal)
            .map_err(CsccError::JoinBySnapshotDenied)?;
        Err(CsccError::Snapshot(folder))
    }

    fn snapshot_status(&self, stub: &Stub<'_>) -> Result<Vec<u8>, CsccError> {
        self.access
            .check("cscc/JoinBySnapshotStatus", "", stub.peer_msp_id, stub.proposal)
            .map_err(|error| CsccError::denied("JoinBySnapshotStatus", error))?;
        Ok(protos::JoinBySnapshotStatus::default().encode_to_vec())
    }

    fn config_block(&self, stub: &Stub<'_>, channel: &str) -> Result<Vec<u8>, CsccError> {
        let target = self.readable(stub, "GetConfigBlock", channel)?;
        let block = target.ledger().block(target.config_block())?;
        Ok(block.ok_or(CsccError::NoConfigBlock)?.encode_to_vec())
    }

    fn config(&self, stub: &Stub<'_>, channel: &str) -> Result<Vec<u8>, CsccError> {
        if channel.is_empty() {
            return Err(CsccError::NoChannelName);
        }
        let target = self.readable(stub, "GetChannelConfig", channel)?;
        Ok(target.config().config().encode_to_vec())
    }

    fn readable(
        &self,
        stub: &Stub<'_>,
        function: &'static str,
        channel: &str,
    ) -> Result<Arc<Channel>, CsccError> {
        self.access
            .check(&format!("cscc/{function}"), channel, stub.peer_msp_id, stub.proposal)
            .map_err(|error| {
                let channel = channel.to_owned();
                CsccError::ChannelDenied { function, channel, error }
            })?;
        let target = self.channels.get_as(stub.peer_msp_id, channel);
        target.ok_or_else(|| CsccError::UnknownChannel(channel.to_owned()))
    }

    fn list(&self, stub: &Stub<'_>) -> Result<Vec<u8>, CsccError> {
        self.access
            .check("cscc/GetChannels", "", stub.peer_msp_id, stub.proposal)
            .map_err(|error| CsccError::denied("GetChannels", error))?;
        let on = |id: &String| self.channels.has_joined(stub.peer_msp_id, id);
        let channels = self.channels.ids().into_iter().filter(on);
        let channels = channels.map(|channel_id| protos::ChannelInfo { channel_id }).collect();
        Ok(protos::ChannelQueryResponse { channels }.encode_to_vec())
    }
}

impl NativeChaincode for Cscc {
    fn invoke(&self, stub: &mut Stub<'_>) -> Result<Vec<u8>, NativeError> {
        self.call(stub).map_err(NativeError::failed)
    }
}
