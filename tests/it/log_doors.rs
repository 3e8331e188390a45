//! Log lines about refused connections.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;

use serde_json::json;
use wasmcc_node::sandbox::Sandbox;
use wasmcc_tests::certificates::{Authority, Credentials};
use wasmcc_tests::guest_path;
use wasmcc_tests::program::Site;

use crate::serve::Process;

const HERE: &[&str] = &["localhost", "127.0.0.1"];
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";

fn write(site: &Site, name: &str, (certificate, key): Credentials) {
    fs::write(site.path(&format!("{name}.crt")), certificate).unwrap();
    fs::write(site.path(&format!("{name}.key")), key).unwrap();
}

/// Sends some bytes and waits until the other side has closed the connection.
fn say(address: &str, words: &[u8]) {
    let mut stream = TcpStream::connect(address).unwrap();
    // The other side may close before.
    let _ = stream.write_all(words);
    let _ = stream.read_to_end(&mut Vec::new());
}

/// Returns the lines with these texts, one per client. A client may try again, so the same line
/// counts once.
#[track_caller]
fn lines_of(lines: &[String], words: &str, reasons: &[&str]) {
    let mut found: Vec<_> = lines.iter().filter(|line| line.contains(words)).collect();
    found.dedup_by_key(|line| line.split_once("error=").unwrap().1);
    assert_eq!(found.len(), reasons.len(), "{lines:#?}");
    for (line, reason) in found.iter().zip(reasons) {
        assert!(line.contains(" WARN ") && line.contains("client=127.0.0.1:"), "{line}");
        assert!(line.contains(reason), "{reason}: {line}");
    }
}

/// Lets a peer dial a service with TLS, which refuses the peer.
fn dial(address: &str, root: &Authority, client: Option<Credentials>) {
    let (certificate, key) = client.clone().unwrap_or_default();
    let connection = json!({
        "address": address, "tls_required": true, "root_cert": root.certificate(),
        "client_auth_required": client.is_some(), "client_cert": certificate, "client_key": key,
    });
    let sandbox = Sandbox::new().unwrap();
    sandbox.deploy("probe", connection.to_string().as_bytes()).unwrap_err();
}

#[test]
fn a_service_tells_of_clients_that_do_not_get_through_its_tls() {
    let site = Site::new();
    let (ours, theirs) = (Authority::new("ours"), Authority::new("theirs"));
    write(&site, "server", ours.issue(HERE));
    fs::write(site.path("ca.crt"), ours.certificate()).unwrap();
    let path = |name: &str| site.path(name).to_str().unwrap().to_owned();
    let target = format!("{}=probe:1.0@127.0.0.1:0", guest_path("probe").display());
    let [certificate, key, ca] = ["server.crt", "server.key", "ca.crt"].map(path);
    let tls = ["--tls-cert", &certificate, "--tls-key", &key, "--client-ca-cert", &ca];
    let tls = [&tls[..], &["--tls-disabled=false"]].concat();
    let mut process = Process::start(&[&[target.as_str()], &tls[..]].concat());
    let address = process.address("probe:1.0");
    dial(&address, &ours, None);
    dial(&address, &theirs, Some(ours.issue(&[])));
    dial(&address, &ours, Some(theirs.issue(&[])));
    dial(&address, &ours, Some(ours.issue_expired(&[])));
    say(&address, PREFACE);
    let reasons = [
        "no certificate",
        "received fatal alert",
        "invalid peer certificate",
        "invalid peer certificate",
        "does the client speak TLS?",
    ];
    lines_of(&process.terminated(), "a TLS handshake failed", &reasons);
}

#[test]
fn a_service_without_tls_tells_of_clients_that_speak_something_else() {
    let target = format!("{}=probe:1.0@127.0.0.1:0", guest_path("probe").display());
    let mut process = Process::start(&[&target]);
    let address = process.address("probe:1.0");
    dial(&address, &Authority::new("ours"), None);
    say(&address, b"GET / HTTP/1.1\r\n\r\n");
    let sandbox = Sandbox::new().unwrap();
    let connection = format!(r#"{{"address": "{address}"}}"#);
    sandbox.deploy("probe", connection.as_bytes()).unwrap();
    let reasons = ["it speaks TLS, and this address has none", "it does not speak HTTP/2"];
    lines_of(&process.terminated(), "a connection is refused", &reasons);
}

#[test]
fn a_peer_tells_of_clients_that_do_not_get_through_its_tls() {
    let site = Site::new();
    let ours = Authority::new("ours");
    write(&site, "server", ours.issue(HERE));
    write(&site, "client", ours.issue(&[]));
    fs::write(site.path("ca.crt"), ours.certificate()).unwrap();
    let tls = ["--tls-cert", "server.crt", "--tls-key", "server.key", "--tls-client-ca", "ca.crt"];
    let peer = site.peer(&[&["--in-memory"], &tls[..]].concat());
    peer.run(&["channels", "--tls-ca", "ca.crt", "--timeout", "20s"]).failed(1);
    say(peer.address(), PREFACE);
    let known = ["--tls-ca", "ca.crt", "--tls-cert", "client.crt", "--tls-key", "client.key"];
    peer.run(&[&["channels"], &known[..]].concat()).ok();
    let log = peer.terminate().ok().err;
    let lines: Vec<String> = log.lines().map(str::to_owned).collect();
    let reasons = ["no certificate", "does the client speak TLS?"];
    lines_of(&lines, "a TLS handshake failed", &reasons);
}

/// A client that connects again and again fills neither the log nor the disk.
#[test]
fn lines_that_clients_can_cause_are_counted_when_there_are_too_many() {
    let site = Site::new();
    let peer = site.peer(&["--in-memory", "--tls"]);
    for _ in 0..1_500 {
        say(peer.address(), b"no TLS");
    }
    let log = peer.terminate().ok().err;
    let shown = log.lines().filter(|line| line.contains("a TLS handshake failed")).count();
    let counted = log.lines().filter_map(|line| {
        let (before, _) = line.split_once(" more lines from wasmcc_tls::door (line ")?;
        before.rsplit(' ').next()?.parse::<usize>().ok()
    });
    let counted = counted.sum::<usize>();
    assert!(counted > 0 && shown >= 1_000, "{shown} shown, {counted} counted");
    assert_eq!(shown + counted, 1_500);
}

#[test]
fn a_peer_tells_of_clients_for_whom_it_has_no_connection() {
    let site = Site::new();
    let options = ["--in-memory", "--connections", "1", "--grace", "100ms"];
    let long = ["--execute-timeout", "1h", "--fuel", "1000000000000000000"];
    let mut peer = site.peer(&[&options[..], &long].concat());
    peer.deploy("hostile");
    let endless = r#"{"Args":["spam-log","4000000000"]}"#;
    let endless = peer.start(&["query", "-n", "hostile", "-c", endless]);
    // From then on the one connection is in use.
    peer.wait_for_line("wasmcc::chaincode: line 0");
    let refused = peer.run(&["channels", "--timeout", "20s"]).failed(1);
    assert!(refused.contains("--connections"), "{refused}");
    drop(endless);
    let log = peer.terminate().ok().err;
    let lines: Vec<String> = log.lines().map(str::to_owned).collect();
    let reasons = ["the limit of connections is reached, and all are in use"];
    lines_of(&lines, "a connection is refused", &reasons);
}
