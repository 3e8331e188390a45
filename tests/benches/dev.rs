//! The waits of somebody who develops a contract with `wasmcc dev`: until the network answers,
//! until a saved component answers, and until a transaction is committed.
#![allow(missing_docs, clippy::unwrap_used, clippy::panic, clippy::print_stdout)]

use std::fs;
use std::time::{Duration, Instant};

use serde_json::Value;
use tokio::runtime::Runtime;
use tonic::Status;
use tonic::transport::{Channel, Endpoint};
use wasmcc_client::gateway::commit_status_request;
use wasmcc_client::{ClientProposal, ProposalBuilder, sign_envelope};
use wasmcc_msp::{Network, SigningIdentity};
use wasmcc_tests::dev::{Dev, Folder};
use wasmcc_tests::guest_path;
use wasmcc_types::ClientTls;
use wasmcc_types::proto::gateway::gateway_client::GatewayClient;
use wasmcc_types::proto::gateway::{EndorseRequest, EvaluateRequest, SubmitRequest};

const CHANNEL: &str = "mychannel";
const STARTS: usize = 7;
const RELOADS: usize = 11;
const SUBMITS: usize = 101;
/// Between two attempts: what is waited for needs the processors.
const PAUSE: Duration = Duration::from_millis(2);

/// A client with a connection of its own.
struct Client {
    gateway: GatewayClient<Channel>,
    signer: SigningIdentity,
}

impl Client {
    /// None: nobody listens there yet.
    async fn connect(address: &str, folder: &Folder) -> Option<Self> {
        // The identities are made before the network listens.
        let network = Network::open(&folder.path("organizations")).ok()?;
        let org = network.org("Org1MSP").unwrap();
        let root = org.tls_ca_certificate().to_owned();
        let tls = wasmcc_tls::client(&ClientTls { root, identity: None, domain: None });
        let endpoint = Endpoint::from_shared(format!("https://{address}")).unwrap();
        let connection =
            endpoint.tcp_nodelay(true).tls_config(tls).unwrap().connect().await.ok()?;
        let (gateway, signer) = (GatewayClient::new(connection), org.user("User1").unwrap());
        Some(Self { gateway, signer })
    }

    fn propose(&self, args: &[&str]) -> ClientProposal {
        let args = args.iter().map(|arg| arg.as_bytes().to_vec());
        ProposalBuilder::new(CHANNEL, "basic").args(args).sign(&self.signer)
    }

    async fn evaluate(&mut self, args: &[&str]) -> Result<(), Status> {
        let proposal = self.propose(args);
        let request = EvaluateRequest {
            transaction_id: proposal.tx_id.to_string(),
            channel_id: CHANNEL.into(),
            proposed_transaction: Some(proposal.signed),
            target_organizations: Vec::new(),
        };
        self.gateway.evaluate(request).await.map(drop)
    }

    /// Returns when the chaincode answers.
    async fn answers(&mut self, args: &[&str]) {
        while self.evaluate(args).await.is_err() {
            tokio::time::sleep(PAUSE).await;
        }
    }

    async fn submit(&mut self, args: &[&str]) {
        let proposal = self.propose(args);
        let (tx_id, channel) = (proposal.tx_id.to_string(), CHANNEL.to_owned());
        let request = EndorseRequest {
            transaction_id: tx_id.clone(),
            channel_id: channel.clone(),
            proposed_transaction: Some(proposal.signed),
            endorsing_organizations: Vec::new(),
        };
        let endorsed = self.gateway.endorse(request).await.unwrap().into_inner();
        let envelope = sign_envelope(endorsed.prepared_transaction.unwrap(), &self.signer);
        let prepared_transaction = Some(envelope);
        let transaction_id = tx_id.clone();
        let request = SubmitRequest { transaction_id, channel_id: channel, prepared_transaction };
        self.gateway.submit(request).await.unwrap();
        let request = commit_status_request(CHANNEL, &tx_id, &self.signer);
        let committed = self.gateway.commit_status(request).await.unwrap().into_inner();
        assert_eq!(committed.result, 0, "the transaction is valid");
    }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn ms(since: Instant) -> f64 {
    since.elapsed().as_secs_f64() * 1e3
}

fn ports(record: &Value) -> Vec<String> {
    let port = |address: &Value| {
        let address = address.as_str().unwrap();
        address.rsplit_once(':').unwrap().1.to_owned()
    };
    let peers = &record["peers"];
    let flags = ["--org1-port", "--org2-port", "--orderer-port"];
    let of = [&peers["Org1MSP"], &peers["Org2MSP"], &record["orderer"]];
    flags.iter().zip(of).flat_map(|(flag, address)| [(*flag).to_owned(), port(address)]).collect()
}

/// From the command to an answer of a component that was compiled before.
fn ready(tokio: &Runtime, folder: &Folder, args: &[&str], address: &str) -> (f64, Dev) {
    let started = Instant::now();
    let dev = folder.start_dev(args);
    tokio.block_on(async {
        let mut client = loop {
            match Client::connect(address, folder).await {
                Some(client) => break client,
                None => tokio::time::sleep(PAUSE).await,
            }
        };
        client.answers(&["AssetExists", "a"]).await;
    });
    (ms(started), dev)
}

/// A component with the same behaviour that nobody has compiled yet.
fn new_component(guest: &str, number: usize) -> Vec<u8> {
    let mut component = fs::read(guest_path(guest)).unwrap();
    let content = format!("\u{4}note{number:08}");
    component.extend([0, u8::try_from(content.len()).unwrap()]);
    component.extend(content.as_bytes());
    component
}

fn main() {
    let tokio = Runtime::new().unwrap();
    let folder = Folder::new();
    folder.put_guest("asset-transfer-basic", "basic.wasm");
    let first = folder.dev(&["basic.wasm"]);
    let record = folder.record();
    let address = record["peers"]["Org1MSP"].as_str().unwrap().to_owned();
    first.signal("INT").ok();
    let ports = ports(&record);
    let args: Vec<&str> = ports.iter().map(String::as_str).chain(["basic.wasm"]).collect();

    let mut times = Vec::new();
    for _ in 1..STARTS {
        let (time, dev) = ready(&tokio, &folder, &args, &address);
        dev.signal("INT").ok();
        times.push(time);
    }
    let (time, dev) = ready(&tokio, &folder, &args, &address);
    times.push(time);
    println!("dev: ready_ms {:.1}", median(times));

    let mut client = tokio.block_on(Client::connect(&address, &folder)).unwrap();
    let mut times = Vec::new();
    for number in 0..SUBMITS {
        let id = format!("asset{number}");
        let started = Instant::now();
        tokio.block_on(client.submit(&["CreateAsset", &id, "blue", "5", "Tomoko", "300"]));
        times.push(ms(started));
    }
    println!("dev: submit_single_ms {:.2}", median(times));

    let mut times = Vec::new();
    for number in 0..RELOADS {
        // Each answers what the other one refuses.
        let (guest, call) = match number % 2 {
            0 => ("probe", &["get", "k"][..]),
            _ => ("asset-transfer-basic", &["AssetExists", "a"][..]),
        };
        let new = folder.path("new component");
        fs::write(&new, new_component(guest, number)).unwrap();
        let started = Instant::now();
        fs::rename(&new, folder.path("basic.wasm")).unwrap();
        tokio.block_on(client.answers(call));
        times.push(ms(started));
    }
    println!("dev: reload_ms {:.1}", median(times));
    dev.signal("INT").ok();
}
