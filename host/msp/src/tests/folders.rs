//! Tests network folders as other tools and people leave them.

use std::fs;
use std::path::{Path, PathBuf};

use crate::{Msp, Network, NetworkSpec, Role};

const ORG: &str = "peerOrganizations/org1.example.com";

/// A network in cryptogen's layout, and the folder of its organization.
fn network() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    Network::generate(&folder.path().join("network"), &NetworkSpec::default()).unwrap();
    let org = folder.path().join("network").join(ORG);
    (folder, org)
}

/// The files in a folder.
fn files(folder: &Path) -> Vec<PathBuf> {
    fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect()
}

fn open(folder: &tempfile::TempDir) -> Network {
    Network::open(&folder.path().join("network")).unwrap()
}

/// Renames the files of an MSP as fabric-ca-client names them.
fn as_enrolled(msp: &Path) {
    let certificates = msp.join("signcerts");
    for entry in fs::read_dir(&certificates).unwrap() {
        fs::rename(entry.unwrap().path(), certificates.join("cert.pem")).unwrap();
    }
    let key = msp.join("keystore/0f6a2c4f2b6b8b2a_sk");
    fs::rename(msp.join("keystore/priv_sk"), key).unwrap();
}

fn members(org: &Path) -> Vec<PathBuf> {
    let folders = ["peers", "users"].map(|folder| org.join(folder));
    let entries = folders.iter().flat_map(|folder| fs::read_dir(folder).unwrap());
    entries.map(|entry| entry.unwrap().path()).collect()
}

/// Signs as every member and verifies with the organization's MSP.
fn assert_works(network: &Network) {
    let org = network.org("Org1MSP").unwrap();
    let msp = Msp::from_config(org.msp_config()).unwrap();
    for (signer, role) in [(org.peer(), Role::Peer), (org.user("User1"), Role::Client)] {
        let signer = signer.unwrap();
        let identity = msp.deserialize(signer.serialized()).unwrap();
        assert!(identity.has_role(role));
        identity.verify(b"message", &signer.sign(b"message")).unwrap();
    }
}

#[test]
fn names_of_fabric_ca_are_as_good_as_those_of_cryptogen() {
    let (folder, org) = network();
    for member in members(&org) {
        as_enrolled(&member.join("msp"));
    }
    for name in ["ca", "tlsca"] {
        fs::remove_file(org.join(name).join("priv_sk")).unwrap();
    }
    fs::remove_dir_all(org.join("users/User1@org1.example.com/tls")).unwrap();
    let network = open(&folder);
    assert_works(&network);
    let org = network.org("Org1MSP").unwrap();
    assert!(org.tls("User1").is_none() && org.tls_files("User1").is_none());
    assert!(org.peer_tls().is_some());
    assert!(org.tls_ca_certificate().contains("BEGIN CERTIFICATE"));
}

#[test]
fn the_folders_of_an_enrolment_for_tls_are_found() {
    let (folder, org) = network();
    let tls = org.join("peers/peer0.org1.example.com/tls");
    for (from, to) in [
        ("server.crt", "signcerts/cert.pem"),
        ("server.key", "keystore/12ab_sk"),
        ("ca.crt", "tlscacerts/tls-localhost-7054.pem"),
    ] {
        fs::create_dir_all(tls.join(to).parent().unwrap()).unwrap();
        fs::rename(tls.join(from), tls.join(to)).unwrap();
    }
    let network = open(&folder);
    let org = network.org("Org1MSP").unwrap();
    let files = org.tls_files("peer0").unwrap();
    assert_eq!(files.key, tls.join("keystore/12ab_sk"));
    assert!(files.ca.is_file() && org.peer_tls().is_some());
}

#[test]
fn an_organization_without_cas_and_with_one_oddly_named_peer_works() {
    let (folder, org) = network();
    for name in ["ca", "tlsca"] {
        fs::remove_dir_all(org.join(name)).unwrap();
    }
    let peers = org.join("peers");
    fs::rename(peers.join("peer0.org1.example.com"), peers.join("node7.org1.example.com")).unwrap();
    assert_works(&open(&folder));
}

