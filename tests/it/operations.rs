//! The operations address, used like probes, Prometheus and operators do.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Arc;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};
use wasmcc_metrics as metrics;
use wasmcc_tests::certificates::{Authority, Credentials};
use wasmcc_tests::guest_path;
use wasmcc_tests::program::{Client, Peer, Site};

use crate::serve::Process;

const LISTEN: [&str; 2] = ["--operations-listen", "127.0.0.1:0"];

/// Returns the address in a line of the log.
fn address(line: &str) -> String {
    line.rsplit("://").next().unwrap().trim().to_owned()
}

fn operations(peer: &mut Peer<'_>) -> String {
    address(&peer.line("operations on http"))
}

/// Returns status and body of an answer.
fn parse(answer: &str) -> (u16, String) {
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or_else(|| panic!("{answer:?}"));
    (head.split(' ').nth(1).unwrap().parse().unwrap(), body.to_owned())
}

/// Sends a request with these header lines and this body.
fn send(address: &str, first: &str, head: &[&str], body: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(address).unwrap();
    let head: String = head.iter().map(|line| format!("{line}\r\n")).collect();
    let bytes = body.len();
    let request = format!(
        "{first} HTTP/1.1\r\nConnection: close\r\n{head}Content-Length: {bytes}\r\n\r\n{body}"
    );
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    parse(&answer)
}

fn ask(address: &str, first: &str) -> (u16, String) {
    send(address, first, &[&format!("Host: {address}")], "")
}

fn get_json(address: &str, path: &str) -> (u16, Value) {
    let (status, body) = ask(address, &format!("GET {path}"));
    (status, serde_json::from_str(&body).unwrap_or_else(|_| panic!("{path}: {body:?}")))
}

fn put_spec(address: &str, body: &str) -> (u16, String) {
    send(address, "PUT /logspec", &[&format!("Host: {address}")], body)
}

fn metrics_of(address: &str) -> String {
    let (status, text) = ask(address, "GET /metrics");
    assert_eq!(status, 200, "{text}");
    text
}

/// Returns the value of a series; its labels are sorted.
fn value(text: &str, series: &str) -> Option<f64> {
    let line = text.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
    line.map(|value| value.parse().unwrap())
}

fn probe(peer: &Client<'_>, verb: &str, args: &[&str]) -> Value {
    let input = json!({ "Args": args }).to_string();
    peer.run(&[verb, "-n", "probe", "-c", &input, "--json"]).ok().json()
}

