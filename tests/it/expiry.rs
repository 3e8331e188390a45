//! A peer's reports of expired certificates, and of blocks that cannot be signed.

use std::fs;
use std::path::Path;

use wasmcc_tests::certificates::{Authority, Credentials};
use wasmcc_tests::program::Site;

/// The folder with the members of the organization.
const ORG: &str = "net/peerOrganizations/org1.example.com";

fn expired() -> Credentials {
    Authority::new("ca").issue_expired(&["localhost"])
}

fn write(file: &Path, text: &str) {
    fs::remove_file(file).unwrap();
    fs::write(file, text).unwrap();
}

/// Replaces a member's identity by an expired one.
fn expire(site: &Site, member: &str) {
    let (certificate, key) = expired();
    let msp = site.path(ORG).join(member).join("msp");
    for (folder, text) in [("signcerts", certificate), ("keystore", key)] {
        for entry in fs::read_dir(msp.join(folder)).unwrap() {
            write(&entry.unwrap().path(), &text);
        }
    }
}

#[test]
fn certificates_of_a_peer_that_have_expired_are_named_when_it_starts() {
    let site = Site::new();
    expire(&site, "peers/peer0.org1.example.com");
    let (certificate, key) = expired();
    fs::write(site.path("server.crt"), certificate).unwrap();
    fs::write(site.path("server.key"), key).unwrap();
    let tls = ["--tls-cert", "server.crt", "--tls-key", "server.key"];
    let operations = ["--operations-tls-cert", "server.crt", "--operations-tls-key", "server.key"];
    let rest = ["--operations-listen", "127.0.0.1:0", "--no-channel", "--in-memory"];
    let ended = site.peer(&[&tls[..], &operations, &rest].concat()).terminate().ok();
    for certificate in [
        "the certificate of peer0.org1.example.com (Org1MSP) in net/peerOrganizations/\
         org1.example.com/peers/peer0.org1.example.com/msp/signcerts",
        "the TLS certificate of the peer of Org1MSP",
        "the TLS certificate of --operations-listen",
    ] {
        let text = format!("{certificate} has expired on 2021-01-01 00:00:00 UTC: renew it");
        assert!(ended.err.contains(&text), "{text}\n{}", ended.err);
    }
    // The orderer's certificate is valid.
    assert_eq!(ended.err.matches("has expired on").count(), 3, "{}", ended.err);
}

#[test]
fn an_expired_admin_is_named_by_a_peer_that_creates_a_channel() {
    let site = Site::new();
    expire(&site, "users/Admin@org1.example.com");
    let refused = site.try_peer(&["--in-memory"]).err().unwrap().failed(1);
    let text = format!(
        "cannot create channel mychannel: the certificate of Admin@org1.example.com in \
         {ORG}/users/Admin@org1.example.com/msp/signcerts has expired on 2021-01-01 00:00:00 UTC"
    );
    assert!(refused.contains(&text), "{refused}");
}

#[test]
fn a_peer_that_no_channel_takes_for_an_orderer_says_so_when_it_starts() {
    let site = Site::new();
    let peer = |site: &Site| site.peer(&["--data", "data"]).terminate().ok().err;
    let text = "satisfies /Channel/Orderer/BlockValidation";
    assert!(!peer(&site).contains(text));
    assert!(!peer(&site).contains(text));
    fs::remove_dir_all(site.path("net/ordererOrganizations")).unwrap();
    let log = peer(&site);
    let lines: Vec<&str> = log.lines().filter(|line| line.contains(text)).collect();
    assert!(matches!(lines[..], [line] if line.contains("mychannel")), "{log}");
    assert!(lines[0].contains("Org1MSP"), "{log}");
}
