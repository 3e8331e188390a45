//! The dialing side: `protos.ChaincodeSupport/Register`, on which peers listen for the chaincodes
//! that they launched.

use std::sync::Arc;
use std::time::Duration;

use tonic::transport::{Channel, Endpoint};

use crate::bridge::error::BridgeError;
use crate::bridge::program::Program;
use crate::bridge::server::{KEEPALIVE_INTERVAL, KEEPALIVE_TIMEOUT};
use crate::bridge::session::Session;
use crate::bridge::stop::Stop;
use crate::bridge::tls::ClientTls;
use crate::proto::protos::chaincode_support_client::ChaincodeSupportClient;

const MESSAGE_BYTES: usize = 100 << 20;
/// fabric-chaincode-go `shim/internal/client.go`, `dialTimeout`.
const DIAL_TIMEOUT: Duration = Duration::from_secs(10);

/// Where a peer listens for chaincodes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PeerAddress {
    /// `host:port`.
    pub address: String,
    /// None: without TLS.
    pub tls: Option<ClientTls>,
}

/// A connection to a peer that wants a chaincode.
#[derive(Debug)]
pub struct PeerClient {
    channel: Channel,
}

impl PeerClient {
    /// Dials a peer.
    pub async fn connect(peer: &PeerAddress) -> Result<Self, BridgeError> {
        let PeerAddress { address, tls } = peer;
        let scheme = if tls.is_some() { "https" } else { "http" };
        let endpoint = Endpoint::from_shared(format!("{scheme}://{address}"))
            .map_err(|_| BridgeError::Address(address.clone()))?
            .connect_timeout(DIAL_TIMEOUT)
            .tcp_nodelay(true)
            .http2_keep_alive_interval(KEEPALIVE_INTERVAL)
            .keep_alive_timeout(KEEPALIVE_TIMEOUT)
            .keep_alive_while_idle(true);
        let endpoint = match tls {
            Some(tls) => endpoint.tls_config(tls.config()).map_err(|source| {
                let what = "the TLS key and certificates for the peer cannot be used".into();
                BridgeError::Transport { what, source }
            })?,
            None => endpoint,
        };
        let channel = endpoint.connect().await.map_err(|source| BridgeError::Transport {
            what: format!("cannot reach the peer at {address}"),
            source,
        })?;
        Ok(Self { channel })
    }

    /// Registers and serves until `stop`, then lets the transactions that run end within `grace`.
    /// It is an error if the peer ends the stream.
    pub async fn serve(
        self,
        program: Arc<Program>,
        stop: Stop,
        grace: Duration,
    ) -> Result<(), BridgeError> {
        let mut client = ChaincodeSupportClient::new(self.channel)
            .max_decoding_message_size(MESSAGE_BYTES)
            .max_encoding_message_size(MESSAGE_BYTES);
        let (session, outgoing) = Session::open(program);
        let mut late = stop.clone();
        // A peer answers the call itself only when it has something to say.
        let opening = async { client.register(outgoing).await.map(tonic::Response::into_inner) };
        let ended = async {
            late.wait().await;
            tokio::time::sleep(grace).await;
        };
        tokio::select! {
            served = session.run(opening, stop) => served,
            () = ended => {
                tracing::warn!("transactions were still running when the time to stop had passed");
                Ok(())
            }
        }
    }
}
