//! Networks in memory and in folders.

use std::fs;
use std::path::Path;

use crate::ChannelConfig;
use crate::Msp;
use crate::Network;
use crate::NetworkSpec;
use crate::Role;
use crate::certificate::MemberCertificate;
use crate::network::NetworkError;
use wasmcc_types::ChannelId;

fn all_files(folder: &Path, prefix: &str, out: &mut Vec<String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        let name = format!("{prefix}{}", entry.file_name().into_string().unwrap());
        if entry.path().is_dir() {
            all_files(&entry.path(), &format!("{name}/"), out);
        } else {
            out.push(name);
        }
    }
}

fn files(folder: &Path) -> Vec<String> {
    let mut out = Vec::new();
    all_files(folder, "", &mut out);
    out.sort();
    out
}

#[test]
fn the_default_network_has_working_members() {
    let network = Network::in_memory(&NetworkSpec::default()).unwrap();
    let org = network.org("Org1MSP").unwrap();
    let msp = Msp::from_config(org.msp_config()).unwrap();
    let members = [
        (org.peer(), Role::Peer, "peer0.org1.example.com"),
        (org.admin(), Role::Admin, "Admin@org1.example.com"),
        (org.user("User1"), Role::Client, "User1@org1.example.com"),
        (org.user("User2"), Role::Client, "User2@org1.example.com"),
    ];
    for (signer, role, name) in members {
        let signer = signer.unwrap();
        let identity = msp.deserialize(signer.serialized()).unwrap();
        assert!(identity.has_role(role), "{name}");
        assert_eq!(
            identity.subject(),
            format!("C=US, ST=California, L=San Francisco, OU={role}, CN={name}")
        );
        identity.verify(b"message", &signer.sign(b"message")).unwrap();
        assert!(!identity.is_expired(std::time::SystemTime::now()));
    }
    assert_eq!(org.users().collect::<Vec<_>>(), ["Admin", "User1", "User2"]);
    assert!(org.user("User3").is_err());
    let orderer = network.orderer().unwrap();
    let msp = Msp::from_config(orderer.msp_config()).unwrap();
    let identity = msp.deserialize(orderer.peer().unwrap().serialized()).unwrap();
    assert!(identity.has_role(Role::Orderer));
    assert!(!format!("{network:?}").contains("PRIVATE"));
}

#[test]
fn certificates_are_signed_with_a_low_s() {
    for _ in 0..4 {
        let network = Network::in_memory(&NetworkSpec::default()).unwrap();
        let org = network.org("Org1MSP").unwrap();
        for credentials in [org.identity("peer0"), org.identity("Admin"), org.tls("User1")] {
            let pem = credentials.unwrap().certificate.as_bytes();
            let der = x509_parser::pem::parse_x509_pem(pem).unwrap().1.contents;
            // Cleaning does not change what is clean.
            assert_eq!(MemberCertificate::from_der(&der).unwrap().der, der);
        }
    }
}

#[test]
fn tls_certificates_name_the_host() {
    let network = Network::in_memory(&NetworkSpec::default()).unwrap();
    let org = network.org("Org1MSP").unwrap();
    let pem = &org.tls("peer0").unwrap().certificate;
    let der = x509_parser::pem::parse_x509_pem(pem.as_bytes()).unwrap().1;
    let certificate = der.parse_x509().unwrap();
    let names = certificate.subject_alternative_name().unwrap().unwrap().value;
    let names: Vec<String> = names.general_names.iter().map(|name| format!("{name:?}")).collect();
    let expected = [
        "DNSName(\"peer0.org1.example.com\")",
        "DNSName(\"peer0\")",
        "DNSName(\"localhost\")",
        "IPAddress([127, 0, 0, 1])",
    ];
    assert_eq!(names, expected);
    assert!(org.tls_ca_certificate().starts_with("-----BEGIN CERTIFICATE-----"));
}

