//! An open call.
//!
//! Invariant: a call that has not settled does not keep its connection open when a new client needs
//! one. It settles when its whole request was received or, for streams, checked.

use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use tokio::time::sleep;
use tonic::codegen::http::Extensions;
use tonic::{Request, Status};

use crate::connection_table::ClientConnection;
use crate::deadline::deadline;
use wasmcc_tls::{Client, ClientCertificate};

/// A handle of a call; the call stays open until the last handle is dropped.
#[derive(Clone)]
pub(super) struct Call(Arc<Open>);

struct Open {
    connection: Arc<ClientConnection>,
    /// The client's TLS certificate, verified by the listener.
    certificate: Option<ClientCertificate>,
    is_settled: AtomicBool,
}

impl Call {
    /// Records the start of a call. Fails with the refusal for the client.
    pub(super) fn begin(extensions: &Extensions) -> Result<Self, Status> {
        let client = extensions.get::<Client<Arc<ClientConnection>>>();
        let client = client.ok_or_else(|| Status::internal("a call without a client"))?;
        let Client { connection, certificate } = client.clone();
        connection.call_begins();
        let call = Self(Arc::new(Open { connection, certificate, is_settled: false.into() }));
        match call.0.connection.refusal() {
            Some(refusal) => Err(refusal),
            None => Ok(call),
        }
    }

    #[cfg(test)]
    pub(super) fn without_a_client() -> Self {
        use crate::connection_table::{ConnectionTable, Patience};
        let (entry, _) = ConnectionTable::new(1, Patience::default()).admit(None);
        let mut extensions = Extensions::new();
        let connection = Arc::clone(entry.connection());
        extensions.insert(Client { connection, certificate: None });
        Self::begin(&extensions).expect("it is within the limit")
    }

    /// Returns the call of a request.
    pub(super) fn of<T>(request: &Request<T>) -> Result<Self, Status> {
        let call = request.extensions().get::<Self>().cloned();
        call.ok_or_else(|| Status::internal("a request without a call"))
    }

    /// Settles the call: its whole request was received. Returns the client's deadline, if it has
    /// set one.
    pub(super) fn received<T>(request: &Request<T>) -> Option<Instant> {
        if let Some(call) = request.extensions().get::<Self>() {
            call.settle();
        }
        deadline(request.metadata(), Instant::now())
    }

    /// Marks the call as use of its connection.
    pub(super) fn settle(&self) {
        if !self.0.is_settled.swap(true, Ordering::AcqRel) {
            self.0.connection.call_settles();
        }
    }

    /// Completes with an error if the whole request was not received within `patience`.
    pub(super) async fn overdue(self, patience: Duration) -> Status {
        sleep(patience).await;
        if self.0.is_settled.load(Ordering::Acquire) {
            return pending().await;
        }
        Status::deadline_exceeded(format!("the request was not received within {patience:?}"))
    }

    pub(super) fn connection(&self) -> &ClientConnection {
        &self.0.connection
    }

    pub(super) fn shared_connection(&self) -> &Arc<ClientConnection> {
        &self.0.connection
    }

    /// Returns the client's TLS certificate, if the listener requested and verified one.
    pub(super) fn certificate(&self) -> Option<&ClientCertificate> {
        self.0.certificate.as_ref()
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.connection.call_ends(*self.is_settled.get_mut());
    }
}
