//! A peer made of the real peer's half of the protocol and a ledger that is a map, and a chaincode
//! service to try it on.
//!
//! Invariant: one transaction at a time; a peer is driven only while somebody calls it.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test cannot go on without its peer")]

use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_stream::wrappers::ReceiverStream;
use tokio_stream::{Stream, StreamExt};
use tonic::transport::server::TcpIncoming;
use tonic::transport::{Certificate, ClientTlsConfig, Endpoint, Identity, Server};
use tonic::{Request, Response, Status, Streaming};
use wasmcc::bridge::{
    BridgeError, ChaincodeServer, Program, ProgramConfig, ServerConfig, Stop, StopHandle,
};
use wasmcc::client::ProposalBuilder;
use wasmcc::msp::{Network, NetworkSpec, SigningIdentity};
use wasmcc::proto::protos::chaincode_client::ChaincodeClient;
use wasmcc::proto::protos::chaincode_support_server;
use wasmcc::proto::protos::{self, ChaincodeMessage};
use wasmcc::protocol::{BatchLimits, Completed, Invocation, Message, PeerAction, PeerSide, TxKey};
use wasmcc::runtime::{Limits, Runtime, RuntimeConfig};
use wasmcc::types::{ChaincodeEvent, ClientTls, Entry, Response as Answer, ServerTls, Timestamp};

pub use crate::mock_ledger::Ledger;

type Inbound = Pin<Box<dyn Stream<Item = Result<ChaincodeMessage, Status>> + Send>>;
type Outgoing = Pin<Box<dyn Stream<Item = Result<ChaincodeMessage, Status>> + Send>>;

/// A component that is served on the loopback.
pub struct Service {
    /// `host:port`.
    pub address: String,
    stop: Arc<StopHandle>,
    serving: JoinHandle<Result<(), BridgeError>>,
}

impl Service {
    /// Serves a component that may use little fuel.
    pub async fn start(component: &[u8], tls: Option<ServerTls>) -> Self {
        let program = component_program("cc:1", component);
        let config = ServerConfig { tls, ..Default::default() };
        let server = ChaincodeServer::bind("127.0.0.1:0", program, config);
        let server = server.await.unwrap();
        let address = format!("127.0.0.1:{}", server.address().port());
        let (stop, stopped) = Stop::new();
        Self { address, stop, serving: tokio::spawn(server.serve(stopped)) }
    }

    /// What stops it.
    pub fn stop_handle(&self) -> Arc<StopHandle> {
        Arc::clone(&self.stop)
    }

    /// Waits until it has stopped.
    pub async fn ended(self) -> Result<(), BridgeError> {
        self.serving.await.unwrap()
    }
}

/// A component under a package id.
pub fn component_program(id: &str, component: &[u8]) -> Arc<Program> {
    let limits = Limits { fuel: 200_000_000, ..Default::default() };
    let runtime = Runtime::new(RuntimeConfig { limits, cache_dir: None }).unwrap();
    let runtime = Arc::new(runtime);
    let component = runtime.load(component).unwrap();
    let config = ProgramConfig { peer_msp_id: "Org1MSP".into(), ..Default::default() };
    Arc::new(Program::new(id, component, runtime, config).unwrap())
}

/// Arguments as bytes.
pub fn args<const N: usize>(args: [&str; N]) -> Vec<Vec<u8>> {
    args.map(|arg| arg.as_bytes().to_vec()).into()
}

/// One stream to a chaincode.
pub struct MockPeer {
    /// What it answers from.
    pub ledger: Ledger,
    /// What the chaincode called itself.
    pub name: Option<String>,
    side: PeerSide,
    out: Option<mpsc::Sender<ChaincodeMessage>>,
    inbound: Inbound,
    finished: Option<Result<Completed, String>>,
    client: SigningIdentity,
}

impl MockPeer {
    /// Dials a chaincode service and waits until the chaincode is ready.
    pub async fn dial(
        address: &str,
        tls: Option<&ClientTls>,
        batches: bool,
    ) -> Result<Self, String> {
        let scheme = if tls.is_some() { "https" } else { "http" };
        let mut endpoint = Endpoint::from_shared(format!("{scheme}://{address}")).unwrap();
        if let Some(tls) = tls {
            let mut config =
                ClientTlsConfig::new().ca_certificate(Certificate::from_pem(&tls.root));
            if let Some((certificate, key)) = &tls.identity {
                config = config.identity(Identity::from_pem(certificate, key));
            }
            if let Some(domain) = &tls.domain {
                config = config.domain_name(domain);
            }
            endpoint = endpoint.tls_config(config).unwrap();
        }
        let channel = endpoint.connect().await.map_err(|error| error.to_string())?;
        let (out, outgoing) = mpsc::channel(16);
        let stream = ChaincodeClient::new(channel).connect(ReceiverStream::new(outgoing)).await;
        let inbound = stream.map_err(|status| status.to_string())?.into_inner();
        Self::ready(Box::pin(inbound), out, batches).await
    }

