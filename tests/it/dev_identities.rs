//! The identities folder of `wasmcc dev`: files that are made, refused and removed.

use std::fs;
use std::path::{Path, PathBuf};

use wasmcc_msp::{Network, NetworkSpec};
use wasmcc_tests::dev::{FREE_PORTS, Folder};

const ORG1: &str = "organizations/peerOrganizations/org1.example.com";
const ORG2: &str = "organizations/peerOrganizations/org2.example.com";
const ORDERER: &str = "organizations/ordererOrganizations/example.com";

/// Creates identities that another program made.
fn put_identities(folder: &Folder, name: &str) {
    Network::generate(&folder.path(name), &NetworkSpec::with_orgs(2)).unwrap();
}

/// Returns all files with their contents.
fn files(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let (mut files, mut folders) = (Vec::new(), vec![folder.to_owned()]);
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).into_iter().flatten() {
            let path = entry.unwrap().path();
            match path.is_dir() {
                true => folders.push(path),
                false => files.push((path.clone(), fs::read(path).unwrap())),
            }
        }
    }
    files.sort();
    files
}

/// Returns the error of a network that does not start.
fn refused(folder: &Folder) -> String {
    folder.start_dev(&FREE_PORTS).end().failed(1)
}

#[test]
fn identities_of_another_folder_stay_when_a_network_is_removed() {
    let folder = Folder::new();
    put_identities(&folder, "theirs");
    folder.dev(&[]).signal("INT").ok();
    folder.dev(&["--fresh", "--organizations", "theirs"]).signal("INT").ok();
    let theirs = files(&folder.path("theirs"));
    let removed = folder.run(&["reset"]).ok().out;
    assert!(removed.contains("the identities made for it are removed"), "{removed}");
    let kept = folder.path("theirs/peerOrganizations/org1.example.com");
    let kept = format!("kept {}: it was not made here", kept.display());
    assert!(removed.contains(&kept), "{removed}");
    assert!(files(&folder.path("theirs")) == theirs);
    assert!(!folder.path("organizations").exists() && !folder.path(".wasmcc").exists());
}

#[test]
fn identities_that_replace_those_that_were_made_stay() {
    let folder = Folder::new();
    folder.dev(&[]).signal("INT").ok();
    fs::rename(folder.path("organizations"), folder.path("away")).unwrap();
    put_identities(&folder, "organizations");
    let said = refused(&folder);
    assert!(said.contains("in which Org1MSP has other root certificates"), "{said}");
    folder.dev(&["--fresh"]).signal("INT").ok();
    let theirs = files(&folder.path("organizations"));
    let removed = folder.run(&["reset"]).ok().out;
    assert!(removed.contains("the network and its ledger are removed\n"), "{removed}");
    assert!(removed.contains("its CA certificate is not that of"), "{removed}");
    assert!(files(&folder.path("organizations")) == theirs);
}

#[test]
fn a_refused_start_makes_no_identities() {
    let folder = Folder::new();
    put_identities(&folder, "organizations");
    folder.dev(&[]).signal("INT").ok();
    fs::rename(folder.path("organizations"), folder.path("away")).unwrap();
    let said = refused(&folder);
    assert!(said.contains("org1.example.com: put that folder back, or begin anew"), "{said}");
    assert!(!said.contains("--data") && !folder.path("organizations").exists(), "{said}");
    fs::rename(folder.path("away"), folder.path("organizations")).unwrap();
    folder.dev(&[]).signal("INT").ok();
    // The record of earlier versions.
    let made = r#"["example.com", "org1.example.com", "org2.example.com"]"#;
    fs::write(folder.path(".wasmcc/made.json"), made).unwrap();
    let theirs = files(&folder.path("organizations"));
    let removed = folder.run(&["reset"]).ok().out;
    assert!(removed.contains("does not prove that it was made here"), "{removed}");
    assert!(files(&folder.path("organizations")) == theirs);
}

#[test]
fn a_ledger_is_refused_to_another_second_organization_or_orderer() {
    let folder = Folder::new();
    folder.dev(&[]).signal("INT").ok();
    put_identities(&folder, "other");
    for (org, msp_id) in [(ORG2, "Org2MSP"), (ORDERER, "OrdererMSP")] {
        fs::rename(folder.path(org), folder.path("away")).unwrap();
        let said = refused(&folder);
        let expected = format!("{}: put that folder back", folder.path(org).display());
        assert!(said.contains(&expected) && !folder.path(org).exists(), "{said}");
        let other = folder.path(&org.replace("organizations", "other"));
        fs::rename(other, folder.path(org)).unwrap();
        let said = refused(&folder);
        let expected = format!("in which {msp_id} has other root certificates");
        assert!(said.contains(&expected) && said.contains("wasmcc dev --fresh"), "{said}");
        fs::remove_dir_all(folder.path(org)).unwrap();
        fs::rename(folder.path("away"), folder.path(org)).unwrap();
    }
    folder.dev(&[]).signal("INT").ok();
}

#[test]
fn members_that_are_missing_are_made_and_damaged_ones_are_named() {
    let folder = Folder::new();
    folder.put_guest("probe", "probe.wasm");
    folder.dev(&["probe.wasm"]).signal("INT").ok();
    let node = folder.path(&format!("{ORG1}/peers/peer0.org1.example.com"));
    fs::write(node.join("tls/server.key"), "x\n").unwrap();
    let said = refused(&folder);
    let tls = format!("cannot use the TLS files in {}", node.display());
    assert!(said.contains(&tls) && said.contains("or remove this folder"), "{said}");
    assert!(!said.contains("cannot listen"), "{said}");

    for part in [format!("{ORG1}/peers"), format!("{ORG1}/users"), format!("{ORDERER}/orderers")] {
        fs::remove_dir_all(folder.path(&part)).unwrap();
    }
    let _dev = folder.dev(&["probe.wasm"]);
    let put = folder.call("invoke", "probe", &["put", "k", "v"]).ok().json();
    assert_eq!(put["status"], "VALID");

    let said = folder.run(&["events", "--from", "99999"]).failed(1);
    assert!(said.contains("of the channel mychannel is ") && said.contains("at most "), "{said}");
}
