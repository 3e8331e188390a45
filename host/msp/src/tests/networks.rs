//! Tests networks in memory and in folders.

use std::fs;
use std::path::Path;

use crate::certificate::MemberCertificate;
use crate::network::NetworkError;
use crate::{ChannelConfig, Msp, Network, NetworkSpec, Role};
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
            // Normalizing does not change a normalized certificate.
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
    // cryptogen writes no network.json; the MSP ids are then those of the samples.
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
fn yaml_that_is_not_understood_is_refused() {
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
    assert_eq!(read(&format!("\u{feff}{yaml}")).unwrap().id(), "Org1MSP");
    for (text, line) in [
        (format!("{yaml}OrganizationalUnits:\n"), 15),
        (yaml.replace("Enable: true", "Enable: perhaps"), 2),
        (yaml.replace("PeerOUIdentifier", "RobotOUIdentifier"), 6),
        (yaml.replace("Enable: true", "Enable"), 2),
        ("  Enable: true\n".to_owned(), 1),
    ] {
        let error = read(&text).unwrap_err().to_string();
        assert!(error.contains(&format!("line {line}:")), "{error}\n{text}");
    }
    // Without the file there are no roles, so an admin has to be listed.
    fs::remove_file(msp.join("config.yaml")).unwrap();
    let error = Msp::from_dir(&msp, "Org1MSP").unwrap_err().to_string();
    assert!(error.contains("administrators must be declared"), "{error}");
}

#[test]
fn what_a_folder_lacks_is_made_and_what_it_has_stays() {
    let parent = tempfile::tempdir().unwrap();
    let path = parent.path().join("organizations");
    fs::create_dir_all(path.join("fabric-ca/org1")).unwrap();
    fs::write(path.join("ccp-generate.sh"), "somebody's").unwrap();
    fs::create_dir_all(path.join("peerOrganizations/org2.example.com")).unwrap();
    let first = Network::complete(&path, &NetworkSpec::with_orgs(1)).unwrap();
    let made = files(&path);
    let both = Network::complete(&path, &NetworkSpec::with_orgs(2)).unwrap();
    assert_eq!(both.orgs().len(), 2);
    assert_eq!(both.org("OrdererMSP").unwrap().domain(), "example.com");
    let certificate = |network: &Network| network.orgs()[0].identity("User1").unwrap().clone();
    assert!(certificate(&first) == certificate(&both), "the first organization stays");
    assert!(made.iter().all(|file| path.join(file).is_file()));
    assert_eq!(fs::read_to_string(path.join("ccp-generate.sh")).unwrap(), "somebody's");
    // A foreign organization is not part of the network.
    let one = Network::complete(&path, &NetworkSpec::with_orgs(1)).unwrap();
    assert_eq!(one.orgs().len(), 1);
    assert!(!files(&path).iter().any(|file| file.contains(".network-")));
}

#[test]
fn half_an_organization_is_refused_by_name() {
    let parent = tempfile::tempdir().unwrap();
    let users = parent.path().join("peerOrganizations/org1.example.com/users");
    fs::create_dir_all(&users).unwrap();
    let error = Network::complete(parent.path(), &NetworkSpec::with_orgs(1)).unwrap_err();
    let text = error.to_string();
    assert!(text.contains("org1.example.com") && text.contains("has users and no msp"), "{text}");
}

#[test]
fn applications_find_members_by_the_names_of_cryptogen_and_of_fabric_ca() {
    let parent = tempfile::tempdir().unwrap();
    let path = parent.path().join("network");
    Network::generate(&path, &NetworkSpec::default()).unwrap();
    let user = "peerOrganizations/org1.example.com/users/User1@org1.example.com/msp";
    let read = |folder: &str| {
        let mut found = Vec::new();
        all_files(&path.join(user).join(folder), "", &mut found);
        found.sort();
        let texts = found.iter().map(|file| fs::read(path.join(user).join(folder).join(file)));
        (found.clone(), texts.map(Result::unwrap).collect::<Vec<_>>())
    };
    let (names, texts) = read("signcerts");
    assert_eq!(names, ["User1@org1.example.com-cert.pem", "cert.pem"]);
    assert_eq!(texts[0], texts[1]);
    let pem = x509_parser::pem::parse_x509_pem(&texts[0]).unwrap().1;
    let point = &pem.parse_x509().unwrap().tbs_certificate.subject_pki.subject_public_key.data;
    let ski = wasmcc_types::hex(&wasmcc_types::sha256(point));
    let (mut names, texts) = read("keystore");
    names.sort_by_key(String::len);
    assert_eq!(names, ["priv_sk".to_owned(), format!("{ski}_sk")]);
    assert_eq!(texts[0], texts[1]);
}

#[test]
fn a_user_is_added_with_attributes() {
    let parent = tempfile::tempdir().unwrap();
    let path = parent.path().join("network");
    let network = Network::generate(&path, &NetworkSpec::default()).unwrap();
    let attributes = [("role", "auditor"), ("level", "3")];
    let attributes = attributes.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
    let folder = network.add_user("Org1MSP", "alice", &attributes).unwrap();
    assert!(folder.ends_with("users/alice@org1.example.com"), "{}", folder.display());

    let read = Network::open(&path).unwrap();
    let org = read.org("Org1MSP").unwrap();
    let msp = Msp::from_config(org.msp_config()).unwrap();
    let signer = org.user("alice").unwrap();
    let identity = msp.deserialize(signer.serialized()).unwrap();
    assert!(identity.has_role(Role::Client));
    identity.verify(b"message", &signer.sign(b"message")).unwrap();
    assert!(org.tls("alice").is_some());
    let pem = org.identity("alice").unwrap().certificate.clone();
    let pem = x509_parser::pem::parse_x509_pem(pem.as_bytes()).unwrap().1;
    let certificate = pem.parse_x509().unwrap();
    let mut extensions = certificate.extensions().iter();
    let found = extensions.find(|it| it.oid.to_id_string() == "1.2.3.4.5.6.7.8.1").unwrap();
    assert_eq!(found.value, br#"{"attrs":{"level":"3","role":"auditor"}}"#);

    let again = network.add_user("Org1MSP", "alice", &attributes).unwrap_err().to_string();
    assert!(again.contains("alice@org1.example.com exists already"), "{again}");
    for name in ["", "a b", "../x", &"a".repeat(64)] {
        assert!(network.add_user("Org1MSP", name, &attributes).is_err(), "{name}");
    }
    assert!(network.add_user("Org9MSP", "bob", &attributes).is_err());
    fs::remove_file(path.join("peerOrganizations/org1.example.com/ca/priv_sk")).unwrap();
    let error = Network::open(&path).unwrap().add_user("Org1MSP", "bob", &attributes).unwrap_err();
    assert!(error.to_string().contains("its key is not in the folder ca"), "{error}");
}
