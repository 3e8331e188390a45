//! Runs random programs on a live Fabric peer and on a peer of this project, and compares answers,
//! verdicts and commit hashes. `cargo xtask compare` starts it.
//!
//! The environment describes the live network: the folder `FABRIC_NET` contains cryptogen's
//! `crypto` of the organization `org1.test` (Org1MSP). Peer and orderer listen at 127.0.0.1:7051
//! and :7050 without TLS. The network must be new: private data of earlier transactions would be
//! missing here. The channel `mychannel` has the chaincodes `probe` and `other`, version 1.0, both
//! from `tests/go-chaincode/probe.go`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;
use std::{env, fs};

use prost::Message;
use tokio_stream::StreamExt;
use tonic::transport::Channel;
use wasmcc_client as client;
use wasmcc_client::{ClientProposal, ProposalBuilder, qscc};
use wasmcc_ledger::{commit_hash, tx_filter};
use wasmcc_msp::SigningIdentity;
use wasmcc_tests::programs::{Dice, Program, program};
use wasmcc_tests::recording::{Answer, Call, Commit, Entry, Event, Recording, Step};
use wasmcc_tests::replica::Replica;
use wasmcc_types::Timestamp;
use wasmcc_types::proto::common::{Block, BlockchainInfo, Envelope};
use wasmcc_types::proto::kvrwset::{KvMetadataWrite, KvWrite, KvrwSet};
use wasmcc_types::proto::orderer::atomic_broadcast_client::AtomicBroadcastClient;
use wasmcc_types::proto::protos::endorser_client::EndorserClient;
use wasmcc_types::proto::protos::{
    ChaincodeAction, Endorsement, ProposalResponse, ProposalResponsePayload, SignedProposal,
};
use wasmcc_types::proto::rwset::{NsReadWriteSet, TxReadWriteSet};

const CHANNEL: &str = "mychannel";
const CHAINCODES: [(&str, &str); 2] = [("probe", "probe"), ("other", "probe")];
/// Programs that run on the same state.
const PROGRAMS: usize = 30;
const PAUSE: Duration = Duration::from_millis(20);

type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

fn main() -> Outcome<()> {
    let mut args = env::args().skip(1);
    let seed = args.next().map_or(Ok(1), |seed| seed.parse())?;
    let rounds: usize = args.next().map_or(Ok(20), |rounds| rounds.parse())?;
    let file = args.next().map(PathBuf::from);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let mut comparison = runtime.block_on(Comparison::begin())?;
    runtime.block_on(comparison.run(seed, rounds))?;
    comparison.report();
    if let Some(file) = file {
        comparison.recording.write(&file)?;
    }
    if comparison.differences > 0 {
        return Err(format!("{} differences", comparison.differences).into());
    }
    Ok(())
}

/// A live network and its client.
struct Live {
    endorser: EndorserClient<Channel>,
    orderer: AtomicBroadcastClient<Channel>,
    user: SigningIdentity,
    admin: SigningIdentity,
    peer: SigningIdentity,
    nonce: u64,
}

struct Comparison {
    live: Live,
    replica: Replica,
    recording: Recording,
    calls: usize,
    height: u64,
    codes: BTreeMap<u8, usize>,
    differences: usize,
}

/// A transaction in progress.
struct Sent {
    entry: Entry,
    envelope: Vec<u8>,
}

/// A call with its endorsement, if it has one.
struct Endorsed {
    call: usize,
    proposal: ClientProposal,
    response: ProposalResponse,
}

impl Live {
    fn new() -> Outcome<Self> {
        let folder = env::var_os("FABRIC_NET").ok_or("FABRIC_NET is not set")?;
        let org = Path::new(&folder).join("crypto/peerOrganizations/org1.test");
        let identity = |member: &str| -> Outcome<SigningIdentity> {
            let msp = org.join(member).join("msp");
            let (certificate, key) = (only(&msp.join("signcerts"))?, only(&msp.join("keystore"))?);
            Ok(SigningIdentity::from_pem("Org1MSP", &certificate, &key)?)
        };
        let at = |port| Channel::from_static(port).connect_lazy();
        let endorser = EndorserClient::new(at("http://127.0.0.1:7051"));
        Ok(Self {
            endorser: endorser.max_decoding_message_size(100 << 20),
            orderer: AtomicBroadcastClient::new(at("http://127.0.0.1:7050")),
            user: identity("users/User1@org1.test")?,
            admin: identity("users/Admin@org1.test")?,
            peer: identity("peers/peer0.org1.test")?,
            // Short, to save space; a network accepts each nonce once.
            nonce: u64::from(std::process::id()) << 32,
        })
    }

