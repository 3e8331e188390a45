//! CSCC: joins channels and tells their configuration (fabric `core/scc/cscc/configure.go`).

use std::sync::Arc;

use prost::Message;

use crate::chaincode::{AccessControl, NativeChaincode, Stub};
use crate::syscc::invoked::refuse_chaincodes;
use wasmcc_channel::{Channel, Channels};
use wasmcc_msp::ChannelConfig;
use wasmcc_types::proto::common;
use wasmcc_types::proto::protos;
use wasmcc_types::{CSCC, Response};

/// Arguments: function, then a genesis block or a channel's name.
pub struct Cscc {
    channels: Arc<Channels>,
    access: Arc<dyn AccessControl>,
}

impl Cscc {
    /// Works on `channels`.
    pub fn new(channels: Arc<Channels>, access: Arc<dyn AccessControl>) -> Self {
        Self { channels, access }
    }

    fn call(&self, stub: &Stub<'_>) -> Result<Vec<u8>, String> {
        let function = stub.function();
        let arguments = stub.args.len();
        let is_alone = matches!(function.as_str(), "GetChannels" | "JoinBySnapshotStatus");
        if arguments < 1 || (!is_alone && arguments < 2) {
            return Err(format!("Incorrect number of arguments, {arguments}"));
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
            _ => Err(format!("Requested function {function} not found.")),
        }
    }

    fn join(&self, stub: &Stub<'_>, bytes: &[u8]) -> Result<Vec<u8>, String> {
        if bytes.is_empty() {
            return Err("Cannot join the channel <nil> configuration block provided".into());
        }
        let block = common::Block::decode(bytes)
            .map_err(|e| format!("Failed to reconstruct the genesis block, {e}"))?;
        let config = ChannelConfig::from_genesis_block(&block).map_err(|e| {
            format!(
                "\"JoinChain\" request failed to extract channel id from the block due to [{e}]"
            )
        })?;
        let channel = config.channel_id().to_string();
        self.access
            .check("cscc/JoinChain", "", stub.peer_msp_id, stub.proposal)
            .map_err(|why| format!("access denied for [JoinChain][{channel}]: [{why}]"))?;
        self.channels.join_as(stub.peer_msp_id, &block).map_err(|e| e.to_string())?;
        tracing::info!(%channel, "joined");
        Ok(Vec::new())
    }

    /// No peer of this kind reads snapshots, so each of them is one that cannot be opened.
    fn join_by_snapshot(&self, stub: &Stub<'_>) -> Result<Vec<u8>, String> {
        let folder = stub.text_arg(1).unwrap_or_default();
        if folder.is_empty() {
            return Err("Cannot join the channel, no snapshot directory provided".into());
        }
        self.access
            .check("cscc/JoinChainBySnapshot", "", stub.peer_msp_id, stub.proposal)
            .map_err(|why| format!("access denied for [JoinChainBySnapshot]: [{why}]"))?;
        let failed = format!("cannot create ledger from snapshot {folder}");
        Err(format!("{failed}: this peer does not read snapshots"))
    }

    fn snapshot_status(&self, stub: &Stub<'_>) -> Result<Vec<u8>, String> {
        self.access
            .check("cscc/JoinBySnapshotStatus", "", stub.peer_msp_id, stub.proposal)
            .map_err(|why| format!("access denied for [JoinBySnapshotStatus]: {why}"))?;
        Ok(protos::JoinBySnapshotStatus::default().encode_to_vec())
    }

    fn config_block(&self, stub: &Stub<'_>, channel: &str) -> Result<Vec<u8>, String> {
        let target = self.readable(stub, "GetConfigBlock", channel)?;
        let block = target.ledger().block(target.config_block()).map_err(|e| e.to_string())?;
        Ok(block.ok_or("the channel has no configuration block")?.encode_to_vec())
    }

    fn config(&self, stub: &Stub<'_>, channel: &str) -> Result<Vec<u8>, String> {
        if channel.is_empty() {
            return Err("empty channel name provided".into());
        }
        let target = self.readable(stub, "GetChannelConfig", channel)?;
        Ok(target.config().config().encode_to_vec())
    }

    fn readable(
        &self,
        stub: &Stub<'_>,
        function: &str,
        channel: &str,
    ) -> Result<Arc<Channel>, String> {
        self.access
            .check(&format!("cscc/{function}"), channel, stub.peer_msp_id, stub.proposal)
            .map_err(|why| format!("access denied for [{function}][{channel}]: {why}"))?;
        let target = self.channels.get_as(stub.peer_msp_id, channel);
        target.ok_or_else(|| format!("Unknown channel ID, {channel}"))
    }

    fn list(&self, stub: &Stub<'_>) -> Result<Vec<u8>, String> {
        self.access
            .check("cscc/GetChannels", "", stub.peer_msp_id, stub.proposal)
            .map_err(|why| format!("access denied for [GetChannels]: {why}"))?;
        let on = |id: &String| self.channels.has_joined(stub.peer_msp_id, id);
        let channels = self.channels.ids().into_iter().filter(on);
        let channels = channels.map(|channel_id| protos::ChannelInfo { channel_id }).collect();
        Ok(protos::ChannelQueryResponse { channels }.encode_to_vec())
    }
}

impl NativeChaincode for Cscc {
    fn invoke(&self, stub: &mut Stub<'_>) -> Response {
        match self.call(stub) {
            Ok(payload) => Response::success(payload),
            Err(text) => Response::error(text),
        }
    }
}
