//! Connects to chaincode servers: `protos.Chaincode/Connect`.

use std::sync::OnceLock;
use std::time::Duration;

use tokio::runtime::{Builder, Runtime};
use tokio::sync::{mpsc, watch};
use tonic::Streaming;
use tonic::transport::Endpoint;

use crate::chaincode_stream::{drive, outbox};
use crate::peer::ChaincodeStream;
use crate::shutdown::Stopping;
use wasmcc_tls as tls;
use wasmcc_tls::{chain, failed_call};
use wasmcc_types::ClientTls;
use wasmcc_types::proto::protos::ChaincodeMessage;
use wasmcc_types::proto::protos::chaincode_client::ChaincodeClient;

/// Fabric's, for its chaincode client (`core/chaincode/extcc`).
const PING_EVERY: Duration = Duration::from_secs(60);
const PING_TIMEOUT: Duration = Duration::from_secs(20);

/// Connects to chaincode servers and carries the messages. It has a thread of its own, since peers
/// exist without a server around them too; the thread begins with the first connection.
pub struct ChaincodeDialer {
    message_bytes: usize,
    runtime: OnceLock<Runtime>,
    stop: watch::Sender<bool>,
}

impl ChaincodeDialer {
    /// With messages of at most `message_bytes` in both directions.
    pub fn new(message_bytes: usize) -> Self {
        Self { message_bytes, runtime: OnceLock::new(), stop: watch::Sender::new(false) }
    }

    /// Begins to connect to "host:port", with TLS if there is material for it, for at most
    /// `timeout`, and returns at once what ends this. `open` opens a stream when there is a
    /// connection; `failed` hears the reason when there is none.
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
                failed(why);
                return Box::new(|| ());
            }
        };
        let connecting = async move {
            let (outbox, messages) = outbox();
            let connecting = connect(&address, tls.as_ref(), message_bytes, messages);
            let connected = tokio::time::timeout(timeout, connecting).await;
            match connected.unwrap_or_else(|_| Err(format!("no answer within {timeout:?}"))) {
                Ok(messages) => drive(open(outbox), messages, stopping).await,
                Err(why) => failed(why),
            }
        };
        let task = runtime.spawn(connecting).abort_handle();
        Box::new(move || task.abort())
    }

    fn runtime(&self) -> Result<&Runtime, String> {
        if let Some(runtime) = self.runtime.get() {
            return Ok(runtime);
        }
        let mut builder = Builder::new_multi_thread();
        let builder = builder.worker_threads(1).thread_name("wasmcc-dialer").enable_all();
        let runtime = builder.build().map_err(|error| format!("cannot start a thread: {error}"))?;
        if let Err(late) = self.runtime.set(runtime) {
            late.shutdown_background();
        }
        self.runtime.get().ok_or_else(|| "cannot start a thread".to_owned())
    }
}

async fn connect(
    address: &str,
    material: Option<&ClientTls>,
    message_bytes: usize,
    outbox: impl tokio_stream::Stream<Item = ChaincodeMessage> + Send + 'static,
) -> Result<Streaming<ChaincodeMessage>, String> {
    let scheme = if material.is_some() { "https" } else { "http" };
    let endpoint = Endpoint::from_shared(format!("{scheme}://{address}"));
    let mut endpoint = endpoint
        .map_err(|error| chain(&error))?
        .http2_keep_alive_interval(PING_EVERY)
        .keep_alive_timeout(PING_TIMEOUT)
        .keep_alive_while_idle(true);
    if let Some(material) = material {
        endpoint = endpoint.tls_config(tls::client(material)).map_err(|error| {
            format!("its TLS key and certificates cannot be used: {}", chain(&error))
        })?;
    }
    let channel = endpoint.connect().await.map_err(|error| chain(&error))?;
    let mut client = ChaincodeClient::new(channel)
        .max_decoding_message_size(message_bytes)
        .max_encoding_message_size(message_bytes);
    let answer = client.connect(outbox).await;
    Ok(answer.map_err(|status| failed_call(&status, material))?.into_inner())
}

impl Drop for ChaincodeDialer {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            // The last owner may be asynchronous code, which must not wait.
            runtime.shutdown_background();
        }
    }
}
