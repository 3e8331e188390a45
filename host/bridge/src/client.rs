//! The dialing side: `protos.ChaincodeSupport/Register`, the service of peers for the chaincodes
//! that they launched.

use std::sync::Arc;
use std::time::Duration;

use tonic::Status;
use tonic::transport::{Channel, Endpoint};

use crate::error::BridgeError;
use crate::program::Program;
use crate::server::{KEEPALIVE_INTERVAL, KEEPALIVE_TIMEOUT};
use crate::session::Session;
use crate::stop::Stop;
use crate::stream_bounds::StreamBounds;
use wasmcc_tls as tls;
use wasmcc_types::ClientTls;
use wasmcc_types::proto::protos::chaincode_support_client::ChaincodeSupportClient;

/// As fabric-chaincode-go `shim/internal/client.go`, `dialTimeout`.
const DIAL_TIMEOUT: Duration = Duration::from_secs(10);

/// The address at which a peer serves chaincodes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PeerAddress {
    /// `host:port`.
    pub address: String,
    /// None: without TLS.
    pub tls: Option<ClientTls>,
}

/// A connection to a peer that has launched a chaincode.
#[derive(Debug)]
pub struct PeerClient {
    channel: Channel,
    tls: Option<ClientTls>,
}

impl PeerClient {
    /// Dials a peer.
    pub async fn connect(peer: &PeerAddress) -> Result<Self, BridgeError> {
        let PeerAddress { address, tls: material } = peer;
        let scheme = if material.is_some() { "https" } else { "http" };
        let endpoint = Endpoint::from_shared(format!("{scheme}://{address}"))
            .map_err(|_| BridgeError::Address(address.clone()))?
            .connect_timeout(DIAL_TIMEOUT)
            .tcp_nodelay(true)
            .http2_keep_alive_interval(KEEPALIVE_INTERVAL)
            .keep_alive_timeout(KEEPALIVE_TIMEOUT)
            .keep_alive_while_idle(true);
        let endpoint = match material {
            Some(material) => endpoint.tls_config(tls::client(material)).map_err(|error| {
                let what = "the TLS key and certificates for the peer cannot be used";
                BridgeError::transport(what, &error)
            })?,
            None => endpoint,
        };
        let channel = endpoint.connect().await.map_err(|error| BridgeError::Transport {
            what: format!("cannot reach the peer at {address}"),
            why: tls::failed_connection(&error, material.as_ref()),
        })?;
        Ok(Self { channel, tls: material.clone() })
    }

    /// Registers and serves until `stop`, then waits up to `grace` for running transactions. Fails
    /// if the peer ends the stream.
    pub async fn serve(
        self,
        program: Arc<Program>,
        stop: Stop,
        grace: Duration,
    ) -> Result<(), BridgeError> {
        let bounds = StreamBounds::default();
        let mut client = ChaincodeSupportClient::new(self.channel)
            .max_decoding_message_size(bounds.message_bytes)
            .max_encoding_message_size(bounds.message_bytes);
        let (session, outgoing) = Session::open(Arc::clone(&program), bounds);
        let mut late = stop.clone();
        // The peer sends its response headers only with its first message.
        let opening = async {
            let opened = client.register(outgoing).await.map(tonic::Response::into_inner);
            opened.map_err(|status| {
                Status::new(status.code(), tls::failed_call(&status, self.tls.as_ref()))
            })
        };
        let ended = async {
            late.wait().await;
            tokio::time::sleep(grace).await;
        };
        tokio::select! {
            served = session.run(opening, stop) => served,
            () = ended => {
                if !program.is_idle() {
                    session.cut_off();
                    tracing::warn!(
                        "transactions were still running at the end of the grace period"
                    );
                }
                Ok(())
            }
        }
    }
}
