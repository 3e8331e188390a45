//! Clients of the gateway: Fabric's calls over loopback gRPC with TLS. The clients run on the same
//! processors as the program `wasmcc peer`. The calls are transfers (2 reads, 2 writes). With the
//! variable `WASMCC_GATEWAY_SCALE`, the number of calls in flight varies.
#![allow(missing_docs, clippy::unwrap_used, clippy::print_stdout)]

use std::hint::black_box;
use std::time::{Duration, Instant};

use tokio::runtime::Runtime;
use tokio::task::JoinSet;
use tonic::Code;
use wasmcc_msp::{Msp, MspManager, Network, forget_signatures};
use wasmcc_tests::gateway_client::GatewayClient;
use wasmcc_tests::guest_path;
use wasmcc_tests::measure::{cpu_us, median};
use wasmcc_tests::program::Site;

/// Concurrent calls.
const IN_FLIGHT: usize = 64;
/// Shared connections.
const CONNECTIONS: usize = 4;
const WARM_UP: Duration = Duration::from_secs(1);
const ROUND: Duration = Duration::from_secs(3);
const ROUNDS: usize = 3;
const ALONE: usize = 1_001;
/// Signatures of a submit that the peer must verify: those of the proposal, of the transaction and
/// of the commit status request. The endorsement is its own, and the block repeats the
/// transaction's signature.
const VERIFICATIONS: f64 = 3.0;
const SCALE: &str = "WASMCC_GATEWAY_SCALE";
const SCALED_IN_FLIGHT: [usize; 7] = [1, 4, 16, 64, 256, 1_000, 2_000];

#[derive(Clone, Copy)]
enum Call {
    Evaluate,
    Submit,
}

/// The results of one round.
struct Round {
    per_s: f64,
    p99_ms: f64,
    calls: usize,
    /// Calls that the peer refused because too many were waiting.
    refused: usize,
}

/// Returns the accounts of a lane, which no other lane uses, so that transactions do not conflict.
fn accounts(lane: usize) -> [String; 2] {
    ["a", "b"].map(|side| format!("{side}{lane}"))
}

/// Keeps all lanes busy for a time.
async fn run(clients: &[GatewayClient], lanes: usize, call: Call, time: Duration) -> Round {
    let (begin, count) = (Instant::now(), lanes);
    let mut lanes = JoinSet::new();
    for lane in 0..count {
        let mut client = clients[lane % clients.len()].clone();
        lanes.spawn(async move {
            let [from, to] = accounts(lane);
            let (mut times, mut refused) = (Vec::new(), 0);
            while begin.elapsed() < time {
                let started = Instant::now();
                let args = ["transfer", &from, &to, "1"];
                let called = match call {
                    Call::Evaluate => client.evaluate(&args).await,
                    Call::Submit => client.submit(&args).await,
                };
                match called {
                    Ok(()) => times.push(started.elapsed().as_secs_f64() * 1e3),
                    Err(status) => {
                        assert_eq!(status.code(), Code::ResourceExhausted, "{status}");
                        refused += 1;
                    }
                }
            }
            (times, refused)
        });
    }
    let (times, refused): (Vec<_>, Vec<usize>) = lanes.join_all().await.into_iter().unzip();
    let (mut times, elapsed) = (times.concat(), begin.elapsed().as_secs_f64());
    times.sort_by(f64::total_cmp);
    let (calls, refused) = (times.len(), refused.iter().sum());
    Round { per_s: calls as f64 / elapsed, p99_ms: times[calls * 99 / 100], calls, refused }
}

/// Returns rounds of a call, and the peer's processor time per call.
async fn rounds(clients: &[GatewayClient], call: Call, process: u32) -> (Vec<Round>, f64) {
    run(clients, IN_FLIGHT, call, WARM_UP).await;
    let before = cpu_us(process);
    let mut rounds = Vec::new();
    for _ in 0..ROUNDS {
        let round = run(clients, IN_FLIGHT, call, ROUND).await;
        assert_eq!(round.refused, 0, "so few calls are served");
        rounds.push(round);
    }
    let calls: usize = rounds.iter().map(|round| round.calls).sum();
    let cpu = (cpu_us(process) - before) / calls as f64;
    (rounds, cpu)
}

