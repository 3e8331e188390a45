//! The addresses of one process: a peer of each organization and their orderer, each with its own
//! certificate.

use wasmcc_tests::program::{Client, Run, Site};

fn fetch(client: &Client<'_>, org: &str, more: &[&str]) -> Run {
    let verb = ["channel", "fetch", "newest", "newest.block", "--tls", "--timeout", "20s"];
    client.run(&[&verb[..], &["--org", org, "--user", "Admin"], more].concat())
}

#[test]
fn each_node_of_a_process_has_its_address_and_its_certificate() {
    let site = Site::of_two();
    let orgs = ["--org", "Org1MSP", "--listen", "Org2MSP=127.0.0.1:0"];
    let orderer = ["--orderer-listen", "127.0.0.1:0", "--tls", "--in-memory"];
    let peer = site.peer(&[&orgs[..], &orderer].concat());
    let nodes: [(&str, &str, &Client<'_>); 3] = [
        ("Org1MSP", "peerOrganizations/org1.example.com", &peer),
        ("Org2MSP", "peerOrganizations/org2.example.com", peer.other(0)),
        ("OrdererMSP", "ordererOrganizations/example.com", peer.other(1)),
    ];
    for (org, folder, node) in nodes {
        let domain = folder.split_once('/').unwrap().1;
        let ca = format!("net/{folder}/tlsca/tlsca.{domain}-cert.pem");
        fetch(node, org, &["--tls-ca", &ca]).ok();
        let others = nodes.iter().filter(|(other, _, _)| *other != org);
        for (_, _, other) in others {
            let refused = fetch(other, org, &["--tls-ca", &ca]).failed(1);
            assert!(refused.contains("UnknownIssuer"), "{refused}");
            // The network folder has all CAs.
            fetch(other, org, &[]).ok();
        }
    }
    let channels = ["channels", "--tls", "--org", "OrdererMSP", "--user", "Admin"];
    let refused = peer.other(1).run(&channels).failed(1);
    assert!(refused.contains("this orderer has no service protos.Endorser"), "{refused}");
    peer.terminate().ok();
}

#[test]
fn an_orderer_that_cannot_listen_or_has_no_certificate_stops_the_start() {
    let site = Site::new();
    let peer = site.peer(&["--in-memory"]);
    let busy = ["--in-memory", "--orderer-listen", peer.address()];
    let refused = site.try_peer(&busy).err().unwrap().failed(1);
    let expected = format!(
        "cannot listen on {}: choose another address with --orderer-listen",
        peer.address()
    );
    assert!(refused.contains(&expected), "{refused}");
    let tls = "net/ordererOrganizations/example.com/orderers/orderer.example.com/tls";
    std::fs::remove_dir_all(site.path(tls)).unwrap();
    let orderer = ["--in-memory", "--tls", "--orderer-listen", "127.0.0.1:0"];
    let refused = site.try_peer(&orderer).err().unwrap().failed(1);
    assert!(refused.contains("give --orderer-tls-cert and --orderer-tls-key"), "{refused}");
    let half = [&orderer[..], &["--orderer-tls-cert", "orderer.crt"]].concat();
    site.try_peer(&half).err().unwrap().failed(2);
}

#[test]
fn an_address_names_its_organization_or_has_its_place() {
    let site = Site::of_two();
    let named = ["--in-memory", "--listen", "Org2MSP=127.0.0.1:0", "--listen", "127.0.0.1:0"];
    let refused = site.try_peer(&named).err().unwrap().failed(1);
    assert!(refused.contains("3 addresses to listen on, but 2 organizations"), "{refused}");
    let unknown = site.try_peer(&["--listen", "Org9MSP=127.0.0.1:0"]).err().unwrap().failed(1);
    assert!(unknown.contains("Org9MSP"), "{unknown}");
    let empty = site.try_peer(&["--listen", "Org2MSP="]).err().unwrap().failed(2);
    assert!(empty.contains("MSPID=HOST:PORT"), "{empty}");
}
