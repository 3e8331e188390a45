//! How the cost of a call and of a block grows: with installed chaincodes, with the transactions of
//! a block, with channels, and with event streams. `large_state` measures the growth with keys,
//! `gateway` the growth with calls in flight.
//!
//! Each chart is a process of its own, so that memory belongs to that chart. A point is a line
//! `scale: CHART SERIES X VALUE`.
#![allow(missing_docs, clippy::unwrap_used, clippy::panic, clippy::print_stdout)]

mod support;

use std::env;
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tonic::Streaming;
use tonic::transport::Channel;
use wasmcc_api::ServerConfig;
use wasmcc_client::ProposalBuilder;
use wasmcc_client::gateway::chaincode_events_request;
use wasmcc_ledger::LedgerConfig;
use wasmcc_msp::{NetworkSpec, SigningIdentity};
use wasmcc_node::Peer;
use wasmcc_node::sandbox::CHANNEL;
use wasmcc_tests::{
    Peers, Served, create_channel, deploy, deploy_code, guest, install_code, on_peer_thread,
    submit, user,
};
use wasmcc_types::proto::gateway::ChaincodeEventsResponse;
use wasmcc_types::proto::gateway::gateway_client::GatewayClient;
use wasmcc_types::proto::protos::TxValidationCode;

use crate::support::chain::{Chain, NAMESPACE};
use crate::support::memory::resident_bytes;

const CHART: &str = "WASMCC_SCALE_CHART";
const CHARTS: [(&str, fn()); 4] =
    [("chaincodes", chaincodes), ("block", blocks), ("channels", channels), ("streams", streams)];

const CHAINCODES: [usize; 5] = [1, 10, 100, 1_000, 10_000];
const BLOCKS: [usize; 7] = [1, 5, 10, 50, 100, 500, 2_000];
const CHANNELS: [usize; 4] = [1, 4, 16, 64];
const STREAMS: [usize; 4] = [1, 10, 100, 1_000];

/// Calls for the median and the 99th percentile.
const CALLS: usize = 4_000;
/// Transactions that are committed for each block size, at least 20 blocks.
const COMMITTED: usize = 5_000;
/// Unmeasured blocks at the start.
const WARM_UP: usize = 3;
/// Transactions on each channel, and for each number of streams.
const SUBMITTED: usize = 20;
/// Open streams per connection.
const STREAMS_OF_A_CONNECTION: usize = 200;

fn say(chart: &str, series: &str, x: usize, value: f64) {
    println!("scale: {chart} {series} {x} {value:.3}");
}

/// Returns the median and the 99th percentile, in microseconds.
fn quantiles(mut times: Vec<Duration>) -> (f64, f64) {
    times.sort_unstable();
    let at = |hundredth: usize| times[times.len() * hundredth / 100].as_secs_f64() * 1e6;
    (at(50), at(99))
}

fn megabytes() -> f64 {
    resident_bytes() as f64 / 1e6
}

fn peer() -> Arc<Peer> {
    Peers::new(&NetworkSpec::default()).peer(|_| {})
}

/// Returns a permutation of the numbers below `count` that does not favor a cache.
fn scattered(count: usize) -> impl Fn(usize) -> usize {
    move |index| index.wrapping_mul(2_654_435_761) % count
}

/// Returns the time of a call of a chaincode on a channel.
fn call(peer: &Peer, user: &SigningIdentity, [channel, name]: &[String; 2]) -> Duration {
    let proposal = ProposalBuilder::new(channel, name).args(["get", "k"]).sign(user);
    let begin = Instant::now();
    let done = peer.process(proposal.signed).unwrap();
    assert_eq!(done.response.response.unwrap().status, 200);
    begin.elapsed()
}

/// Measures calls; `place` returns the channel and chaincode of each.
fn timed(peer: &Peer, user: &SigningIdentity, place: impl Fn(usize) -> [String; 2]) -> (f64, f64) {
    quantiles((0..CALLS).map(|index| call(peer, user, &place(index))).collect())
}

/// Calls of chaincodes with the same component but their own names, packages and definitions.
fn chaincodes() {
    let (peer, code) = (peer(), guest("probe"));
    create_channel(&peer, CHANNEL);
    let user = user(&peer);
    let name = |number: usize| format!("cc{number}");
    let mut installed = 0;
    for count in CHAINCODES {
        let begin = Instant::now();
        for number in installed..count {
            install_code(&peer, &name(number), "1.0", &code);
            deploy_code(&peer, CHANNEL, &name(number), "1.0");
        }
        let each = begin.elapsed().as_secs_f64() * 1e3 / (count - installed) as f64;
        installed = count;
        let scattered = scattered(count);
        let place = |index| [CHANNEL.to_owned(), name(scattered(index))];
        // Each is called once before: the first call reads the package.
        on_peer_thread(|| {
            for number in 0..count {
                call(&peer, &user, &place(number));
            }
        });
        let (p50, p99) = on_peer_thread(|| timed(&peer, &user, place));
        say("chaincodes", "evaluate_p50_us", count, p50);
        say("chaincodes", "evaluate_p99_us", count, p99);
        say("chaincodes", "resident_mb", count, megabytes());
        say("chaincodes", "deploy_ms", count, each);
    }
}