/// Returns the time of a submit's signatures on this machine, in microseconds.
fn signatures_us(network: &Network) -> f64 {
    let org = network.orgs().first().unwrap();
    let (signer, message) = (org.user("User1").unwrap(), [7; 1_000]);
    let msps = MspManager::new([Msp::from_config(org.msp_config()).unwrap()]);
    let identity = msps.deserialize(signer.serialized()).unwrap();
    let signature = signer.sign(&message);
    let time = |work: &dyn Fn()| {
        let times = (0..501).map(|_| {
            // A peer has not cached a client's signature.
            forget_signatures();
            let started = Instant::now();
            work();
            started.elapsed().as_secs_f64() * 1e6
        });
        median(times.collect())
    };
    let verify = time(&|| identity.verify(&message, &signature).unwrap());
    let sign = time(&|| drop(black_box(signer.sign(&message))));
    VERIFICATIONS * verify + sign
}

/// One round of each call for each number of calls in flight.
async fn scale(clients: &[GatewayClient]) {
    for lanes in SCALED_IN_FLIGHT {
        for (name, call) in [("evaluate", Call::Evaluate), ("submit", Call::Submit)] {
            run(clients, lanes, call, WARM_UP).await;
            let Round { per_s, p99_ms, calls, refused } = run(clients, lanes, call, ROUND).await;
            let refused = refused as f64 * 100.0 / (calls + refused) as f64;
            println!("scale: in_flight {name}_per_s {lanes} {per_s:.1}");
            println!("scale: in_flight {name}_p99_ms {lanes} {p99_ms:.2}");
            // The axis of the chart is logarithmic.
            if refused > 0.0 {
                println!("scale: in_flight {name}_refused_percent {lanes} {refused:.2}");
            }
        }
    }
}

fn main() {
    let tokio = Runtime::new().unwrap();
    let site = Site::new();
    let peer = site.try_peer(&["--tls", "--data", "data"]).unwrap();
    let path = guest_path("transfer").to_str().unwrap();
    peer.run(&["deploy", path, "--name", "transfer", "--tls"]).ok();
    let network = Network::open(&site.path("net")).unwrap();
    let org = network.orgs().first().unwrap();
    let (root, process) = (org.tls_ca_certificate(), peer.process());

    tokio.block_on(async {
        let mut clients = Vec::new();
        for _ in 0..CONNECTIONS {
            let signer = org.user("User1").unwrap();
            let client = GatewayClient::connect(peer.address(), root, signer, "transfer").await;
            clients.push(client.unwrap());
        }
        let is_scaled = std::env::var_os(SCALE).is_some();
        let lanes =
            if is_scaled { SCALED_IN_FLIGHT[SCALED_IN_FLIGHT.len() - 1] } else { IN_FLIGHT };
        for name in (0..lanes).flat_map(accounts) {
            clients[0].submit(&["open", &name, "1000000000"]).await.unwrap();
        }
        if is_scaled {
            return scale(&clients).await;
        }
        let mut times = Vec::new();
        for _ in 0..ALONE {
            let started = Instant::now();
            clients[0].evaluate(&["transfer", "a0", "b0", "1"]).await.unwrap();
            times.push(started.elapsed().as_secs_f64() * 1e6);
        }
        println!("gateway: evaluate_alone_us {:.1}", median(times));
        let of =
            |rounds: &[Round], value: fn(&Round) -> f64| median(rounds.iter().map(value).collect());
        let (evaluated, cpu) = rounds(&clients, Call::Evaluate, process).await;
        println!("gateway: evaluate_per_s {:.1}", of(&evaluated, |round| round.per_s));
        println!("gateway: evaluate_p99_ms {:.2}", of(&evaluated, |round| round.p99_ms));
        println!("gateway: evaluate_cpu_us {cpu:.1}");
        let (submitted, cpu) = rounds(&clients, Call::Submit, process).await;
        println!("gateway: submit_per_s {:.1}", of(&submitted, |round| round.per_s));
        println!("gateway: submit_p99_ms {:.2}", of(&submitted, |round| round.p99_ms));
        println!("gateway: submit_cpu_us {cpu:.1}");
        println!("gateway: submit_cpu_to_limit {:.2}", cpu / signatures_us(&network));
    });
    peer.terminate().ok();
}