#[test]
fn incomplete_users_and_foreign_folders_are_in_nobodys_way() {
    let (folder, org) = network();
    let users = org.join("users");
    fs::create_dir_all(users.join("notes")).unwrap();
    fs::create_dir_all(org.join("peers/.cache")).unwrap();
    fs::create_dir_all(org.parent().unwrap().join("archive")).unwrap();
    fs::create_dir_all(org.parent().unwrap().join(".git")).unwrap();
    fs::write(users.join(".DS_Store"), b"\0\0").unwrap();
    for key in files(&users.join("User2@org1.example.com/msp/keystore")) {
        fs::remove_file(key).unwrap();
    }
    let network = open(&folder);
    assert_works(&network);
    assert_eq!(network.orgs().len(), 1);
    let org = network.org("Org1MSP").unwrap();
    assert_eq!(org.users().collect::<Vec<_>>(), ["Admin", "User1"]);
    let error = org.user("User2").unwrap_err().to_string();
    let expected = "MSP 'Org1MSP' has no member User2@org1.example.com that can sign: there is no";
    assert!(error.starts_with(expected), "{error}");
    assert!(error.ends_with("msp/keystore"), "{error}");
    assert!(org.user("User3").unwrap_err().to_string().ends_with("User3@org1.example.com"));
}

#[test]
fn the_key_that_fits_is_taken_of_several() {
    let (folder, org) = network();
    let keys = org.join("users/User1@org1.example.com/msp/keystore");
    let other = org.join("users/User2@org1.example.com/msp/keystore/priv_sk");
    fs::copy(&other, keys.join("aaa_sk")).unwrap();
    assert_works(&open(&folder));
    for key in files(&keys) {
        fs::copy(&other, key).unwrap();
    }
    let network = open(&folder);
    let error = network.org("Org1MSP").unwrap().user("User1").unwrap_err().to_string();
    assert!(error.contains("does not belong to the certificate"), "{error}");
}

#[test]
fn files_that_are_not_pem_are_skipped_in_every_folder_of_an_msp() {
    let (folder, org) = network();
    let folders = ["cacerts", "admincerts", "intermediatecerts", "crls", "tlscacerts"];
    for name in folders {
        let folder = org.join("msp").join(name);
        fs::create_dir_all(&folder).unwrap();
        for (file, content) in [
            (".DS_Store", b"\0\0\0\x01Bud1".as_slice()),
            (".gitkeep", b""),
            ("cert.pem", b""),
            ("README.md", b"certificates of the CA"),
            ("broken.pem", b"-----BEGIN CERTIFICATE-----\n"),
        ] {
            fs::write(folder.join(file), content).unwrap();
        }
    }
    let user = org.join("users/User1@org1.example.com/msp");
    fs::write(user.join("signcerts/.DS_Store"), b"\0").unwrap();
    fs::write(user.join("keystore/.gitkeep"), b"").unwrap();
    fs::write(user.join("keystore/aaa"), b"").unwrap();
    assert_works(&open(&folder));
}

#[test]
fn units_are_read_in_every_style_of_yaml() {
    let (folder, org) = network();
    let file = org.join("msp/config.yaml");
    let made = fs::read_to_string(&file).unwrap();
    let msp_config = || open(&folder).org("Org1MSP").unwrap().msp_config().clone();
    let expected = msp_config();
    let ca = "cacerts/ca.org1.example.com-cert.pem";
    let braces = format!(
        "NodeOUs: {{Enable: Yes,
          ClientOUIdentifier: {{Certificate: {ca}, OrganizationalUnitIdentifier: client}},
          PeerOUIdentifier: {{\"Certificate\": '{ca}', OrganizationalUnitIdentifier: peer}},
          AdminOUIdentifier: {{Certificate: {ca}, OrganizationalUnitIdentifier: admin}},
          OrdererOUIdentifier: {{Certificate: {ca}, OrganizationalUnitIdentifier: orderer}}}}\n"
    );
    fs::write(&file, &braces).unwrap();
    assert_eq!(msp_config(), expected);

    let units = format!(
        "OrganizationalUnitIdentifiers:\n- {{Certificate: {ca}, \
         OrganizationalUnitIdentifier: client}}\n"
    );
    fs::write(&file, format!("{made}{units}")).unwrap();
    let required = msp_config().organizational_unit_identifiers;
    assert_eq!(
        required,
        [expected.fabric_node_ous.as_ref().unwrap().client_ou_identifier.clone().unwrap()]
    );

    // A missing certificate counts as no certificate, and disabled units are ignored, as in Fabric.
    fs::write(&file, made.replace("    Certificate: cacerts/", "    Certificate: missing/"))
        .unwrap();
    let units = msp_config().fabric_node_ous.unwrap();
    let peer = units.peer_ou_identifier.unwrap();
    assert!(peer.certificate.is_empty() && peer.organizational_unit_identifier == "peer");
    fs::write(&file, made.replace("Enable: true", "Enable: false")).unwrap();
    assert!(open_msp(&org).is_err(), "without units an admin has to be named");
}

fn open_msp(org: &Path) -> Result<Msp, crate::MspError> {
    Msp::from_dir(&org.join("msp"), "Org1MSP")
}
