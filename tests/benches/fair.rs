//! A quick query over gRPC, alone and beside 64 calls of a chaincode that never answers and 8
//! guests that compute without end.
#![allow(missing_docs, clippy::unwrap_used, clippy::print_stdout)]

mod support;

use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use wasmcc_api::ServerConfig;
use wasmcc_client::ProposalBuilder;
use wasmcc_msp::{NetworkSpec, SigningIdentity};
use wasmcc_node::sandbox::CHANNEL;
use wasmcc_runtime::Limits;
use wasmcc_tests::{
    Peers, Scripted, Served, create_channel, deploy, deploy_code, install_code, trusting, user,
};
use wasmcc_types::proto::protos::SignedProposal;
use wasmcc_types::proto::protos::endorser_client::EndorserClient;
use wasmcc_workers::Workers;

const QUERIES: usize = 10_000;
const WARM_UP: usize = 200;
const SLEEPING: usize = 64;
const COMPUTING: usize = 8;
/// Limit for the 99th percentile under load: a multiple of the time without load, plus this
/// duration.
const MOST: (u32, Duration) = (3, Duration::from_millis(20));

fn propose(user: &SigningIdentity, chaincode: &str, args: &[&str]) -> SignedProposal {
    ProposalBuilder::new(CHANNEL, chaincode).args(args.iter().copied()).sign(user).signed
}

/// Returns the 99th percentile of a query's time.
fn p99(served: &Served, user: &SigningIdentity) -> Duration {
    let mut client = EndorserClient::new(served.connect());
    let mut times: Vec<Duration> = (0..WARM_UP + QUERIES)
        .map(|_| {
            let signed = propose(user, "probe", &["get", "k"]);
            let begin = Instant::now();
            let answer = served.wait(client.process_proposal(signed)).unwrap().into_inner();
            let time = begin.elapsed();
            assert_eq!(answer.response.unwrap().status, 200);
            time
        })
        .skip(WARM_UP)
        .collect();
    times.sort_unstable();
    times[QUERIES * 99 / 100]
}

fn main() {
    let peer = Peers::new(&NetworkSpec::default()).peer(|config| {
        config.runtime = None;
        config.support.external = trusting();
        config.limits = Limits { instances: 128, fuel: u64::MAX / 2, ..Limits::default() };
        config.support.execute_timeout = Duration::from_secs(3_600);
    });
    create_channel(&peer, CHANNEL);
    for name in ["probe", "hostile"] {
        deploy(&peer, CHANNEL, name, name);
    }
    install_code(&peer, "cc", "1.0", br#"{"external": true}"#);
    let (mut cc, _) = Scripted::ready_at(&peer, 2 * SLEEPING, "cc:1.0");
    thread::scope(|scope| {
        scope.spawn(|| deploy_code(&peer, CHANNEL, "cc", "1.0"));
        let init = cc.hear();
        cc.complete(&init);
    });
    let processors = thread::available_parallelism().map_or(1, usize::from);
    let workers = Workers::new(processors, 1_000).unwrap();
    let served = Served::with_workers(Arc::clone(&peer), ServerConfig::default(), workers);
    let user = user(&peer);
    let alone = p99(&served, &user);
    let calls: Vec<_> = (0..SLEEPING)
        .map(|_| propose(&user, "cc", &["never"]))
        .chain((0..COMPUTING).map(|_| propose(&user, "hostile", &["loop"])))
        .map(|signed| served.propose(signed))
        .collect();
    while peer.support().calls().taken() < SLEEPING + COMPUTING {
        thread::yield_now();
    }
    let beside = p99(&served, &user);
    assert!(calls.iter().all(|call| !call.is_finished()));
    calls.iter().for_each(|call| call.abort());
    println!("fair: p99 alone {} us", alone.as_micros());
    println!("fair: p99 beside others {} us", beside.as_micros());
    println!("fair: p99_ratio {:.2}", beside.div_duration_f64(alone));
    let (times, more) = MOST;
    let most = times * alone + more;
    assert!(beside <= most, "{beside:?} beside others, at most {most:?}");
}
