//! Chaincode servers that do not become ready.

use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio_stream::wrappers::{ReceiverStream, TcpListenerStream};
use tonic::{Request, Response, Status, Streaming};
use wasmcc_client::ProposalBuilder;
use wasmcc_client::lscc::{self, Definition};
use wasmcc_msp::NetworkSpec;
use wasmcc_node::sandbox::{CHANNEL, Sandbox};
use wasmcc_protocol::Message;
use wasmcc_tests::{Peers, Served, create_channel, deploy, install_code, process, user};
use wasmcc_types::proto::protos::ChaincodeMessage;
use wasmcc_types::proto::protos::chaincode_server::{Chaincode, ChaincodeServer};

/// A server that accepts a connection and never registers. It reports when a stream begins and when
/// the peer ends it.
struct Silent {
    begun: mpsc::UnboundedSender<()>,
    ended: mpsc::UnboundedSender<()>,
}

#[tonic::async_trait]
impl Chaincode for Silent {
    type ConnectStream = ReceiverStream<Result<ChaincodeMessage, Status>>;

    async fn connect(
        &self,
        request: Request<Streaming<ChaincodeMessage>>,
    ) -> Result<Response<Self::ConnectStream>, Status> {
        let (sender, receiver) = mpsc::channel(1);
        let (mut messages, ended) = (request.into_inner(), self.ended.clone());
        self.begun.send(()).unwrap();
        tokio::spawn(async move {
            while let Ok(Some(_)) = messages.message().await {}
            drop(sender);
            // The test may have ended, too.
            let _ = ended.send(());
        });
        Ok(Response::new(ReceiverStream::new(receiver)))
    }
}

#[test]
fn a_server_that_never_registers_holds_nobody_and_its_stream_ends() {
    let tokio = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let (begun, mut has_begun) = mpsc::unbounded_channel();
    let (ended, mut has_ended) = mpsc::unbounded_channel();
    let listener = tokio.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
    let address = listener.local_addr().unwrap();
    let silent = ChaincodeServer::new(Silent { begun, ended });
    let incoming = TcpListenerStream::new(listener);
    tokio.spawn(tonic::transport::Server::builder().serve_with_incoming(silent, incoming));

    let peer = Peers::new(&NetworkSpec::default()).peer(|_| {});
    create_channel(&peer, CHANNEL);
    deploy(&peer, CHANNEL, "probe", "probe");
    install_code(&peer, "cc", "1.0", format!(r#"{{"address": "{address}"}}"#).as_bytes());
    let served = Served::start(Arc::clone(&peer));
    let admin = peer.network().org("Org1MSP").unwrap().admin().unwrap();
    let definition = Definition {
        channel_id: CHANNEL.into(),
        name: "cc".into(),
        version: "1.0".into(),
        ..Definition::default()
    };
    let deploying = || lscc::deploy(definition.clone()).sign(&admin).signed;
    for _ in 0..2 {
        let call = served.propose(deploying());
        tokio.block_on(has_begun.recv()).unwrap();
        // There is one worker.
        let get = ProposalBuilder::new(CHANNEL, "probe").args(["noop"]).sign(&user(&peer)).signed;
        let quick = served.wait(served.propose(get)).unwrap().unwrap();
        assert_eq!(quick.response.unwrap().status, 200);
        assert!(!call.is_finished());
        assert!(has_ended.try_recv().is_err(), "somebody waits");
        call.abort();
        tokio.block_on(has_ended.recv()).unwrap();
    }
    drop(served);
    drop(peer);

    let timeout = Duration::from_millis(500);
    let peers = Peers::new(&NetworkSpec::default());
    let peer = peers.peer(|config| config.support.startup_timeout = timeout);
    create_channel(&peer, CHANNEL);
    install_code(&peer, "cc", "1.0", format!(r#"{{"address": "{address}"}}"#).as_bytes());
    let admin = peer.network().org("Org1MSP").unwrap().admin().unwrap();
    let signed = lscc::deploy(definition).sign(&admin).signed;
    let late = process(&peer, signed).unwrap().response.response.unwrap();
    let text = "could not launch chaincode cc:1.0: timeout expired while starting chaincode cc:1.0 \
                for transaction";
    assert!(late.message.ends_with(text), "{}", late.message);
    tokio.block_on(has_ended.recv()).unwrap();
}

/// A server that registers only after the peer has closed the stream; it reports the peer's reply.
struct Late(mpsc::UnboundedSender<Option<i32>>);

/// Longer than the peer's time limit for dialing.
const LATE: Duration = Duration::from_secs(1);

#[tonic::async_trait]
impl Chaincode for Late {
    type ConnectStream = ReceiverStream<Result<ChaincodeMessage, Status>>;

    async fn connect(
        &self,
        request: Request<Streaming<ChaincodeMessage>>,
    ) -> Result<Response<Self::ConnectStream>, Status> {
        let (sender, receiver) = mpsc::channel(1);
        let (mut messages, heard) = (request.into_inner(), self.0.clone());
        // When the peer closes the stream, this call is dropped with its channel.
        let hung_up = tokio::time::timeout(LATE, messages.message()).await;
        assert!(hung_up.is_err(), "the peer says nothing before REGISTER");
        let register = Message::Register { name: "cc:1.0".into() };
        sender.send(Ok(register.encode())).await.unwrap();
        tokio::spawn(async move {
            let answer = messages.message().await.ok().flatten();
            drop(sender);
            heard.send(answer.map(|message| message.r#type)).unwrap();
        });
        Ok(Response::new(ReceiverStream::new(receiver)))
    }
}

#[test]
fn a_server_may_need_longer_for_its_first_message_than_for_the_connection() {
    let tokio = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let (heard, mut answers) = mpsc::unbounded_channel();
    let listener = tokio.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
    let address = listener.local_addr().unwrap();
    let late = ChaincodeServer::new(Late(heard));
    let incoming = TcpListenerStream::new(listener);
    tokio.spawn(tonic::transport::Server::builder().serve_with_incoming(late, incoming));
    let sandbox = Sandbox::new().unwrap();
    let connection = format!(r#"{{"address": "{address}", "dial_timeout": "500ms"}}"#);
    // The server ends the stream before the chaincode is initialized.
    let error = sandbox.deploy("cc", connection.as_bytes()).unwrap_err().to_string();
    let registered = Message::Registered.encode().r#type;
    assert_eq!(tokio.block_on(answers.recv()), Some(Some(registered)), "{error}");
}

#[test]
fn a_server_that_says_nothing_at_all_is_given_up() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let connection = format!(r#"{{"address": "{address}", "dial_timeout": "10ms"}}"#);
    let error = Sandbox::new().unwrap().deploy("cc", connection.as_bytes()).unwrap_err();
    assert!(error.to_string().contains("no answer within 10ms"), "{error}");
}
