//! The paths whose instructions are counted, each on an in-memory peer that is set up before.
//!
//! Invariant: a call does a peer's work for a client. The client's own work is done before, unless
//! it needs the peer's answer.

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::{Arc, Mutex};

use anyhow::{Context, Result, anyhow, ensure};
use tokio::runtime::{Builder, Runtime as Tokio};
use wasmcc_api::{Local, ServerConfig};
use wasmcc_bridge::{Program, ProgramConfig};
use wasmcc_client as client;
use wasmcc_client::{ProposalBuilder, lscc};
use wasmcc_ledger::{
    CommitTx, IndexDefinition, LedgerConfig, Ledgers, NoCollections, header_hash, new_block,
};
use wasmcc_msp::{BatchLimits, Network, NetworkSpec, SigningIdentity};
use wasmcc_node::{Peer, PeerConfig};
use wasmcc_runtime::{Component, Invocation, Limits, Runtime, RuntimeConfig};
use wasmcc_tests::bridged::Bridged;
use wasmcc_tests::load_peer::{Load, LoadPeer};
use wasmcc_tests::{MapBackend, State, invocation};
use wasmcc_types::ChannelId;
use wasmcc_types::proto::common::Envelope;
use wasmcc_types::proto::gateway::gateway_client::GatewayClient;
use wasmcc_types::proto::gateway::{EndorseRequest, EvaluateRequest, SubmitRequest};
use wasmcc_types::proto::protos::{SignedProposal, TxValidationCode};
use wasmcc_workers::Workers;

const CHANNEL: &str = "mychannel";
const BALANCE: &str = "1000000000";
/// Few instances: each reserves 4 GiB of addresses, which valgrind tracks.
const INSTANCES: u32 = 4;
/// Transactions of a committed block.
const BLOCK_TXS: usize = 20;
/// Rows of a range.
const ROWS: usize = 100;
const DOCUMENTS: usize = 1_000;
const OWNERS: usize = 100;

/// A counted path.
pub(crate) struct Path {
    pub(crate) name: &'static str,
    /// The number of counted calls.
    pub(crate) calls: usize,
    /// The units of work per call; counts are per unit.
    pub(crate) units: usize,
    pub(crate) call: Box<dyn FnMut() -> Result<()>>,
}