    fn proposal(&mut self, builder: ProposalBuilder, by_admin: bool) -> ClientProposal {
        self.nonce += 1;
        let nonce = self.nonce.to_be_bytes().to_vec();
        let seconds = client::timestamp().seconds;
        let builder = builder.nonce(nonce).timestamp(Timestamp { seconds, nanos: 0 });
        builder.sign(if by_admin { &self.admin } else { &self.user })
    }

    async fn ask(&mut self, signed: SignedProposal) -> Result<ProposalResponse, String> {
        let answer = self.endorser.process_proposal(signed).await;
        answer.map(tonic::Response::into_inner).map_err(|status| status.message().to_owned())
    }

    async fn query<M: Message + Default>(
        &mut self,
        builder: ProposalBuilder,
    ) -> Outcome<Option<M>> {
        let proposal = builder.sign(&self.user);
        let response = self.ask(proposal.signed).await?.response.unwrap_or_default();
        let found = (response.status == 200).then(|| M::decode(response.payload.as_slice()));
        Ok(found.transpose()?)
    }

    async fn block(&mut self, number: u64) -> Outcome<Block> {
        loop {
            match self.query(qscc::block_by_number(CHANNEL, number)).await? {
                Some(block) => return Ok(block),
                None => tokio::time::sleep(PAUSE).await,
            }
        }
    }

    async fn order(&mut self, envelopes: Vec<Vec<u8>>) -> Outcome<()> {
        let decoded = envelopes.iter().map(|bytes| Envelope::decode(bytes.as_slice()));
        let decoded: Vec<_> = decoded.collect::<Result<_, _>>()?;
        let answers = self.orderer.broadcast(tokio_stream::iter(decoded)).await?;
        let mut answers = answers.into_inner();
        while let Some(answer) = answers.next().await {
            let answer = answer?;
            if answer.status != 200 {
                return Err(format!("the orderer said {}: {}", answer.status, answer.info).into());
            }
        }
        Ok(())
    }
}

impl Comparison {
    async fn begin() -> Outcome<Self> {
        let mut live = Live::new()?;
        let info: Option<BlockchainInfo> = live.query(qscc::chain_info(CHANNEL)).await?;
        let height = info.ok_or("the live peer does not have the channel")?.height;
        let mut blocks = Vec::new();
        for number in 0..height {
            blocks.push(live.block(number).await?);
        }
        let endorser = live.peer.serialized().to_vec();
        let genesis = blocks.first().ok_or("there is no block")?;
        let replica = Replica::join(genesis, &endorser, &CHAINCODES)?;
        let setup = blocks.iter().map(Message::encode_to_vec).collect();
        let recording = Recording::new(setup, endorser);
        let (codes, differences) = (BTreeMap::new(), 0);
        let mut this = Self { live, replica, recording, calls: 0, height, codes, differences };
        for block in &blocks[1..] {
            this.commit(block);
        }
        Ok(this)
    }

    async fn run(&mut self, seed: u64, rounds: usize) -> Outcome<()> {
        let mut dice = Dice::new(seed);
        for _ in 0..rounds {
            let programs = (0..PROGRAMS).map(|_| program(&mut dice)).collect();
            let endorsed = self.endorse(programs).await?;
            let mut sent = Vec::new();
            for endorsed in &endorsed {
                if dice.one_in(20) {
                    sent.push(self.tampered(endorsed)?);
                } else if !dice.one_in(12) {
                    sent.push(self.sent(endorsed)?);
                }
            }
            if let Some(last) = sent.last()
                && dice.one_in(4)
            {
                sent.push(Sent { entry: last.entry.clone(), envelope: last.envelope.clone() });
            }
            self.settle(sent).await?;
        }
        self.hand_made().await
    }

