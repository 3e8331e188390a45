//! Connects to chaincode servers: `protos.Chaincode/Connect`.

use std::sync::OnceLock;
use std::time::Duration;

use tokio::runtime::{Builder, Runtime};
use tokio::sync::{mpsc, watch};
use tonic::Streaming;
use tonic::transport::Endpoint;

use crate::api::chaincode_stream::{drive, outbox};
use crate::api::peer::ChaincodeStream;
use crate::api::shutdown::Stopping;
use crate::proto::protos::ChaincodeMessage;
use crate::proto::protos::chaincode_client::ChaincodeClient;
use crate::tls::{self, chain, failed_call};
use crate::types::ClientTls;

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

    /// Connects to "host:port", with TLS if there is material for it, and opens a stream, for at
    /// most `timeout`; gives the reason if that fails. Blocks, so it is not for asynchronous code.
    pub fn dial(
        &self,
        address: &str,
        tls: Option<&ClientTls>,
        timeout: Duration,
        open: impl FnOnce(mpsc::Sender<ChaincodeMessage>) -> Box<dyn ChaincodeStream>,
    ) -> Result<(), String> {
        let (outbox, messages) = outbox();
        let connecting = async {
            let connecting = self.connect(address, tls, messages);
            let connected = tokio::time::timeout(timeout, connecting).await;
            connected.unwrap_or_else(|_| Err(format!("no answer within {timeout:?}")))
        };
        let runtime = self.runtime()?;
        let messages = runtime.block_on(connecting)?;
        runtime.spawn(drive(open(outbox), messages, Stopping(self.stop.subscribe())));
        Ok(())
    }

    async fn connect(
        &self,
        address: &str,
        material: Option<&ClientTls>,
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
            .max_decoding_message_size(self.message_bytes)
            .max_encoding_message_size(self.message_bytes);
        let answer = client.connect(outbox).await;
        Ok(answer.map_err(|status| failed_call(&status, material))?.into_inner())
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

impl Drop for ChaincodeDialer {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            // The last owner may be asynchronous code, which must not wait.
            runtime.shutdown_background();
        }
    }
}