/// Returns the selected paths, each ready for `warm_up` uncounted calls before the counted ones.
pub(crate) fn all(warm_up: usize, is_wanted: impl Fn(&str) -> bool) -> Result<Vec<Path>> {
    let node = Rc::new(Node::open()?);
    let of_node: [(&'static str, Make); 5] = [
        ("process_proposal", process_proposal),
        ("gateway_evaluate", gateway_evaluate),
        ("gateway_submit", gateway_submit),
        ("commit_tx", commit_tx),
        ("range_row", range_row),
    ];
    let alone: [(&'static str, Make); 3] =
        [("invoke", invoke), ("bridge_call", bridge_call), ("rich_query", rich_query)];
    let wanted = of_node.into_iter().chain(alone).filter(|(name, _)| is_wanted(name));
    wanted.map(|(name, make)| make(name, &node, warm_up)).collect()
}

type Make = fn(&'static str, &Rc<Node>, usize) -> Result<Path>;

/// Returns a component that `cargo xtask` built.
fn guest(name: &str) -> Result<Vec<u8>> {
    let folder = std::env::var_os("WASMCC_GUESTS").context("WASMCC_GUESTS is not set")?;
    let path = PathBuf::from(folder).join(name).with_extension("wasm");
    std::fs::read(&path).with_context(|| path.display().to_string())
}

/// A peer with two contracts, and its client.
struct Node {
    runtime: Arc<Runtime>,
    transfer: Arc<Component>,
    peer: Arc<Peer>,
    user: SigningIdentity,
    tokio: Tokio,
}

impl Node {
    fn open() -> Result<Self> {
        let limits = Limits { instances: INSTANCES, ..Limits::default() };
        let runtime = Arc::new(Runtime::new(RuntimeConfig {
            limits,
            none_ahead: true,
            ..Default::default()
        })?);
        ensure!(runtime.has_pool(), "there is no pool of instances, as users have one");
        let network = Network::in_memory(&NetworkSpec::default())?;
        let org = network.orgs().first().context("there is no organization")?;
        let (user, admin) = (org.user("User1")?, org.admin()?);
        let mut config = PeerConfig::new(network, "Org1MSP");
        config.runtime = Some(Arc::clone(&runtime));
        config.ledger.cache_bytes = 16 << 20;
        // Each transaction gets its own block immediately.
        config.batch = BatchLimits { max_message_count: 1, ..config.batch };
        let peer = Peer::open(config)?;
        peer.create_channel(CHANNEL)?;
        let transfer = guest("transfer")?;
        for (name, code) in [("transfer", transfer.clone()), ("records", guest("records")?)] {
            let install = lscc::install(name, "1.0", code).sign(&admin);
            peer.process(install.signed)?;
            let definition = lscc::Definition {
                channel_id: CHANNEL.into(),
                name: name.into(),
                version: "1.0".into(),
                ..lscc::Definition::default()
            };
            let deploy = endorsed(&peer, lscc::deploy(definition), &admin)?;
            commit(&peer, vec![deploy])?;
        }
        let tokio = Builder::new_current_thread().enable_all().build()?;
        let transfer = runtime.load(&transfer)?;
        let node = Self { runtime, transfer, peer, user, tokio };
        let accounts = ["alice", "bob"].map(|name| node.endorse(&["open", name, BALANCE]));
        commit(&node.peer, accounts.into_iter().collect::<Result<_>>()?)?;
        Ok(node)
    }

    /// Returns a proposal of a call of the contract with accounts.
    fn propose(&self, args: &[&str]) -> ProposalBuilder {
        ProposalBuilder::new(CHANNEL, "transfer").args(args.iter().copied())
    }

    fn endorse(&self, args: &[&str]) -> Result<Envelope> {
        endorsed(&self.peer, self.propose(args), &self.user)
    }

    /// Returns this many proposals of a transfer, each with its own id.
    fn transfers(&self, count: usize) -> Vec<SignedProposal> {
        let transfer = || self.propose(&["transfer", "alice", "bob", "1"]).sign(&self.user).signed;
        (0..count).map(|_| transfer()).collect()
    }

    fn gateway(&self) -> Result<GatewayClient<Local>> {
        let workers = Arc::new(Workers::new(1, 64)?);
        let peer = Arc::clone(&self.peer);
        let local = self.tokio.block_on(Local::new(peer, workers, ServerConfig::default()));
        Ok(GatewayClient::new(local))
    }
}

fn endorsed(peer: &Peer, proposal: ProposalBuilder, user: &SigningIdentity) -> Result<Envelope> {
    let signed = proposal.sign(user).signed;
    let response = peer.process(signed.clone())?.response;
    Ok(client::sign_envelope(client::transaction(&signed, &[response])?, user))
}

/// Commits a block, in which all transactions must be valid.
fn commit(peer: &Peer, envelopes: Vec<Envelope>) -> Result<()> {
    let committer = peer.committer(CHANNEL).context("there is no channel")?;
    let block = committer.commit_envelopes(envelopes)?;
    let is_valid = |code: &TxValidationCode| *code == TxValidationCode::Valid;
    ensure!(block.codes().iter().all(is_valid), "a transaction is not valid");
    Ok(())
}

/// Returns a call that takes the next input each time.
fn each<T: 'static>(
    inputs: Vec<T>,
    mut call: impl FnMut(T) -> Result<()> + 'static,
) -> Box<dyn FnMut() -> Result<()>> {
    let mut inputs = inputs.into_iter();
    Box::new(move || call(inputs.next().context("there are too few inputs")?))
}

/// From a signed proposal's bytes to an endorsed response.
fn process_proposal(name: &'static str, node: &Rc<Node>, warm_up: usize) -> Result<Path> {
    let calls = 40;
    let peer = Arc::clone(&node.peer);
    let call = each(node.transfers(warm_up + calls), move |signed| {
        let response = peer.process(signed)?.response;
        ensure!(response.endorsement.is_some(), "a transfer is not endorsed");
        Ok(())
    });
    Ok(Path { name, calls, units: 1, call })
}

/// `gateway.Gateway/Evaluate` of a transfer.
fn gateway_evaluate(name: &'static str, node: &Rc<Node>, warm_up: usize) -> Result<Path> {
    let calls = 40;
    let (mut gateway, of_call) = (node.gateway()?, Rc::clone(node));
    let call = each(node.transfers(warm_up + calls), move |proposal| {
        let request =
            EvaluateRequest { proposed_transaction: Some(proposal), ..Default::default() };
        let answer = of_call.tokio.block_on(gateway.evaluate(request))?.into_inner();
        let status = answer.result.map(|result| result.status);
        ensure!(status == Some(200), "a transfer is refused");
        Ok(())
    });
    Ok(Path { name, calls, units: 1, call })
}

/// A complete transaction by the gateway: endorsed, submitted, in its own block.
fn gateway_submit(name: &'static str, node: &Rc<Node>, warm_up: usize) -> Result<Path> {
    let calls = 20;
    let (mut gateway, of_call) = (node.gateway()?, Rc::clone(node));
    let transfer = || node.propose(&["transfer", "alice", "bob", "1"]).sign(&node.user);
    let inputs = (0..warm_up + calls).map(|_| {
        let proposal = transfer();
        let asked = client::gateway::commit_status_request(CHANNEL, &proposal.tx_id, &node.user);
        (proposal, asked)
    });
    let call = each(inputs.collect(), move |(proposal, asked)| {
        of_call.tokio.block_on(async {
            let transaction_id = proposal.tx_id.to_string();
            let endorse = EndorseRequest {
                transaction_id: transaction_id.clone(),
                proposed_transaction: Some(proposal.signed),
                ..Default::default()
            };
            let endorsed = gateway.endorse(endorse).await?.into_inner().prepared_transaction;
            let endorsed = endorsed.context("a transfer is not endorsed")?;
            let signed = client::sign_envelope(endorsed, &of_call.user);
            let submit = SubmitRequest {
                transaction_id,
                channel_id: CHANNEL.into(),
                prepared_transaction: Some(signed),
            };
            gateway.submit(submit).await?;
            let status = gateway.commit_status(asked).await?.into_inner();
            ensure!(status.result() == TxValidationCode::Valid, "a transfer is not valid");
            Ok(())
        })
    });
    Ok(Path { name, calls, units: 1, call })
}

/// A transaction of a block that is validated and committed.
fn commit_tx(name: &'static str, node: &Rc<Node>, warm_up: usize) -> Result<Path> {
    let calls = 4;
    let pairs: Vec<[String; 2]> = (0..(warm_up + calls) * BLOCK_TXS)
        .map(|number| ["from", "to"].map(|side| format!("{side}{number}")))
        .collect();
    for pairs in pairs.chunks(BLOCK_TXS) {
        let opened = pairs.iter().flatten().map(|account| node.endorse(&["open", account, "1"]));
        commit(&node.peer, opened.collect::<Result<_>>()?)?;
    }
    let transfer = |[from, to]: &[String; 2]| node.endorse(&["transfer", from, to, "1"]);
    let block = |pairs: &[[String; 2]]| pairs.iter().map(transfer).collect::<Result<Vec<_>>>();
    let blocks = pairs.chunks(BLOCK_TXS).map(block).collect::<Result<Vec<_>>>()?;
    let peer = Arc::clone(&node.peer);
    let call = each(blocks, move |envelopes| commit(&peer, envelopes));
    Ok(Path { name, calls, units: BLOCK_TXS, call })
}

/// A row of a range that a contract reads.
fn range_row(name: &'static str, node: &Rc<Node>, warm_up: usize) -> Result<Path> {
    let calls = 10;
    let records = |args: &[&str]| {
        ProposalBuilder::new(CHANNEL, "records").args(args.iter().copied().map(str::to_owned))
    };
    let rows = records(&["PutMany", "r", &ROWS.to_string()]);
    commit(&node.peer, vec![endorsed(&node.peer, rows, &node.user)?])?;
    let proposal = || records(&["Rows", "r", "s"]).sign(&node.user).signed;
    let proposals = (0..warm_up + calls).map(|_| proposal()).collect();
    let peer = Arc::clone(&node.peer);
    let call = each(proposals, move |signed| {
        let response = peer.process(signed)?.response.response.unwrap_or_default();
        ensure!(response.status == 200, "a range is refused: {}", response.message);
        Ok(())
    });
    Ok(Path { name, calls, units: ROWS, call })
}

/// A transfer in its own instance, with the state in a map.
fn invoke(name: &'static str, node: &Rc<Node>, _: usize) -> Result<Path> {
    let account = |name: &str| {
        let record = format!(r#"{{"owner":"{name}","balance":{BALANCE}}}"#);
        (name.to_owned(), record.into_bytes())
    };
    let accounts = BTreeMap::from([account("alice"), account("bob")]);
    let state: State = Arc::new(Mutex::new(accounts));
    let invocation = Invocation {
        channel_id: CHANNEL.into(),
        ..invocation("transfer", &["transfer", "alice", "bob", "1"])
    };
    let (runtime, component) = (Arc::clone(&node.runtime), Arc::clone(&node.transfer));
    let call = move || {
        let backend = Box::new(MapBackend(Arc::clone(&state)));
        let outcome = runtime.invoke(&component, invocation.clone(), backend);
        let outcome = outcome.map_err(|failure| anyhow!("{failure}"))?;
        ensure!(outcome.response.status == 200, "a transfer is refused");
        Ok(())
    };
    Ok(Path { name, calls: 40, units: 1, call: Box::new(call) })
}

/// A transfer behind a peer's stream; both ends and the loopback's HTTP/2 are counted.
fn bridge_call(name: &'static str, node: &Rc<Node>, _: usize) -> Result<Path> {
    let config = ProgramConfig { peer_msp_id: "Org1MSP".into(), ..ProgramConfig::default() };
    let (component, runtime) = (Arc::clone(&node.transfer), Arc::clone(&node.runtime));
    let program = Arc::new(Program::new("cc:1", component, runtime, config));
    let bridged = Bridged::serve(program, None);
    let account = |name: &str| {
        let record = format!(r#"{{"owner":"{name}","balance":{BALANCE}}}"#);
        (name.to_owned(), record.into_bytes())
    };
    let state = HashMap::from([account("alice"), account("bob")]);
    let load = Load::new(1, |_| ["transfer", "alice", "bob", "1"].map(str::to_owned).to_vec());
    let node = Rc::clone(node);
    let mut peer = node.tokio.block_on(LoadPeer::dial(bridged.address(), state));
    let call = move || {
        // Keeps serving until the last call.
        let _bridged = &bridged;
        node.tokio.block_on(peer.run(&load, 1));
        Ok(())
    };
    Ok(Path { name, calls: 40, units: 1, call: Box::new(call) })
}

/// A rich query by an index that finds 10 of 1,000 documents.
fn rich_query(name: &'static str, _: &Rc<Node>, _: usize) -> Result<Path> {
    let ledgers = Ledgers::temporary(LedgerConfig::default())?;
    let network = Network::in_memory(&NetworkSpec::default())?;
    let genesis = network.genesis(ChannelId::parse(CHANNEL)?).block()?;
    let ledger = ledgers.create(&genesis)?;
    let mut simulator = ledger.simulator("tx");
    for number in 0..DOCUMENTS {
        let owner = number % OWNERS;
        let document = format!(r#"{{"docType":"asset","size":{number},"owner":"o{owner:03}"}}"#);
        simulator.put_state("cc", &format!("a{number:06}"), document.into_bytes())?;
    }
    let tip = ledger.block(0)?.and_then(|block| block.header).context("there is no genesis")?;
    let rwset = simulator.finish().public;
    let block = new_block(1, header_hash(&tip).to_vec(), vec![rwset.encode()]);
    let code = TxValidationCode::Valid;
    let tx = CommitTx { tx_id: Some("tx".to_owned()), code, rwset: Some(rwset) };
    ledger.commit(block, vec![tx], &NoCollections)?;
    let index = br#"{"index": {"fields": ["owner"]}, "ddoc": "owner", "name": "owner"}"#;
    ledger.define_indexes("cc", "", &[IndexDefinition::parse(index)?])?;
    let call = move || {
        // Keeps the ledger open until the last call.
        let _ledgers = &ledgers;
        let mut simulator = ledger.simulator("tx");
        let query = r#"{"selector": {"docType": "asset", "owner": "o042"}}"#;
        let rows = simulator.rich_query("cc", query)?;
        let mut found = 0;
        while simulator.next_row(rows)?.is_some() {
            found += 1;
        }
        ensure!(found == DOCUMENTS / OWNERS, "{found} documents are found");
        Ok(())
    };
    Ok(Path { name, calls: 20, units: 1, call: Box::new(call) })
}
