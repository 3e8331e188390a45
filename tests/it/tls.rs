//! TLS at all addresses: a peer's own, and those of the chaincode servers that it dials.

use std::fs;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use prost::Message;
use serde_json::{Value, json};
use tokio::runtime::Runtime;
use tonic::transport::Endpoint;
use wasmcc_api::{Listener, ServerConfig};
use wasmcc_bridge::{BridgeError, PeerAddress, ProgramConfig};
use wasmcc_client::lifecycle;
use wasmcc_client::lscc::{self, Definition};
use wasmcc_node::sandbox::{CHANNEL, Sandbox};
use wasmcc_peer::chaincode::{ExternalConfig, package_id, tar_gz};
use wasmcc_tests::bridged::{Bridged, program};
use wasmcc_tests::certificates::{Authority, Credentials, server};
use wasmcc_tests::program::{Client, Peer, Site};
use wasmcc_tests::{Served, call, guest};
use wasmcc_types::proto::common::{ChannelHeader, Envelope, Header, Payload, Status};
use wasmcc_types::proto::orderer::SeekInfo;
use wasmcc_types::proto::protos::deliver_client::DeliverClient;
use wasmcc_types::proto::protos::deliver_response;
use wasmcc_types::{ClientTls, ServerTls};
use wasmcc_workers::Workers;

const HERE: &[&str] = &["localhost", "127.0.0.1"];

fn serve(tls: Option<ServerTls>) -> Bridged {
    let program = program("probe:1.0", &guest("probe"), ProgramConfig::default());
    Bridged::serve(program, tls)
}

fn connection(server: &Bridged, root: &Authority, client: Option<&Credentials>) -> Value {
    let (client_cert, client_key) = client.cloned().unwrap_or_default();
    json!({
        "address": server.address(), "dial_timeout": "10s", "tls_required": true,
        "root_cert": root.certificate(), "client_auth_required": client.is_some(),
        "client_cert": client_cert, "client_key": client_key,
    })
}

/// Runs the chaincode on a peer that dials it with these settings; the error is the peer's.
fn dial(connection: &Value) -> Result<String, String> {
    let sandbox = Sandbox::new().unwrap();
    let deployed = sandbox.deploy("probe", connection.to_string().as_bytes());
    deployed.map_err(|error| error.to_string())?;
    sandbox.submit(call("probe", "put k v")).unwrap();
    Ok(sandbox.evaluate(call("probe", "get k")).unwrap().text())
}

#[track_caller]
fn refused(connection: &Value, why: &str) {
    let error = dial(connection).unwrap_err();
    let begin = "could not launch chaincode probe:1.0: connection to probe:1.0 failed: error \
                 cannot create connection for probe:1.0: error creating grpc connection to \
                 127.0.0.1:";
    assert!(error.contains(begin) && error.contains(why), "{error}");
}

#[test]
fn chaincode_servers_are_dialed_with_tls() {
    let (ours, theirs) = (Authority::new("ours"), Authority::new("theirs"));
    let plain = serve(None);
    let with_tls = serve(Some(server(ours.issue(HERE), None)));
    assert_eq!(dial(&connection(&with_tls, &ours, None)).as_deref(), Ok("v"));
    refused(&connection(&with_tls, &theirs, None), "UnknownIssuer");
    refused(&json!({ "address": with_tls.address() }), "does the server want TLS?");
    refused(&connection(&plain, &ours, None), "InvalidContentType");
    let expired = serve(Some(server(ours.issue_expired(HERE), None)));
    refused(&connection(&expired, &ours, None), "certificate expired");
    let mut broken = connection(&with_tls, &ours, None);
    broken["root_cert"] = "-----BEGIN CERTIFICATE-----\nnonsense\n".into();
    refused(&broken, "");
}

#[test]
fn chaincode_servers_may_ask_for_a_certificate() {
    let (ours, theirs) = (Authority::new("ours"), Authority::new("theirs"));
    let mutual = serve(Some(server(ours.issue(HERE), Some(&ours))));
    let known = ours.issue(&[]);
    assert_eq!(dial(&connection(&mutual, &ours, Some(&known))).as_deref(), Ok("v"));
    refused(&connection(&mutual, &ours, None), "does the server want a client certificate?");
    for bad in [theirs.issue(&[]), ours.issue_expired(&[])] {
        let why = "does the server accept this client certificate?";
        refused(&connection(&mutual, &ours, Some(&bad)), why);
    }
}

