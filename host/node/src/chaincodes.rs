//! Adapters between gRPC and the peer for chaincodes in other processes.

use std::time::Duration;

use wasmcc_api as api;
use wasmcc_api::{ChaincodeDialer, ServerConfig};
use wasmcc_peer::chaincode::{
    AbortDial, DialFailed, DialTarget, Dialer, ExternalStream, OpenStream,
};
use wasmcc_types::proto::protos;

/// Adapts the peer's end of a chaincode stream to the gRPC services.
pub(super) struct Stream(pub(super) ExternalStream);

impl api::ChaincodeStream for Stream {
    fn receive(&self, message: protos::ChaincodeMessage) {
        self.0.receive(message);
    }

    fn keepalive(&self) -> Option<Duration> {
        self.0.keepalive()
    }

    fn keepalive_due(&self) {
        self.0.keepalive_due();
    }

    fn stop(&self) {
        self.0.stop();
    }

    fn is_open(&self) -> bool {
        self.0.is_open()
    }
}

/// Connects to chaincode servers over gRPC.
pub(super) struct GrpcDialer(ChaincodeDialer);

impl Default for GrpcDialer {
    fn default() -> Self {
        Self(ChaincodeDialer::new(ServerConfig::default().message_bytes))
    }
}

impl Dialer for GrpcDialer {
    fn dial(&self, connection: &DialTarget, open: OpenStream, failed: DialFailed) -> AbortDial {
        let DialTarget { address, dial_timeout, tls, .. } = connection;
        let open = |outbox| -> Box<dyn api::ChaincodeStream> { Box::new(Stream(open(outbox))) };
        self.0.dial(address, tls.as_ref(), *dial_timeout, open, failed)
    }
}
