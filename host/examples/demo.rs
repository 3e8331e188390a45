//! A demonstration over real gRPC: two users, one contract, a conflict and a crash.
//!
//! `cargo xtask demo` builds the peer and the contract and runs this with their paths.
#![allow(clippy::print_stdout)]

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use prost::Message;
use tonic::transport::Channel;
use wasmcc_client as client;
use wasmcc_client::ProposalBuilder;
use wasmcc_ledger::TxRwSet;
use wasmcc_msp::{Network, SigningIdentity};
use wasmcc_types::proto::gateway::gateway_client::GatewayClient;
use wasmcc_types::proto::gateway::{CommitStatusRequest, SignedCommitStatusRequest, SubmitRequest};
use wasmcc_types::proto::msp::SerializedIdentity;
use wasmcc_types::proto::protos::endorser_client::EndorserClient;
use wasmcc_types::proto::protos::{ProposalResponse, SignedProposal, TxValidationCode};

const CHANNEL: &str = "mychannel";
const CHAINCODE: &str = "basic";

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let mut args = std::env::args_os().skip(1).map(PathBuf::from);
    let (Some(wasmcc), Some(component)) = (args.next(), args.next()) else {
        bail!("usage: demo PATH_OF_WASMCC COMPONENT");
    };
    let dir = tempfile::tempdir()?;
    let stage = Stage { wasmcc, folder: dir.path().to_owned() };
    stage.network()?;
    let network = Network::open(&stage.folder.join("net"))?;
    let org = network.orgs().first().context("the network has no organization")?;
    let (alice, bob) = (org.user("User1")?, org.user("User2")?);

    let peer = stage.peer()?;
    stage.deploy(&peer, &component)?;
    let mut client = Client::connect(&peer.address).await?;

    title("User1 creates the first assets");
    let init = client.endorse(&alice, &["InitLedger"]).await?;
    init.print()?;
    client.submit(&alice, &init).await?.print(&init);

    title("Both users want asset1, and both read the same version of it");
    let first = client.endorse(&alice, &["TransferAsset", "asset1", "User1"]).await?;
    let second = client.endorse(&bob, &["TransferAsset", "asset1", "User2"]).await?;
    second.print()?;
    let first_commit = client.submit(&alice, &first).await?;
    first_commit.print(&first);
    let second_commit = client.submit(&bob, &second).await?;
    second_commit.print(&second);
    ensure!(first_commit.code == TxValidationCode::Valid, "the first transfer should be valid");
    ensure!(
        second_commit.code == TxValidationCode::MvccReadConflict,
        "the second transfer should collide"
    );
    println!("  The later transfer is invalid: the version of asset1 that it read has changed.");

    title("The peer is killed, and started again on its data");
    drop(peer);
    let start = Instant::now();
    let peer = stage.peer()?;
    let mut client = Client::connect(&peer.address).await?;
    let asset = client.endorse(&bob, &["ReadAsset", "asset1"]).await?;
    println!("  ready and answered after {:.0?}", start.elapsed());
    println!("  asset1 {}", asset.payload());
    ensure!(asset.payload().contains(r#""Owner":"User1""#), "asset1 should belong to User1");

    title(&format!("Block {}", first_commit.block));
    stage.client_verb(&peer, &["block", &first_commit.block.to_string()])
}

fn title(text: &str) {
    println!("\n== {text}");
}

/// The program and the folder of the demonstration.
struct Stage {
    wasmcc: PathBuf,
    folder: PathBuf,
}

/// A peer in a process of its own, killed when dropped.
struct PeerProcess {
    process: Child,
    address: String,
}

impl Drop for PeerProcess {
    fn drop(&mut self) {
        // If it has ended by itself, there is nothing to kill.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Stage {
    fn network(&self) -> Result<()> {
        title("An organization, its certificate authority and its users");
        self.run(Command::new(&self.wasmcc).arg("network").arg(self.folder.join("net")))
    }

    fn peer(&self) -> Result<PeerProcess> {
        title("A peer");
        let start = Instant::now();
        let mut process = Command::new(&self.wasmcc)
            .arg("peer")
            .arg("--network")
            .arg(self.folder.join("net"))
            .arg("--data")
            .arg(self.folder.join("data"))
            .args(["--listen", "127.0.0.1:0", "--batch-timeout", "100ms"])
            .env("RUST_LOG", "warn")
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("cannot start {}", self.wasmcc.display()))?;
        let stdout = process.stdout.take().context("the peer has no standard output")?;
        let mut peer = PeerProcess { process, address: String::new() };
        let mut line = String::new();
        BufReader::new(stdout).read_line(&mut line)?;
        let address = line.trim().strip_prefix("ready on ");
        address.context("the peer did not become ready")?.clone_into(&mut peer.address);
        println!("  {} after {:.0?}", line.trim(), start.elapsed());
        Ok(peer)
    }

    fn deploy(&self, peer: &PeerProcess, component: &Path) -> Result<()> {
        title("The contract asset-transfer-basic, a WebAssembly component");
        let start = Instant::now();
        let component = component.to_str().context("the component's path is not UTF-8")?;
        self.client_verb(peer, &["deploy", component, "--name", CHAINCODE])?;
        println!("  admitted, compiled, installed and instantiated in {:.0?}", start.elapsed());
        Ok(())
    }

    fn client_verb(&self, peer: &PeerProcess, args: &[&str]) -> Result<()> {
        let mut command = Command::new(&self.wasmcc);
        command.args(args).args(["--peer", &peer.address]);
        self.run(command.arg("--network").arg(self.folder.join("net")))
    }

    fn run(&self, command: &mut Command) -> Result<()> {
        let output = command.stderr(Stdio::inherit()).output()?;
        for line in String::from_utf8_lossy(&output.stdout).lines() {
            println!("  {line}");
        }
        ensure!(output.status.success(), "{command:?} failed");
        Ok(())
    }
}

/// One connection to the peer.
struct Client {
    endorser: EndorserClient<Channel>,
    gateway: GatewayClient<Channel>,
}

/// A proposal and its response.
struct Endorsed {
    tx_id: String,
    args: String,
    signed: SignedProposal,
    response: ProposalResponse,
    took: Duration,
}

/// The result of a transaction.
struct Committed {
    code: TxValidationCode,
    block: u64,
    took: Duration,
}

impl Client {
    async fn connect(address: &str) -> Result<Self> {
        let channel = Channel::from_shared(format!("http://{address}"))?.connect().await?;
        Ok(Self {
            endorser: EndorserClient::new(channel.clone()),
            gateway: GatewayClient::new(channel),
        })
    }

    async fn endorse(&mut self, user: &SigningIdentity, args: &[&str]) -> Result<Endorsed> {
        let proposal =
            ProposalBuilder::new(CHANNEL, CHAINCODE).args(args.iter().copied()).sign(user);
        let start = Instant::now();
        let response = self.endorser.process_proposal(proposal.signed.clone()).await?.into_inner();
        let took = start.elapsed();
        let answer = response.response.clone().unwrap_or_default();
        ensure!(answer.status < 400, "status {}: {}", answer.status, answer.message);
        let (tx_id, args) = (proposal.tx_id.to_string(), args.join(" "));
        Ok(Endorsed { tx_id, args, signed: proposal.signed, response, took })
    }

    async fn submit(&mut self, user: &SigningIdentity, endorsed: &Endorsed) -> Result<Committed> {
        let envelope =
            client::transaction(&endorsed.signed, std::slice::from_ref(&endorsed.response))?;
        let start = Instant::now();
        let submit = SubmitRequest {
            transaction_id: endorsed.tx_id.clone(),
            channel_id: CHANNEL.into(),
            prepared_transaction: Some(client::sign_envelope(envelope, user)),
        };
        self.gateway.submit(submit).await?;
        let request = CommitStatusRequest {
            transaction_id: endorsed.tx_id.clone(),
            channel_id: CHANNEL.into(),
            identity: user.serialized().to_vec(),
        }
        .encode_to_vec();
        let signature = user.sign(&request);
        let status = SignedCommitStatusRequest { request, signature };
        let status = self.gateway.commit_status(status).await?.into_inner();
        let code = status.result();
        Ok(Committed { code, block: status.block_number, took: start.elapsed() })
    }
}

impl Endorsed {
    fn payload(&self) -> String {
        let answer = self.response.response.clone().unwrap_or_default();
        String::from_utf8_lossy(&answer.payload).into_owned()
    }

    fn print(&self) -> Result<()> {
        let endorsement = self.response.endorsement.clone().unwrap_or_default();
        let endorser = SerializedIdentity::decode(endorsement.endorser.as_slice())?;
        let action = client::chaincode_action(&self.response.payload)?;
        println!("  proposal     {} ({} bytes)", self.args, self.signed.proposal_bytes.len());
        println!("  transaction  {}", self.tx_id);
        println!("  endorsement  by {}, signature {}", endorser.mspid, hex(&endorsement.signature));
        println!("  results      {} bytes:", action.results.len());
        print_rwset(&TxRwSet::decode(&action.results)?);
        println!("  took         {:.1?}", self.took);
        Ok(())
    }
}

impl Committed {
    fn print(&self, endorsed: &Endorsed) {
        let code = self.code.as_str_name();
        println!("  {} is {code} in block {} ({:.0?})", endorsed.args, self.block, self.took);
    }
}

fn print_rwset(rwset: &TxRwSet) {
    for (namespace, set) in &rwset.namespaces {
        for read in &set.reads {
            let version = read.version.map_or("absent".into(), |version| {
                format!("written by transaction {} of block {}", version.tx_num, version.block_num)
            });
            println!("    {namespace}: read  {} ({version})", read.key);
        }
        for write in &set.writes {
            let value = String::from_utf8_lossy(&write.value);
            println!("    {namespace}: write {} = {value}", write.key);
        }
    }
}

fn hex(bytes: &[u8]) -> String {
    let start: String = bytes.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    format!("{start}… ({} bytes)", bytes.len())
}