#[test]
fn the_key_of_a_package_does_not_leave_the_peer() {
    let ours = Authority::new("ours");
    let mutual = serve(Some(server(ours.issue(HERE), Some(&ours))));
    let connection = connection(&mutual, &ours, Some(&ours.issue(&[]))).to_string();
    let sandbox = Sandbox::new().unwrap();
    sandbox.deploy("probe", connection.as_bytes()).unwrap();
    for function in ["getdepspec", "GetDeploymentSpec"] {
        let asked = call("lscc", &format!("{function} {CHANNEL} probe"));
        let refused = sandbox.endorse(asked).unwrap();
        let text = "the package of probe:1.0 holds a private key (client_key), which does not \
                    leave this peer";
        assert_eq!(refused.response.message, text);
    }
    let metadata = br#"{"type": "ccaas", "label": "probe"}"#.to_vec();
    let code = tar_gz(&[("connection.json".into(), connection.into_bytes())]).unwrap();
    let package = tar_gz(&[("metadata.json".into(), metadata), ("code.tar.gz".into(), code)]);
    let package = package.unwrap();
    let id = package_id(&package).unwrap();
    let admin = sandbox.identity("Admin").unwrap();
    sandbox.endorse_as(lifecycle::install(package), &admin).unwrap().accepted().unwrap();
    let refused = sandbox.endorse_as(lifecycle::installed_package(&id), &admin).unwrap();
    let text = &refused.response.message;
    assert!(text.contains("holds a private key") && !text.contains("BEGIN"), "{text}");
    assert!(refused.response.payload.is_empty());
}

/// As in Fabric, contrary to its documentation.
#[test]
fn the_domain_counts_only_with_a_client_certificate() {
    let ours = Authority::new("ours");
    let elsewhere = serve(Some(server(ours.issue(&["cc.example.com"]), None)));
    let named = |client| {
        let mut connection = connection(&elsewhere, &ours, client);
        connection["domain"] = "cc.example.com".into();
        connection
    };
    refused(&named(None), "not valid for name");
    assert_eq!(dial(&named(Some(&ours.issue(&[])))).as_deref(), Ok("v"));
}