    /// Both peers answer programs on the same state.
    async fn endorse(&mut self, programs: Vec<Program>) -> Outcome<Vec<Endorsed>> {
        let mut endorsed = Vec::new();
        for Program { chaincode, words, transient, by_admin } in programs {
            let mut builder = ProposalBuilder::new(CHANNEL, chaincode).args(words.clone());
            if !transient.is_empty() {
                builder = builder.transient([("t".to_owned(), transient.into_bytes())].into());
            }
            let proposal = self.live.proposal(builder, by_admin);
            let live = self.live.ask(proposal.signed.clone()).await;
            let answer = Answer::of(live.clone());
            let own = self.replica.answer(proposal.signed.clone());
            if answer != own {
                self.differ(&format!("{words:?}"), &show(&answer), &show(&own));
            }
            let call = Call::new(proposal.signed.clone(), answer);
            self.recording.steps.push(Step { event: Some(Event::Call(call)) });
            // Clients do not submit a transaction with a status below 200, although it is endorsed.
            if let Ok(response) = live
                && response.endorsement.is_some()
                && response.response.as_ref().is_some_and(|response| response.status >= 200)
            {
                endorsed.push(Endorsed { call: self.calls, proposal, response });
            }
            self.calls += 1;
        }
        Ok(endorsed)
    }

    fn sent(&mut self, endorsed: &Endorsed) -> Outcome<Sent> {
        let Endorsed { call, proposal, response } = endorsed;
        let envelope = client::transaction(&proposal.signed, std::slice::from_ref(response))?;
        let envelope = self.signed(envelope);
        if let Some(call) = self.recording.calls_mut().nth(*call) {
            let endorsement = response.endorsement.clone().unwrap_or_default();
            call.endorsement = endorsement.signature;
        }
        let signature = envelope.signature.clone();
        let entry = Entry { call: *call as u64, signature, ..Entry::default() };
        Ok(Sent { entry, envelope: envelope.encode_to_vec() })
    }

    /// Signs as the client of the proposal.
    fn signed(&self, envelope: Envelope) -> Envelope {
        let holds = |identity: &SigningIdentity| {
            let creator = identity.serialized();
            envelope.payload.windows(creator.len()).any(|bytes| bytes == creator)
        };
        let signer = if holds(&self.live.admin) { &self.live.admin } else { &self.live.user };
        client::sign_envelope(envelope, signer)
    }

    /// Returns a transaction with an invalid endorsement.
    fn tampered(&self, endorsed: &Endorsed) -> Outcome<Sent> {
        let mut response = endorsed.response.clone();
        let mut endorsement = Vec::new();
        if let Some(given) = &mut response.endorsement {
            given.signature.reverse();
            endorsement.clone_from(&given.signature);
        }
        let envelope = client::transaction(&endorsed.proposal.signed, &[response])?;
        let envelope = self.signed(envelope);
        let (call, signature) = (endorsed.call as u64, envelope.signature.clone());
        let entry = Entry { call, signature, endorsement, ..Entry::default() };
        Ok(Sent { entry, envelope: envelope.encode_to_vec() })
    }

    fn whole(&self, proposal: &ClientProposal, response: ProposalResponse) -> Outcome<Sent> {
        let envelope = client::transaction(&proposal.signed, &[response])?;
        let envelope = self.signed(envelope).encode_to_vec();
        Ok(Sent { entry: Entry { envelope: envelope.clone(), ..Entry::default() }, envelope })
    }

    /// Orders transactions and commits them on both peers.
    async fn settle(&mut self, sent: Vec<Sent>) -> Outcome<()> {
        if sent.is_empty() {
            return Ok(());
        }
        self.live.order(sent.iter().map(|sent| sent.envelope.clone()).collect()).await?;
        let mut sent = sent.into_iter().peekable();
        while sent.peek().is_some() {
            let block = self.live.block(self.height).await?;
            self.height += 1;
            let mut entries = Vec::new();
            for bytes in &block.data.as_ref().ok_or("a block has no data")?.data {
                let next = sent.next().ok_or("a block has what nobody sent")?;
                // An orderer may reorder a stream that it relays.
                let is_it = next.envelope == *bytes;
                entries.push(if is_it {
                    next.entry
                } else {
                    Entry { envelope: bytes.to_vec(), ..Entry::default() }
                });
            }
            let commit = Commit {
                header: block.header.clone(),
                entries,
                codes: tx_filter(&block).to_vec(),
                commit_hash: commit_hash(&block).unwrap_or_default(),
            };
            self.recording.steps.push(Step { event: Some(Event::Commit(commit)) });
            self.commit(&block);
        }
        Ok(())
    }

    fn commit(&mut self, block: &Block) {
        let number = block.header.as_ref().map_or(0, |header| header.number);
        for code in tx_filter(block) {
            *self.codes.entry(*code).or_default() += 1;
        }
        let told = |block: &Block| (tx_filter(block).to_vec(), commit_hash(block));
        match self.replica.commit(block.clone()) {
            Err(error) => self.differ(&format!("block {number}"), "committed", &error),
            Ok(committed) if told(&committed.block) == told(block) => {}
            Ok(committed) => {
                let (live, own) = (told(block), told(&committed.block));
                self.differ(&format!("block {number}"), &format!("{live:?}"), &format!("{own:?}"));
            }
        }
    }