#[test]
fn health_and_version_are_answered_as_by_a_fabric_peer() {
    let site = Site::new();
    let mut peer = site.peer(&[&LISTEN[..], &["--data", "data"]].concat());
    let address = operations(&mut peer);
    let (status, health) = get_json(&address, "/healthz");
    assert_eq!((status, &health["status"]), (200, &json!("OK")));
    assert!(
        health["time"].as_str().unwrap().ends_with('Z') && health.get("failed_checks").is_none()
    );
    assert_eq!(ask(&address, "POST /healthz").0, 405);
    let version = json!({ "Version": env!("CARGO_PKG_VERSION") });
    assert_eq!(get_json(&address, "/version"), (200, version));
    let (status, refused) = ask(&address, "DELETE /version");
    assert_eq!((status, refused.as_str()), (400, r#"{"Error":"invalid request method: DELETE"}"#));
    assert_eq!(ask(&address, "GET /").0, 404);
    // The folder disappears, like a failing disk.
    fs::rename(site.path("data"), site.path("elsewhere")).unwrap();
    let (status, health) = get_json(&address, "/healthz");
    assert_eq!((status, &health["status"]), (503, &json!("Service Unavailable")));
    let [failed] = health["failed_checks"].as_array().unwrap().as_slice() else {
        panic!("{health}")
    };
    assert_eq!(failed["component"], "ledger");
    assert!(failed["reason"].as_str().unwrap().starts_with("cannot write in data: "), "{failed}");
    fs::rename(site.path("elsewhere"), site.path("data")).unwrap();
    assert_eq!(get_json(&address, "/healthz").0, 200);
}

#[test]
fn a_disk_with_less_room_than_there_should_be_is_reported() {
    let site = Site::new();
    let mut peer = site.peer(&[&LISTEN[..], &["--operations-disk-mib", "4000000000"]].concat());
    let (status, health) = get_json(&operations(&mut peer), "/healthz");
    assert_eq!(status, 503);
    let reason = health["failed_checks"][0]["reason"].as_str().unwrap();
    assert!(reason.ends_with(", less than 4000000000"), "{reason}");
}

#[test]
fn web_sites_get_nothing() {
    let site = Site::new();
    let mut peer = site.peer(&[&LISTEN[..], &["--in-memory"]].concat());
    let address = operations(&mut peer);
    let host = format!("Host: {address}");
    let page = [host.as_str(), "Origin: https://example.com"];
    assert_eq!(send(&address, "PUT /logspec", &page, r#"{"spec":"debug"}"#).0, 403);
    assert_eq!(send(&address, "GET /metrics", &["Host: example.com"], "").0, 403);
    assert_eq!(send(&address, "GET /metrics", &["Host: localhost:1"], "").0, 200);
    let (_, spec) = get_json(&address, "/logspec");
    assert_eq!(spec["spec"], "transaction=warn:wasmcc=info:warn");
}

#[test]
fn metrics_count_what_a_peer_does() {
    let site = Site::new();
    let mut peer = site.peer(&[&LISTEN[..], &["--in-memory"]].concat());
    let address = operations(&mut peer);
    peer.deploy("probe");
    assert_eq!(probe(&peer, "invoke", &["put", "k", "v"])["status"], "VALID");
    probe(&peer, "query", &["get", "k"]);
    // Names that a client invents do not become series.
    let invented = ["query", "-n", "invented", "-C", "nowhere", "-c", r#"{"Args":["x"]}"#];
    peer.run(&invented).failed(1);
    peer.run(&["channel", "fetch", "newest", "newest.block"]).ok();
    let text = metrics_of(&address);
    let of_probe = r#"{chaincode="probe",channel="mychannel""#;
    let method = r#"{method="Submit",service="gateway_Gateway"}"#;
    let deliver = r#"{method="Deliver",service="orderer_AtomicBroadcast"}"#;
    for (series, least) in [
        ("endorser_proposals_received".to_owned(), 5.0),
        ("endorser_successful_proposals".to_owned(), 5.0),
        (format!("endorser_proposal_duration_count{of_probe},success=\"true\"}}"), 2.0),
        (format!("wasmcc_chaincode_host_calls_total{of_probe}}}"), 2.0),
        (format!("wasmcc_chaincode_fuel_total{of_probe}}}"), 1_000.0),
        ("chaincode_launch_duration_count{chaincode=\"probe:1.0\",success=\"true\"}".into(), 1.0),
        ("ledger_blockchain_height{channel=\"mychannel\"}".into(), 3.0),
        ("ledger_blockstorage_commit_time_count{channel=\"mychannel\"}".into(), 2.0),
        ("ledger_statedb_commit_time_count{channel=\"mychannel\"}".into(), 2.0),
        ("ledger_block_processing_time_count{channel=\"mychannel\"}".into(), 2.0),
        ("blockcutter_block_fill_duration_count{channel=\"mychannel\"}".into(), 2.0),
        (format!("grpc_server_unary_requests_received{method}"), 2.0),
        (format!("grpc_server_stream_messages_received{deliver}"), 1.0),
        (format!("grpc_server_stream_messages_sent{deliver}"), 1.0),
        ("grpc_comm_conn_opened".into(), 3.0),
        ("wasmcc_instances_limit".into(), 1_024.0),
        ("wasmcc_queue_limit".into(), 1_000.0),
        ("wasmcc_components".into(), 1.0),
    ] {
        let found = value(&text, &series);
        assert!(found.is_some_and(|found| found >= least), "{series}: {found:?}\n{text}");
    }
    let of_block = |chaincode: &str| {
        format!(
            "ledger_transaction_count{{chaincode=\"{chaincode}\",channel=\"mychannel\",\
             transaction_type=\"ENDORSER_TRANSACTION\",validation_code=\"VALID\"}}"
        )
    };
    assert_eq!(value(&text, &of_block("probe:1.0")), Some(1.0), "{text}");
    let genesis = of_block("unknown").replace("ENDORSER_TRANSACTION", "CONFIG");
    assert_eq!(value(&text, &genesis), Some(1.0), "{text}");
    let ordered = "broadcast_processed_count{channel=\"mychannel\",status=\"SUCCESS\",\
                   type=\"ENDORSER_TRANSACTION\"}";
    assert_eq!(value(&text, ordered), Some(2.0), "{text}");
    for duration in ["validate", "enqueue"] {
        let counted = ordered.replace("processed_count", &format!("{duration}_duration_count"));
        assert_eq!(value(&text, &counted), Some(2.0), "{text}");
    }
    assert_eq!(value(&text, "participation_status{channel=\"mychannel\"}"), Some(1.0), "{text}");
    let relation = "participation_consensus_relation{channel=\"mychannel\"}";
    assert_eq!(value(&text, relation), Some(0.0), "{text}");
    let [checked, written] = ["checked", "written"]
        .map(|what| value(&text, &format!("logging_entries_{what}{{level=\"info\"}}")));
    assert!(written > Some(1.0) && checked >= written, "{checked:?} {written:?}");
    assert_eq!(value(&text, "logging_entries_checked{level=\"debug\"}"), None);
    assert_eq!(put_spec(&address, r#"{"spec":"debug"}"#).0, 204);
    probe(&peer, "query", &["get", "k"]);
    let debug = value(&metrics_of(&address), "logging_entries_checked{level=\"debug\"}");
    assert!(debug > Some(0.0), "{debug:?}");
    assert!(!text.contains("invented") && !text.contains("nowhere"), "{text}");
    let known: Vec<_> = metrics::descriptions().iter().map(|metric| metric.name).collect();
    let shown = text.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split(' ').next());
    assert!(shown.clone().count() > 30);
    shown.for_each(|name| assert!(known.contains(&name), "{name}"));
}

#[test]
fn a_served_component_is_counted_and_healthy() {
    let target = format!("{}=probe:1.0@127.0.0.1:0", guest_path("probe").display());
    let mut process = Process::start(&[&[target.as_str()], &LISTEN[..]].concat());
    let line = process.read_until("operations on http").pop().unwrap();
    let address = address(&line);
    let sandbox = wasmcc_node::sandbox::Sandbox::new().unwrap();
    sandbox.deploy("probe", &process.connection("probe:1.0")).unwrap();
    sandbox.submit(wasmcc_tests::call("probe", "put k v")).unwrap();
    assert_eq!(get_json(&address, "/healthz").0, 200);
    let text = metrics_of(&address);
    let of_probe = r#"{chaincode="probe:1.0",channel="mychannel""#;
    let executed = format!("wasmcc_execution_duration_count{of_probe},success=\"true\"}}");
    assert!(value(&text, &executed).is_some_and(|count| count >= 1.0), "{text}");
    let calls = format!("wasmcc_chaincode_host_calls_total{of_probe}}}");
    assert!(value(&text, &calls).is_some_and(|count| count >= 1.0), "{text}");
    assert_eq!(value(&text, "wasmcc_components"), Some(1.0), "{text}");
    for unknown in ["wasmcc_disk_free_bytes", "wasmcc_instances_limit", "wasmcc_queue_limit"] {
        assert_eq!(value(&text, unknown), None, "{text}");
    }
}

#[test]
fn the_log_is_json_and_shows_what_it_is_told_to() {
    let site = Site::new();
    let mut peer = site.peer(&[&LISTEN[..], &["--in-memory", "--log-format", "json"]].concat());
    let line: Value = serde_json::from_str(&peer.line("operations on http")).unwrap();
    let address = address(line["message"].as_str().unwrap());
    peer.deploy("probe");
    for (body, error) in [
        (
            r#"{"spec":"info:peer=loud"}"#,
            "invalid logging specification 'info:peer=loud': bad \
          segment 'peer=loud'",
        ),
        ("no JSON", "expected"),
        ("", "EOF"),
        (r#"{"spec":5}"#, "the member spec is a number"),
        ("[]", "it is an array"),
    ] {
        let (status, refused) = put_spec(&address, body);
        let refused: Value = serde_json::from_str(&refused).unwrap();
        let text = refused["error"].as_str().unwrap();
        assert!(status == 400 && text.contains(error), "{body}: {text}");
    }
    let (status, body) = put_spec(&address, &format!(r#"{{"spec":"{}"}}"#, "x".repeat(70_000)));
    assert_eq!(status, 413, "{body}");
    assert_eq!(put_spec(&address, r#"{"Spec":"warn:transaction=INFO"}"#), (204, String::new()));
    let (_, spec) = get_json(&address, "/logspec");
    assert_eq!(spec, json!({ "spec": "transaction=info:warn" }));
    let tx_id = probe(&peer, "invoke", &["put", "k", "v"])["tx_id"].as_str().unwrap().to_owned();
    peer.wait_for_line(&tx_id);
    assert_eq!(put_spec(&address, r#"{"spec":"error"}"#).0, 204);
    probe(&peer, "query", &["get", "k"]);
    let ended = peer.terminate().ok();
    let lines: Vec<Value> = ended
        .err
        .lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("no JSON: {line}")))
        .collect();
    let executed: Vec<_> =
        lines.iter().filter(|line| line["message"] == "executed a transaction").collect();
    let [line] = executed.as_slice() else { panic!("{executed:#?}") };
    assert_eq!((&line["level"], &line["target"]), (&json!("INFO"), &json!("wasmcc::transaction")));
    let fields = &line["fields"];
    assert_eq!(fields["tx_id"], tx_id.as_str());
    assert_eq!((&fields["chaincode"], &fields["status"]), (&json!("probe"), &json!(200)));
    assert!(fields["fuel"].as_u64().unwrap() > 1_000 && fields["ms"].as_f64().is_some());
    let joined = lines.iter().find(|line| line["message"] == "joined").unwrap();
    let span = &joined["spans"][0];
    assert_eq!((&span["name"], &span["fields"]["chaincode"]), (&json!("endorse"), &json!("cscc")));
}

#[test]
fn a_wrong_specification_is_refused_at_the_start() {
    let site = Site::new();
    let refused = site.run(&["peer", "--log-spec", "loud"]).failed(2);
    assert!(
        refused.contains("invalid logging specification 'loud': bad segment 'loud'"),
        "{refused}"
    );
}

fn write(site: &Site, name: &str, (certificate, key): Credentials) {
    fs::write(site.path(&format!("{name}.crt")), certificate).unwrap();
    fs::write(site.path(&format!("{name}.key")), key).unwrap();
}

/// Sends a request over TLS, optionally with a client's certificate.
fn ask_with_tls(address: &str, path: &str, ca: &Authority, client: Option<Credentials>) -> u16 {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(ca.certificate().as_bytes()).unwrap()).unwrap();
    let config = ClientConfig::builder().with_root_certificates(roots);
    let config = match client {
        None => config.with_no_client_auth(),
        Some((certificate, key)) => {
            let chain = vec![CertificateDer::from_pem_slice(certificate.as_bytes()).unwrap()];
            let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap();
            config.with_client_auth_cert(chain, key).unwrap()
        }
    };
    let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    let answer = async {
        let stream = tokio::net::TcpStream::connect(address).await.unwrap();
        let connector = TlsConnector::from(Arc::new(config));
        let name = "localhost".try_into().unwrap();
        let mut stream = connector.connect(name, stream).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        // The other side may close without a TLS close message.
        let _ = stream.read_to_end(&mut answer).await;
        String::from_utf8(answer).unwrap()
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    parse(&runtime.block_on(answer)).0
}

#[test]
fn with_a_ca_of_clients_metrics_and_levels_need_a_certificate() {
    let site = Site::new();
    let ca = Authority::new("operators");
    write(&site, "server", ca.issue(&["localhost"]));
    fs::write(site.path("ca.crt"), ca.certificate()).unwrap();
    let tls = ["--operations-tls-cert", "server.crt", "--operations-tls-key", "server.key"];
    let clients = ["--operations-client-ca", "ca.crt", "--in-memory"];
    let mut peer = site.peer(&[&LISTEN[..], &tls, &clients].concat());
    let address = address(&peer.line("operations on https"));
    let status = |path, client| ask_with_tls(&address, path, &ca, client);
    for (path, without) in
        [("/healthz", 200), ("/version", 200), ("/metrics", 401), ("/logspec", 401)]
    {
        assert_eq!(status(path, None), without, "{path}");
        assert_eq!(status(path, Some(ca.issue_named("operator"))), 200, "{path}");
    }
    peer.terminate().ok();
    let refused =
        |args: &[&[&str]]| site.run(&[&[&["peer"][..]], args].concat().concat()).failed(2);
    let without_tls = refused(&[&LISTEN, &clients]);
    assert!(without_tls.contains("give --operations-tls-cert and --operations-tls-key"));
    for half in [&tls[..2], &["--operations-tls"]] {
        let half = refused(&[&LISTEN, half, &["--in-memory"]]);
        assert!(half.contains("TLS needs a certificate and its key"), "{half}");
    }
    for without_address in [&tls[..], &clients, &["--operations-tls", "--in-memory"]] {
        let refused = refused(&[without_address]);
        assert!(refused.contains("but no address: give --operations-listen"), "{refused}");
    }
}

#[test]
fn tls_may_be_off_where_there_is_a_certificate_and_clients_of_several_cas_are_let_in() {
    let site = Site::new();
    let (ca, other) = (Authority::new("operators"), Authority::new("others"));
    write(&site, "server", ca.issue(&["localhost"]));
    fs::write(site.path("a.crt"), other.certificate()).unwrap();
    fs::write(site.path("b.crt"), ca.certificate()).unwrap();
    // The values as Fabric's variables have them.
    let variables = [
        ("CORE_OPERATIONS_TLS_ENABLED", "FALSE"),
        ("CORE_OPERATIONS_TLS_CLIENTROOTCAS_FILES", "a.crt b.crt"),
    ];
    let printed = site.run_with(&variables, &["config", "peer"]).ok().out;
    for name in ["CORE_OPERATIONS_TLS_ENABLED", "CORE_OPERATIONS_TLS_CLIENTROOTCAS_FILES"] {
        assert!(printed.contains(&format!("# variable {name}\n")), "{printed}");
    }
    let tls = ["--operations-tls-cert", "server.crt", "--operations-tls-key", "server.key"];
    let clients = ["--operations-client-ca", "a.crt b.crt", "--in-memory"];
    let peer = |more: &str| site.peer(&[&LISTEN[..], &tls, &clients, &[more]].concat());
    let mut plain = peer("--operations-tls=FALSE");
    assert_eq!(get_json(&address(&plain.line("operations on http://")), "/healthz").0, 200);
    let mut with_tls = peer("--operations-tls=TRUE");
    let address = address(&with_tls.line("operations on https://"));
    let status = |client| ask_with_tls(&address, "/metrics", &ca, client);
    assert_eq!(status(Some(ca.issue_named("operator"))), 200);
    assert_eq!(status(Some(other.issue_named("operator"))), 200);
    assert_eq!(status(None), 401);
}
