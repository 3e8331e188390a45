//! The orderer's channel participation API over TLS, used like osnadmin does.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use prost::Message;
use serde_json::{Value, json};
use wasmcc_msp::Network;
use wasmcc_tests::program::Site;
use wasmcc_types::ChannelId;

const ORDERER: &str = "net/ordererOrganizations/example.com";
const CHANNELS: &str = "/participation/v1/channels";

/// Sends one request with the orderer's own certificate, as Fabric's test network does.
fn ask(site: &Site, address: &str, method: &str, path: &str, block: Option<&str>) -> Value {
    let tls = site.path(ORDERER).join("orderers/orderer.example.com/tls");
    let files = ["server.crt", "server.key"].map(|name| tls.join(name));
    request(address, &tls.join("ca.crt"), &[method, path], &files, block.map(|b| site.path(b)))
}

fn request(
    address: &str,
    ca: &PathBuf,
    what: &[&str; 2],
    files: &[PathBuf; 2],
    block: Option<PathBuf>,
) -> Value {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("node-sdk");
    let mut node = Command::new("node");
    let port = address.rsplit_once(':').unwrap().1;
    node.arg("participation.js").arg(port).arg(ca).args(what).args(files).args(block);
    let output = node.current_dir(folder).stdin(Stdio::null()).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {said}"))
}

#[test]
fn an_administrator_joins_the_orderer_to_a_channel() {
    let site = Site::of_two();
    let listen = ["--orderer-listen", "127.0.0.1:0", "--orderer-admin-listen", "127.0.0.1:0"];
    let peer = site.peer(&[&listen[..], &["--tls", "--no-channel", "--data", "data"]].concat());
    let admin = peer.other(1).address();
    let none = ask(&site, admin, "GET", CHANNELS, None);
    assert_eq!(none["body"], json!({ "systemChannel": null, "channels": null }));

    let network = Network::open(&site.path("net")).unwrap();
    let genesis = network.genesis(ChannelId::parse("mychannel").unwrap()).block().unwrap();
    fs::write(site.path("mychannel.block"), genesis.encode_to_vec()).unwrap();
    let joined = ask(&site, admin, "POST", CHANNELS, Some("mychannel.block"));
    let url = "/participation/v1/channels/mychannel";
    let info = json!({
        "name": "mychannel", "url": url, "consensusRelation": "other", "status": "active",
        "height": 1,
    });
    assert_eq!(joined, json!({ "status": 201, "body": info }));
    let twice = ask(&site, admin, "POST", CHANNELS, Some("mychannel.block"));
    let text = "cannot join: channel already exists";
    assert_eq!(twice, json!({ "status": 405, "body": { "error": text } }));
    fs::write(site.path("bad.block"), b"").unwrap();
    let bad = ask(&site, admin, "POST", CHANNELS, Some("bad.block"));
    let text = "invalid join block: block is not a config block";
    assert_eq!(bad, json!({ "status": 400, "body": { "error": text } }));

    // The orderer has the channel, the peer has not.
    let orderer = ["--tls", "--org", "OrdererMSP", "--user", "Admin"];
    let fetch = ["channel", "fetch", "newest", "newest.block"];
    peer.other(0).run(&[&fetch[..], &orderer].concat()).ok();
    let channels = peer.run(&["channels", "--tls", "--org", "Org1MSP"]).ok();
    assert_eq!(channels.out.trim(), "");

    let nobody = ["", ""].map(PathBuf::from);
    let ca = site.path(ORDERER).join("orderers/orderer.example.com/tls/ca.crt");
    let refused = request(admin, &ca, &["GET", CHANNELS], &nobody, None);
    assert!(refused["error"].is_string(), "nobody gets in without a certificate: {refused}");
    peer.terminate().ok();

    let peer = site.peer(&[&listen[..], &["--tls", "--no-channel", "--data", "data"]].concat());
    let admin = peer.other(1).address();
    let list = ask(&site, admin, "GET", CHANNELS, None);
    assert_eq!(list["body"]["channels"], json!([{ "name": "mychannel", "url": url }]));

    let removed = ask(&site, admin, "DELETE", url, None);
    assert_eq!(removed["status"], 204, "{removed}");
    let again = ask(&site, admin, "DELETE", url, None);
    let text = "cannot remove: channel does not exist";
    assert_eq!(again, json!({ "status": 404, "body": { "error": text } }));
    peer.terminate().ok();

    // It is still removed after a restart; the same block adds it again.
    let peer = site.peer(&[&listen[..], &["--tls", "--no-channel", "--data", "data"]].concat());
    let admin = peer.other(1).address();
    assert_eq!(ask(&site, admin, "GET", url, None)["status"], 404);
    assert_eq!(ask(&site, admin, "POST", CHANNELS, Some("mychannel.block"))["status"], 201);
    assert_eq!(ask(&site, admin, "GET", url, None)["status"], 200);
    peer.terminate().ok();
}