    /// Sends sets that write a key twice, each in its own transaction.
    async fn hand_made(&mut self) -> Outcome<()> {
        let call = |words: &str| Program {
            chaincode: "probe",
            words: words.split(' ').map(str::to_owned).collect(),
            transient: String::new(),
            by_admin: false,
        };
        let all: Vec<String> = (0..8).map(|key| format!("put h{key} old")).collect();
        let first = self.endorse(vec![call(&format!("then {}", all.join(" ; ")))]).await?;
        let first: Vec<_> = first.iter().map(|one| self.sent(one)).collect::<Result<_, _>>()?;
        self.settle(first).await?;
        let sets = ["pp", "pd", "dp", "dd", "ppp", "xx", "ppx", "pdx", "pp"];
        let noops = self.endorse(sets.iter().map(|_| call("noop")).collect()).await?;
        let mut sent = Vec::new();
        for (index, (kinds, noop)) in sets.iter().zip(&noops).enumerate() {
            sent.push(self.forged(noop, &hand_made_set(&format!("h{index}"), kinds))?);
        }
        self.settle(sent).await?;
        let keys = (0..9).map(|key| call(&format!("then get h{key} ; history h{key}")));
        self.endorse(keys.collect()).await.map(drop)
    }

    /// Returns another read-write set under the peer's endorsement.
    fn forged(&self, endorsed: &Endorsed, set: &KvrwSet) -> Outcome<Sent> {
        let mut response = endorsed.response.clone();
        let mut payload = ProposalResponsePayload::decode(response.payload.as_slice())?;
        let mut action = ChaincodeAction::decode(payload.extension.as_slice())?;
        let ns = NsReadWriteSet {
            namespace: "probe".into(),
            rwset: set.encode_to_vec(),
            collection_hashed_rwset: Vec::new(),
        };
        action.results = TxReadWriteSet { data_model: 0, ns_rwset: vec![ns] }.encode_to_vec();
        payload.extension = action.encode_to_vec();
        response.payload = payload.encode_to_vec();
        let endorser = self.live.peer.serialized().to_vec();
        let signature = self.live.peer.sign(&[response.payload.as_slice(), &endorser].concat());
        response.endorsement = Some(Endorsement { endorser, signature });
        self.whole(&endorsed.proposal, response)
    }

    fn differ(&mut self, what: &str, live: &str, own: &str) {
        self.differences += 1;
        if self.differences <= 20 {
            say(&format!("{what}\n  live {live}\n  own  {own}"));
        }
    }

    fn report(&self) {
        let transactions: usize = self.codes.values().sum();
        let (calls, differences) = (self.calls, self.differences);
        say(&format!("{calls} calls, {transactions} transactions, {differences} differences"));
        say(&format!("verdicts {:?}", self.codes));
    }
}

/// Returns a set of writes: `p` puts, `d` deletes, `x` deletes metadata.
fn hand_made_set(key: &str, kinds: &str) -> KvrwSet {
    let mut set = KvrwSet::default();
    for (index, kind) in kinds.chars().enumerate() {
        match kind {
            'x' => {
                let write = KvMetadataWrite { key: key.into(), entries: Vec::new() };
                set.metadata_writes.push(write);
            }
            kind => set.writes.push(KvWrite {
                key: key.into(),
                is_delete: kind == 'd',
                value: if kind == 'd' { Vec::new() } else { format!("new{index}").into_bytes() },
            }),
        }
    }
    set
}

fn show(answer: &Answer) -> String {
    if !answer.refused.is_empty() {
        return format!("refused: {}", answer.refused);
    }
    let action = client::chaincode_action(&answer.payload).unwrap_or_default();
    let set = wasmcc_ledger::TxRwSet::decode(&action.results);
    format!("{:?} {} {set:?}", answer.response, answer.endorsed)
}

/// Reads the only file of a folder.
fn only(folder: &Path) -> Outcome<Vec<u8>> {
    let mut entries = fs::read_dir(folder)?;
    let entry = entries.next().ok_or_else(|| format!("{} is empty", folder.display()))??;
    Ok(fs::read(entry.path())?)
}

#[allow(clippy::print_stdout, reason = "the comparison's one output")]
fn say(text: &str) {
    println!("{text}");
}
