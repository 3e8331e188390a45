//! The waiting times of a developer with `wasmcc dev`: until the network answers, until a saved
//! component answers, and until a transaction is committed.
#![allow(missing_docs, clippy::unwrap_used, clippy::panic, clippy::print_stdout)]

use std::fs;
use std::time::{Duration, Instant};

use serde_json::Value;
use tokio::runtime::Runtime;
use wasmcc_msp::Network;
use wasmcc_tests::dev::{Dev, Folder};
use wasmcc_tests::gateway_client::GatewayClient;
use wasmcc_tests::guest_path;
use wasmcc_tests::measure::median;

const STARTS: usize = 7;
const RELOADS: usize = 11;
const SUBMITS: usize = 101;
/// The pause between attempts: the measured program needs the processors.
const PAUSE: Duration = Duration::from_millis(2);

/// Returns None if there is no listener yet.
async fn connect(address: &str, folder: &Folder) -> Option<GatewayClient> {
    // The identities are made before the network listens.
    let network = Network::open(&folder.path("organizations")).ok()?;
    let org = network.org("Org1MSP").unwrap();
    let (root, signer) = (org.tls_ca_certificate(), org.user("User1").unwrap());
    GatewayClient::connect(address, root, signer, "basic").await
}

/// Returns when the chaincode answers.
async fn answers(client: &mut GatewayClient, args: &[&str]) {
    while client.evaluate(args).await.is_err() {
        tokio::time::sleep(PAUSE).await;
    }
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

/// Returns the time from the command to an answer of a component that was compiled before.
fn ready(tokio: &Runtime, folder: &Folder, args: &[&str], address: &str) -> (f64, Dev) {
    let started = Instant::now();
    let dev = folder.start_dev(args);
    tokio.block_on(async {
        let mut client = loop {
            match connect(address, folder).await {
                Some(client) => break client,
                None => tokio::time::sleep(PAUSE).await,
            }
        };
        answers(&mut client, &["AssetExists", "a"]).await;
    });
    (ms(started), dev)
}

/// Returns a component with the same behavior that has not been compiled yet.
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

    let mut client = tokio.block_on(connect(&address, &folder)).unwrap();
    let mut times = Vec::new();
    for number in 0..SUBMITS {
        let id = format!("asset{number}");
        let started = Instant::now();
        tokio.block_on(client.submit(&["CreateAsset", &id, "blue", "5", "Tomoko", "300"])).unwrap();
        times.push(ms(started));
    }
    println!("dev: submit_single_ms {:.2}", median(times));

    let mut times = Vec::new();
    for number in 0..RELOADS {
        // Each answers the call that the other one refuses.
        let (guest, call) = match number % 2 {
            0 => ("probe", &["get", "k"][..]),
            _ => ("asset-transfer-basic", &["AssetExists", "a"][..]),
        };
        let new = folder.path("new component");
        fs::write(&new, new_component(guest, number)).unwrap();
        let started = Instant::now();
        fs::rename(&new, folder.path("basic.wasm")).unwrap();
        tokio.block_on(answers(&mut client, call));
        times.push(ms(started));
    }
    println!("dev: reload_ms {:.1}", median(times));
    dev.signal("INT").ok();
}
