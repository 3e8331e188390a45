//! Connects to chaincode servers: `protos.Chaincode/Connect`.

mod connector;

use std::sync::OnceLock;
use std::time::Duration;

use tokio::runtime::{Builder, Runtime};
use tokio::sync::{mpsc, watch};
use tonic::Streaming;
use tonic::transport::{self, Channel, Endpoint};

use crate::chaincode_dialer::connector::Connector;
use crate::chaincode_stream::{drive, outbox};
use crate::peer::ChaincodeStream;
use crate::shutdown::Stopping;
use wasmcc_tls as tls;
use wasmcc_tls::{chain, failed_call, failed_connection};
use wasmcc_types::ClientTls;
use wasmcc_types::proto::protos::ChaincodeMessage;
use wasmcc_types::proto::protos::chaincode_client::ChaincodeClient;

/// As in Fabric's chaincode client (`core/chaincode/extcc`).
const PING_EVERY: Duration = Duration::from_secs(60);
const PING_TIMEOUT: Duration = Duration::from_secs(20);

/// The reason why there is no connection to a chaincode server. The texts are human-readable.
#[derive(Debug, thiserror::Error)]
enum DialError {
    /// The system cannot start a thread.
    #[error("cannot start a thread: {0}")]
    Thread(std::io::Error),
    /// An earlier connection could not start the thread.
    #[error("cannot start a thread")]
    NoThread,
    /// No connection was established in time.
    #[error("no answer within {0:?}")]
    Timeout(Duration),
    /// The address is not valid.
    #[error("{}", chain(.0))]
    Address(#[from] transport::Error),
    /// No server listens there, or it refuses the connection.
    #[error("{0}")]
    Connect(String),
    /// The key or a certificate cannot be used.
    #[error("its TLS key and certificates cannot be used: {}", chain(.0))]
    Tls(transport::Error),
    /// The server refuses the call.
    #[error("{0}")]
    Refused(String),
}

/// Connects to chaincode servers and transports the messages. It has a thread of its own, since a
/// peer may run without a server. The thread starts with the first connection.
pub struct ChaincodeDialer {
    message_bytes: usize,
    runtime: OnceLock<Runtime>,
    stop: watch::Sender<bool>,
}

impl ChaincodeDialer {
    /// Creates a dialer for messages of at most `message_bytes` in both directions.
    pub fn new(message_bytes: usize) -> Self {
        Self { message_bytes, runtime: OnceLock::new(), stop: watch::Sender::new(false) }
    }

    /// Starts to connect to "host:port", with TLS if `tls` is set, for at most `timeout`. Returns
    /// at once; calling the result cancels the attempt. `open` opens a stream when the server has
    /// accepted the call, which may take longer than `timeout` (Fabric:
    /// core/chaincode/extcc/extcc_handler.go, `Stream`). If there is no stream, `failed` is called
    /// with the reason.
    pub fn dial<O>(
        &self,
        address: &str,
        tls: Option<&ClientTls>,
        timeout: Duration,
        open: O,
        failed: impl FnOnce(String) + Send + 'static,
    ) -> Box<dyn FnOnce() + Send>
    where
        O: FnOnce(mpsc::Sender<ChaincodeMessage>) -> Box<dyn ChaincodeStream> + Send + 'static,
    {
        let (address, tls, message_bytes) = (address.to_owned(), tls.cloned(), self.message_bytes);
        let stopping = Stopping(self.stop.subscribe());
        let runtime = match self.runtime() {
            Ok(runtime) => runtime,
            Err(why) => {
                failed(why.to_string());
                return Box::new(|| ());
            }
        };
        let connecting = async move {
            let connected = tokio::time::timeout(timeout, connect(&address, tls.as_ref())).await;
            let (outbox, messages) = outbox();
            let called = match connected.unwrap_or(Err(DialError::Timeout(timeout))) {
                Ok(channel) => call(channel, tls.as_ref(), message_bytes, messages).await,
                Err(why) => Err(why),
            };
            match called {
                Ok(messages) => drive(open(outbox), messages, stopping).await,
                Err(why) => failed(why.to_string()),
            }
        };
        let task = runtime.spawn(connecting).abort_handle();
        Box::new(move || task.abort())
    }

    fn runtime(&self) -> Result<&Runtime, DialError> {
        if let Some(runtime) = self.runtime.get() {
            return Ok(runtime);
        }
        let mut builder = Builder::new_multi_thread();
        let builder = builder.worker_threads(1).thread_name("wasmcc-dialer").enable_all();
        let runtime = builder.build().map_err(DialError::Thread)?;
        if let Err(late) = self.runtime.set(runtime) {
            late.shutdown_background();
        }
        self.runtime.get().ok_or(DialError::NoThread)
    }
}

/// Opens a connection and waits for the server's first bytes.
async fn connect(address: &str, material: Option<&ClientTls>) -> Result<Channel, DialError> {
    let scheme = if material.is_some() { "https" } else { "http" };
    let endpoint = Endpoint::from_shared(format!("{scheme}://{address}"));
    let mut endpoint = endpoint?
        .http2_keep_alive_interval(PING_EVERY)
        .keep_alive_timeout(PING_TIMEOUT)
        .keep_alive_while_idle(true);
    if let Some(material) = material {
        endpoint = endpoint.tls_config(tls::client(material)).map_err(DialError::Tls)?;
    }
    let (connector, mut heard) = Connector::new(address);
    let channel = endpoint.connect_with_connector(connector).await;
    let channel =
        channel.map_err(|error| DialError::Connect(failed_connection(&error, material)))?;
    // If the connection has already ended, the call fails with the reason.
    let _ = heard.wait_for(|heard| *heard).await;
    Ok(channel)
}

async fn call(
    channel: Channel,
    material: Option<&ClientTls>,
    message_bytes: usize,
    outbox: impl tokio_stream::Stream<Item = ChaincodeMessage> + Send + 'static,
) -> Result<Streaming<ChaincodeMessage>, DialError> {
    let mut client = ChaincodeClient::new(channel)
        .max_decoding_message_size(message_bytes)
        .max_encoding_message_size(message_bytes);
    let answer = client.connect(outbox).await;
    let answer = answer.map_err(|status| DialError::Refused(failed_call(&status, material)));
    Ok(answer?.into_inner())
}

impl Drop for ChaincodeDialer {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            // The last owner may be asynchronous code, which must not block.
            runtime.shutdown_background();
        }
    }
}