/// Returns a peer to which the chaincode probe:1.0 may connect.
fn peer_of_probe(tls: ServerTls) -> (Sandbox, Served, Definition) {
    let wait = ExternalConfig { connect_wait: Duration::from_secs(60), ..Default::default() };
    let sandbox = Sandbox::builder().external(wait).build().unwrap();
    let listener = Listener { tls: Some(tls), ..Listener::peer("127.0.0.1:0") };
    let (peer, workers) = (Arc::clone(sandbox.peer()), Workers::new(1, 8).unwrap());
    let served = Served::at(vec![listener], peer, ServerConfig::default(), workers);
    let definition = Definition {
        channel_id: CHANNEL.into(),
        name: "probe".into(),
        version: "1.0".into(),
        ..Definition::default()
    };
    sandbox.install(&definition, br#"{"external": true}"#).unwrap();
    (sandbox, served, definition)
}

fn register(served: &Served, tls: Option<ClientTls>) -> Result<Bridged, BridgeError> {
    let program = program("probe:1.0", &guest("probe"), ProgramConfig::default());
    Bridged::register(program, &PeerAddress { address: served.address().to_string(), tls })
}

/// Returns the reason why the chaincode could not register.
fn ended(served: &Served, tls: Option<ClientTls>) -> String {
    match register(served, tls) {
        Ok(bridged) => format!("{:?}", bridged.ended().unwrap_err()),
        Err(error) => format!("{error:?}"),
    }
}

#[test]
fn chaincodes_register_over_tls() {
    let (ours, theirs) = (Authority::new("ours"), Authority::new("theirs"));
    let tls = server(ours.issue(HERE), Some(&ours));
    let (sandbox, served, definition) = peer_of_probe(tls);
    let ended = |tls| ended(&served, tls);
    let identity = |name: &str| Some(ours.issue_named(name));
    assert!(ended(Some(theirs.client(identity("probe:1.0")))).contains("UnknownIssuer"));
    let text = ended(Some(ours.client(None)));
    assert!(text.contains("does the server want a client certificate?"), "{text}");
    let text = ended(None);
    assert!(text.contains("does the server want TLS?"), "{text}");

    let text = ended(Some(ours.client(identity("User1"))));
    let why = "nothing proves that this is chaincode probe:1.0: let it register as \
               probe:1.0@SECRET, with the secret that it was deployed with, or connect with a TLS \
               client certificate of the common name probe:1.0";
    assert!(text.contains(why), "{text}");

    let _registered = register(&served, Some(ours.client(identity("probe:1.0")))).unwrap();
    sandbox.instantiate(lscc::deploy(definition)).unwrap();
    sandbox.submit(call("probe", "put k v")).unwrap();
    assert_eq!(sandbox.evaluate(call("probe", "get k")).unwrap().text(), "v");
}

/// Other clients have no certificate, or a self-signed one.
#[test]
fn a_certificate_is_a_proof_where_none_is_required() {
    let (ours, theirs) = (Authority::new("ours"), Authority::new("theirs"));
    let tls = server(ours.issue(HERE), Some(&ours));
    let (sandbox, served, definition) =
        peer_of_probe(ServerTls { client_auth_required: false, ..tls });
    for other in [None, Some(theirs.issue_named("probe:1.0")), Some(ours.issue_named("User1"))] {
        let text = ended(&served, Some(ours.client(other)));
        assert!(text.contains("nothing proves that this is chaincode probe:1.0"), "{text}");
    }
    let known = ours.client(Some(ours.issue_named("probe:1.0")));
    let _registered = register(&served, Some(known)).unwrap();
    sandbox.instantiate(lscc::deploy(definition)).unwrap();
}

/// Returns the answer to an unsigned request for blocks without a TLS certificate hash.
fn unsigned_seek(served: &Served, client: &ClientTls) -> i32 {
    let header = ChannelHeader {
        channel_id: CHANNEL.into(),
        timestamp: Some(SystemTime::now().into()),
        ..Default::default()
    };
    let header = Header { channel_header: header.encode_to_vec(), ..Default::default() };
    let payload = Payload { header: Some(header), data: SeekInfo::default().encode_to_vec() };
    let envelope = Envelope { payload: payload.encode_to_vec(), signature: Vec::new() };
    let endpoint = Endpoint::from_shared(format!("https://{}", served.address())).unwrap();
    let endpoint = endpoint.tls_config(wasmcc_tls::client(client)).unwrap();
    let answer = Runtime::new().unwrap().block_on(async {
        let mut client = DeliverClient::new(endpoint.connect().await.unwrap());
        let answers = client.deliver(tokio_stream::once(envelope)).await.unwrap();
        answers.into_inner().message().await.unwrap().unwrap()
    });
    match answer.r#type.unwrap() {
        deliver_response::Type::Status(status) => status,
        other => panic!("{other:?}"),
    }
}

/// As on a Fabric peer with `clientAuthRequired: false`.
#[test]
fn requests_for_blocks_name_their_certificate_only_where_one_is_required() {
    let ours = Authority::new("ours");
    let client = ours.client(Some(ours.issue_named("User1")));
    let tls = server(ours.issue(HERE), Some(&ours));
    for (client_auth_required, expected) in [(true, Status::BadRequest), (false, Status::Forbidden)]
    {
        let tls = ServerTls { client_auth_required, ..tls.clone() };
        let (_sandbox, served, _) = peer_of_probe(tls);
        assert_eq!(unsigned_seek(&served, &client), i32::from(expected));
    }
}

/// Writes PEM files into the folder in which the program runs.
fn write(site: &Site, name: &str, (certificate, key): Credentials) {
    fs::write(site.path(&format!("{name}.crt")), certificate).unwrap();
    fs::write(site.path(&format!("{name}.key")), key).unwrap();
}