    async fn ready(
        inbound: Inbound,
        out: mpsc::Sender<ChaincodeMessage>,
        batches: bool,
    ) -> Result<Self, String> {
        let limits = match batches {
            true => BatchLimits { write_batch: Some(100), get_multiple: Some(100) },
            false => BatchLimits::default(),
        };
        let network = Network::in_memory(&NetworkSpec::default()).unwrap();
        let mut peer = Self {
            ledger: Ledger::default(),
            name: None,
            side: PeerSide::new(limits),
            out: Some(out),
            inbound,
            finished: None,
            client: network.orgs()[0].user("User1").unwrap(),
        };
        while !peer.side.is_ready() {
            peer.turn().await?;
        }
        Ok(peer)
    }

    /// Executes a transaction and waits for its end.
    pub async fn call(
        &mut self,
        args: Vec<Vec<u8>>,
    ) -> Result<(Answer, Option<ChaincodeEvent>), String> {
        self.begin(args);
        loop {
            self.act().await;
            if let Some(finished) = self.finished.take() {
                return finished.map(|completed| (completed.response, completed.event));
            }
            self.turn().await?;
        }
    }

    /// Executes a transaction and breaks the stream when the chaincode asks for something.
    pub async fn begin_and_hang_up(mut self, args: Vec<Vec<u8>>) {
        self.begin(args);
        self.act().await;
        self.inbound.next().await.unwrap().unwrap();
    }

    /// Waits for the chaincode to end the stream, and says whether it did so well.
    pub async fn ended(mut self) -> bool {
        self.inbound.next().await.is_none()
    }

    fn begin(&mut self, args: Vec<Vec<u8>>) {
        let timestamp = Timestamp { seconds: 7, nanos: 8 };
        let proposal = ProposalBuilder::new("ch", "cc").args(args.clone()).timestamp(timestamp);
        let proposal = proposal.sign(&self.client);
        let invocation = Invocation {
            tx: TxKey::new("ch", proposal.tx_id.as_str()),
            entry: Entry::Invoke,
            input: protos::ChaincodeInput { args, ..Default::default() },
            proposal: Some(Arc::new(proposal.signed)),
        };
        self.side.handle_execute(invocation).unwrap();
    }

    /// Takes one message and does what follows from it.
    async fn turn(&mut self) -> Result<(), String> {
        match self.inbound.next().await {
            Some(Ok(wire)) => self.side.handle_wire(wire).unwrap(),
            Some(Err(status)) => return Err(status.to_string()),
            None => return Err("the chaincode ended the stream".into()),
        }
        self.act().await;
        Ok(())
    }

    async fn act(&mut self) {
        while let Some(action) = self.side.poll_action() {
            match action {
                PeerAction::Send(message) => {
                    let out = self.out.as_ref().unwrap();
                    out.send(message.encode()).await.unwrap();
                }
                PeerAction::Register { name } => {
                    self.name = Some(name);
                    self.side.handle_launched();
                }
                PeerAction::Serve { ticket, request } => {
                    let answer = self.ledger.answer(request);
                    self.side.handle_served(ticket, answer);
                }
                PeerAction::Finish { outcome, .. } => {
                    self.finished = Some(outcome.map_err(|error| error.to_string()));
                }
                PeerAction::Close => self.out = None,
            }
        }
    }
}

/// A peer that waits for the chaincodes that it launches.
pub struct MockListener {
    /// `host:port`.
    pub address: SocketAddr,
    streams: mpsc::Receiver<(Inbound, mpsc::Sender<ChaincodeMessage>)>,
}

impl MockListener {
    /// On a free port.
    pub async fn bind() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (sender, streams) = mpsc::channel(1);
        let service = chaincode_support_server::ChaincodeSupportServer::new(Support(sender));
        let incoming = TcpIncoming::from(listener);
        tokio::spawn(Server::builder().serve_with_incoming(service, incoming));
        Self { address, streams }
    }

    /// The next chaincode, when it is ready.
    pub async fn accept(mut self) -> Result<MockPeer, String> {
        let patience = Duration::from_secs(60);
        let stream = tokio::time::timeout(patience, self.streams.recv()).await;
        let (inbound, out) = stream.map_err(|error| error.to_string())?.unwrap();
        MockPeer::ready(inbound, out, false).await
    }

    /// Answers the next chaincode's REGISTER with ERROR.
    pub async fn refuse(mut self, reason: &str) {
        let (mut inbound, out) = self.streams.recv().await.unwrap();
        inbound.next().await.unwrap().unwrap();
        let error = Message::Error { tx: TxKey::default(), text: reason.to_owned() };
        out.send(error.encode()).await.unwrap();
    }
}

struct Support(mpsc::Sender<(Inbound, mpsc::Sender<ChaincodeMessage>)>);

#[tonic::async_trait]
impl chaincode_support_server::ChaincodeSupport for Support {
    type RegisterStream = Outgoing;

    async fn register(
        &self,
        request: Request<Streaming<ChaincodeMessage>>,
    ) -> Result<Response<Outgoing>, Status> {
        let (out, outgoing) = mpsc::channel(16);
        self.0.send((Box::pin(request.into_inner()), out)).await.unwrap();
        Ok(Response::new(Box::pin(ReceiverStream::new(outgoing).map(Ok))))
    }
}
