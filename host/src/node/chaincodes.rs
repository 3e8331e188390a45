//! Streams of chaincodes in other processes: what gRPC carries and what the peer does with it.

use std::time::Duration;

use crate::api::{self, ChaincodeDialer, ServerConfig};
use crate::chaincode::{Abort, Connection, Dialer, ExternalStream, Failed, Open};
use crate::proto::protos;

impl api::ChaincodeStream for ExternalStream {
    fn receive(&self, message: protos::ChaincodeMessage) {
        self.receive(message);
    }

    fn keepalive(&self) -> Option<Duration> {
        self.keepalive()
    }

    fn keepalive_due(&self) {
        self.keepalive_due();
    }

    fn stop(&self) {
        self.stop();
    }

    fn is_open(&self) -> bool {
        self.is_open()
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
    fn dial(&self, connection: &Connection, open: Open, failed: Failed) -> Abort {
        let Connection { address, dial_timeout, tls, .. } = connection;
        let open = |outbox| -> Box<dyn api::ChaincodeStream> { Box::new(open(outbox)) };
        self.0.dial(address, tls.as_ref(), *dial_timeout, open, failed)
    }
}