/// Commits of blocks without signatures, each transaction with two reads and two writes.
fn blocks() {
    for txs in BLOCKS {
        let dir = tempfile::tempdir().unwrap();
        let chain = Chain::open(dir.path(), LedgerConfig::default());
        let mut spent = Duration::ZERO;
        let rounds = (COMMITTED / txs).clamp(20, 500);
        for round in 0..WARM_UP + rounds {
            let block = chain.block(txs, |simulator, index| {
                for account in ["from", "to"] {
                    let key = format!("{account}{index:06}");
                    let found = simulator.get_state(NAMESPACE, &key).unwrap();
                    let value = format!("{:100}", found.map_or(0, |value| value.len()));
                    simulator.put_state(NAMESPACE, &key, value.into_bytes()).unwrap();
                }
            });
            let begin = Instant::now();
            assert_eq!(chain.commit(block), txs);
            if round >= WARM_UP {
                spent += begin.elapsed();
            }
        }
        let seconds = spent.as_secs_f64();
        say("block", "commit_tx_per_s", txs, (rounds * txs) as f64 / seconds);
        say("block", "commit_ms", txs, seconds * 1e3 / rounds as f64);
    }
}

fn submit_put(peer: &Peer, user: &SigningIdentity, channel: &str, args: &[&str]) {
    let proposal = ProposalBuilder::new(channel, "probe").args(args.iter().copied());
    assert_eq!(submit(peer, channel, proposal, user), Ok(TxValidationCode::Valid));
}

/// Calls and transactions on channels of one peer, in turn.
fn channels() {
    let peer = peer();
    let (user, name) = (user(&peer), |number: usize| format!("channel{number}"));
    install_code(&peer, "probe", "1.0", &guest("probe"));
    let mut joined = 0;
    for count in CHANNELS {
        for number in joined..count {
            create_channel(&peer, &name(number));
            deploy_code(&peer, &name(number), "probe", "1.0");
        }
        joined = count;
        let place = |index: usize| [name(index % count), "probe".to_owned()];
        let (p50, p99) = on_peer_thread(|| timed(&peer, &user, place));
        say("channels", "evaluate_p50_us", count, p50);
        say("channels", "evaluate_p99_us", count, p99);
        let begin = Instant::now();
        for round in 0..SUBMITTED {
            for number in 0..count {
                submit_put(&peer, &user, &name(number), &["put", "k", &round.to_string()]);
            }
        }
        let each = begin.elapsed().as_secs_f64() * 1e3 / (SUBMITTED * count) as f64;
        say("channels", "submit_ms", count, each);
        say("channels", "resident_mb", count, megabytes());
    }
}

/// Transactions with an event, until every stream has received it.
fn streams() {
    let peer = peer();
    create_channel(&peer, CHANNEL);
    deploy(&peer, CHANNEL, "probe", "probe");
    let (served, user) = (Served::with(Arc::clone(&peer), ServerConfig::default()), user(&peer));
    let mut open: Vec<Streaming<ChaincodeEventsResponse>> = Vec::new();
    let mut connection: Option<Channel> = None;
    for count in STREAMS {
        while open.len() < count {
            if open.len().is_multiple_of(STREAMS_OF_A_CONNECTION) {
                connection = Some(served.connect());
            }
            let mut gateway = GatewayClient::new(connection.clone().unwrap());
            let request = chaincode_events_request(CHANNEL, "probe", None, &user);
            open.push(served.wait(gateway.chaincode_events(request)).unwrap().into_inner());
        }
        let mut times = Vec::new();
        for round in 0..SUBMITTED {
            let begin = Instant::now();
            submit_put(&peer, &user, CHANNEL, &["event", "e", &round.to_string()]);
            for stream in &mut open {
                let events = served.wait(stream.message()).unwrap().unwrap().events;
                assert_eq!(events.len(), 1);
            }
            times.push(begin.elapsed());
        }
        let (p50, _) = quantiles(times);
        say("streams", "submit_to_last_event_ms", count, p50 / 1e3);
        say("streams", "resident_mb", count, megabytes());
    }
}

fn main() {
    match env::var(CHART) {
        Ok(name) => CHARTS.iter().find(|(chart, _)| *chart == name).unwrap().1(),
        Err(_) => {
            for (chart, _) in CHARTS {
                let status = Command::new(env::current_exe().unwrap()).env(CHART, chart).status();
                assert!(status.unwrap().success(), "{chart}");
            }
        }
    }
}