#[test]
fn a_folder_is_laid_out_as_cryptogen_does() {
    let parent = tempfile::tempdir().unwrap();
    let path = parent.path().join("deep/network");
    let network = Network::generate(&path, &NetworkSpec::default()).unwrap();
    let files = files(&path);
    for name in [
        "network.json",
        "ordererOrganizations/example.com/msp/config.yaml",
        "ordererOrganizations/example.com/orderers/orderer.example.com/tls/server.crt",
        "peerOrganizations/org1.example.com/ca/ca.org1.example.com-cert.pem",
        "peerOrganizations/org1.example.com/ca/priv_sk",
        "peerOrganizations/org1.example.com/msp/cacerts/ca.org1.example.com-cert.pem",
        "peerOrganizations/org1.example.com/msp/config.yaml",
        "peerOrganizations/org1.example.com/msp/tlscacerts/tlsca.org1.example.com-cert.pem",
        "peerOrganizations/org1.example.com/peers/peer0.org1.example.com/msp/keystore/priv_sk",
        "peerOrganizations/org1.example.com/peers/peer0.org1.example.com/msp/signcerts/\
         peer0.org1.example.com-cert.pem",
        "peerOrganizations/org1.example.com/peers/peer0.org1.example.com/tls/server.key",
        "peerOrganizations/org1.example.com/tlsca/tlsca.org1.example.com-cert.pem",
        "peerOrganizations/org1.example.com/users/User1@org1.example.com/msp/keystore/priv_sk",
        "peerOrganizations/org1.example.com/users/Admin@org1.example.com/tls/client.crt",
    ] {
        assert!(files.iter().any(|file| file == name), "{name} in {files:#?}");
    }
    #[cfg(unix)]
    for file in files.iter().filter(|file| file.ends_with("priv_sk") || file.ends_with(".key")) {
        use std::os::unix::fs::PermissionsExt;
        let mode = fs::metadata(path.join(file)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{file}");
    }
    assert_eq!(
        fs::read_dir(parent.path().join("deep")).unwrap().count(),
        1,
        "nothing is left over"
    );

    let org = network.org("Org1MSP").unwrap();
    let tls = org.tls_files("peer0").unwrap();
    for file in [&tls.ca, &tls.certificate, &tls.key] {
        assert!(file.is_file(), "{}", file.display());
    }
    assert!(tls.key.ends_with("server.key"));
    assert!(org.tls_files("User1").unwrap().key.ends_with("client.key"));
    let msp = Msp::from_dir(&org.msp_folder("peer0").unwrap(), "Org1MSP").unwrap();
    assert!(msp.deserialize(org.peer().unwrap().serialized()).unwrap().has_role(Role::Peer));
}

#[test]
fn a_folder_reads_back_as_it_was_written() {
    let parent = tempfile::tempdir().unwrap();
    let path = parent.path().join("network");
    let mut spec = NetworkSpec::with_orgs(2);
    spec.orgs[1].msp_id = "Custom-MSP".to_owned();
    let written = Network::in_memory(&spec).unwrap();
    written.write(&path).unwrap();
    let read = Network::open(&path).unwrap();
    let channel = ChannelId::parse("mychannel").unwrap();
    let block = |network: &Network| network.genesis(channel.clone()).block().unwrap();
    assert_eq!(block(&read), block(&written));
    assert!(ChannelConfig::from_genesis_block(&block(&read)).is_ok());
    for (one, other) in read.orgs().iter().zip(written.orgs()) {
        assert_eq!((one.msp_id(), one.domain()), (other.msp_id(), other.domain()));
        for name in ["peer0", "Admin", "User1", "User2"] {
            assert!(one.identity(name).unwrap() == other.identity(name).unwrap(), "{name}");
            assert!(one.tls(name).unwrap() == other.tls(name).unwrap(), "{name}");
        }
    }
    // cryptogen leaves no network.json; then MSP ids are those of the samples.
    fs::remove_file(path.join("network.json")).unwrap();
    let read = Network::open(&path).unwrap();
    assert!(read.org("Org1MSP").is_some() && read.org("Org2MSP").is_some());
    assert_eq!(read.orderer().unwrap().msp_id(), "OrdererMSP");
}

#[test]
fn an_existing_folder_is_left_alone() {
    let parent = tempfile::tempdir().unwrap();
    let error = Network::generate(parent.path(), &NetworkSpec::default()).unwrap_err();
    assert!(matches!(error, NetworkError::Exists(_)), "{error}");
    let error = Network::open(parent.path()).unwrap_err().to_string();
    assert!(error.contains("is not a network folder"), "{error}");
    let file = parent.path().join("file");
    fs::write(&file, "").unwrap();
    assert!(Network::generate(&file.join("network"), &NetworkSpec::default()).is_err());
    assert_eq!(files(parent.path()), ["file"]);
}

#[test]
fn specifications_without_sense_are_refused() {
    let refuse = |change: &dyn Fn(&mut NetworkSpec)| {
        let mut spec = NetworkSpec::with_orgs(2);
        change(&mut spec);
        let error = Network::in_memory(&spec).unwrap_err();
        assert!(matches!(error, NetworkError::Spec(_)), "{error}");
    };
    refuse(&|spec| spec.orgs.clear());
    refuse(&|spec| spec.orgs[1].msp_id = "Org1MSP".to_owned());
    refuse(&|spec| spec.orgs[1].domain = "org1.example.com".to_owned());
    refuse(&|spec| spec.orgs[0].users.push("User1".to_owned()));
    refuse(&|spec| spec.orgs[0].users.push("Admin".to_owned()));
    for name in ["", "..", "../up", "a/b", "a b", "-a", "é", "User_1"] {
        refuse(&|spec| spec.orgs[0].users.push(name.to_owned()));
        refuse(&|spec| spec.orgs[0].domain = name.to_owned());
        refuse(&|spec| spec.orgs[0].msp_id = name.to_owned());
    }
    refuse(&|spec| spec.orgs[0].domain = "a".repeat(57));
    refuse(&|spec| spec.orgs[0].users.push("a".repeat(48)));
}

#[test]
fn yaml_beyond_node_ous_is_refused() {
    let parent = tempfile::tempdir().unwrap();
    let path = parent.path().join("network");
    let network = Network::generate(&path, &NetworkSpec::default()).unwrap();
    let msp = path.join("peerOrganizations/org1.example.com/msp");
    let yaml = fs::read_to_string(msp.join("config.yaml")).unwrap();
    let read = |text: &str| {
        fs::write(msp.join("config.yaml"), text).unwrap();
        Msp::from_dir(&msp, "Org1MSP")
    };
    let peer = network.org("Org1MSP").unwrap().peer().unwrap();
    let quoted = yaml.replace(": client", ": \"client\" # a comment").replace('\n', "\r\n");
    let msp_id = read(&format!("---\n# a comment\n\n{quoted}")).unwrap();
    assert!(msp_id.deserialize(peer.serialized()).unwrap().has_role(Role::Peer));
    for (text, line) in [
        (format!("{yaml}OrganizationalUnitIdentifiers:\n"), 15),
        (yaml.replace("Enable: true", "Enable: perhaps"), 2),
        (yaml.replace("PeerOUIdentifier", "RobotOUIdentifier"), 6),
        (yaml.replace("Enable: true", "Enable"), 2),
        ("  Enable: true\n".to_owned(), 1),
    ] {
        let error = read(&text).unwrap_err().to_string();
        assert!(error.contains(&format!("line {line}:")), "{error}\n{text}");
    }
    // Without the file there are no roles, and then an admin has to be named.
    fs::remove_file(msp.join("config.yaml")).unwrap();
    let error = Msp::from_dir(&msp, "Org1MSP").unwrap_err().to_string();
    assert!(error.contains("administrators must be declared"), "{error}");
}
