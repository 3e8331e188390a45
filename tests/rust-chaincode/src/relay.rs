//! Turns a chaincode that waits for peers into one that connects to a peer, which the crate cannot
//! do.
//!
//! Invariant: messages are forwarded unchanged.

use std::net::SocketAddr;

use fabric_shim::protos::peer::ChaincodeMessage;
use fabric_shim::protos::peer::chaincode_client::ChaincodeClient;
use fabric_shim::protos::peer::chaincode_support_client::ChaincodeSupportClient;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Streaming;
use tonic::transport::{Channel, Endpoint};

use crate::Failure;

const MESSAGES: usize = 64;

/// Forwards the messages of one stream until it ends.
pub async fn run(peer: &str, chaincode: SocketAddr) -> Result<(), Failure> {
    let (to_peer, for_peer) = mpsc::channel(MESSAGES);
    let (to_chaincode, for_chaincode) = mpsc::channel(MESSAGES);
    let mut side = ChaincodeClient::new(channel(&chaincode.to_string()).await?);
    let from_chaincode = side.connect(ReceiverStream::new(for_chaincode)).await?.into_inner();
    let mut side = ChaincodeSupportClient::new(channel(peer).await?);
    // The peer may wait for REGISTER before it answers.
    let speaking = tokio::spawn(carry(from_chaincode, to_peer));
    let from_peer = side.register(ReceiverStream::new(for_peer)).await?.into_inner();
    tokio::select! {
        spoken = speaking => spoken?,
        heard = carry(from_peer, to_chaincode) => heard,
    }
}

async fn channel(address: &str) -> Result<Channel, Failure> {
    Ok(Endpoint::from_shared(format!("http://{address}"))?.connect().await?)
}

async fn carry(
    mut from: Streaming<ChaincodeMessage>,
    to: mpsc::Sender<ChaincodeMessage>,
) -> Result<(), Failure> {
    while let Some(message) = from.message().await? {
        to.send(message).await?;
    }
    Ok(())
}