fn channels(client: &Client<'_>, options: &[&str]) -> wasmcc_tests::program::Run {
    client.run(&[&["channels", "--timeout", "20s"], options].concat())
}

#[track_caller]
fn not_told(peer: &Peer<'_>, options: &[&str], why: &str) {
    let error = channels(peer, options).failed(1);
    assert!(error.contains(why), "{error}");
}

#[test]
fn clients_ask_a_peer_with_tls() {
    let site = Site::new();
    let (ours, theirs) = (Authority::new("ours"), Authority::new("theirs"));
    for (name, authority) in [("ca", &ours), ("other", &theirs)] {
        fs::write(site.path(&format!("{name}.crt")), authority.certificate()).unwrap();
    }
    write(&site, "server", ours.issue(HERE));
    write(&site, "expired", ours.issue_expired(HERE));
    write(&site, "client", ours.issue(&[]));

    let with = |name: &str, more: &[&str]| {
        let (certificate, key) = (format!("{name}.crt"), format!("{name}.key"));
        let usual = ["--in-memory", "--tls-cert", &certificate, "--tls-key", &key];
        site.try_peer(&[&usual, more].concat())
    };
    let peer = with("server", &[]).unwrap();
    assert_eq!(channels(&peer, &["--tls-ca", "ca.crt"]).ok().out.trim(), "mychannel");
    not_told(&peer, &["--tls-ca", "other.crt"], "UnknownIssuer");
    not_told(&peer, &["--tls"], "no TLS with the peer");
    not_told(&peer, &[], "does the server want TLS?");
    not_told(&peer, &["--tls-ca", "ca.crt", "--tls-domain", "elsewhere"], "not valid for name");
    not_told(&peer, &["--tls-ca", "none.crt"], "cannot read none.crt");
    peer.terminate().ok();

    let peer = with("expired", &[]).unwrap();
    not_told(&peer, &["--tls-ca", "ca.crt"], "certificate expired");
    drop(peer);
    let peer = with("server", &["--tls-client-ca", "other.crt ca.crt"]).unwrap();
    not_told(&peer, &["--tls-ca", "ca.crt"], "does the server want a client certificate?");
    let known = ["--tls-ca", "ca.crt", "--tls-cert", "client.crt", "--tls-key", "client.key"];
    channels(&peer, &known).ok();
    drop(peer);
    let peer = with("server", &["--tls-client-ca", "other.crt", "--tls-client-auth=false"]);
    let peer = peer.unwrap();
    channels(&peer, &["--tls-ca", "ca.crt"]).ok();
    channels(&peer, &known).ok();
    drop(peer);
    let peer = site.peer(&["--in-memory"]);
    not_told(&peer, &["--tls-ca", "ca.crt"], "it must serve TLS");
    channels(&peer, &["--tls-ca", "ca.crt", "--tls=false"]).ok();
}

#[test]
fn the_networks_own_certificates_will_do() {
    let site = Site::new();
    let peer = site.peer(&["--in-memory", "--tls"]);
    channels(&peer, &["--tls"]).ok();
    channels(&peer, &["--peer", &format!("https://{}", peer.address())]).ok();
    let root = "net/peerOrganizations/org1.example.com/tlsca/tlsca.org1.example.com-cert.pem";
    channels(&peer, &["--tls-ca", root]).ok();
    peer.terminate().ok();
}

#[test]
fn a_peer_does_not_start_with_half_of_it() {
    let site = Site::new();
    fs::write(site.path("bad.pem"), "nonsense").unwrap();
    for (options, why) in [
        (&["--tls-cert", "bad.pem"][..], "give --tls-cert and --tls-key"),
        (&["--tls-cert", "bad.pem", "--tls-key", "bad.pem"], "cannot be used"),
        (&["--tls", "--tls-client-auth"], "--tls-client-ca"),
        (&["--tls", "--tls-client-ca", "none.pem"], "cannot read none.pem"),
    ] {
        let error = site.try_peer(options).err().unwrap().failed(1);
        assert!(error.contains(why), "{error}");
    }
}
