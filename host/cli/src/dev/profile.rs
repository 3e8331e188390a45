//! Connection profiles as in Fabric's test network, for its client libraries
//! (`connection-org1.json` and `.yaml`). They name a CA server at its usual address, which does not
//! exist here: users are made with `wasmcc network user add`.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use serde_json::{Value, json};

use wasmcc_msp::network::Org;

/// The ports of the test network's CA servers, by the number of the organization.
const CA_PORTS: [u16; 2] = [7054, 8054];

/// Writes both files into the folder `root` of an organization; `port` is that of its peer.
pub(super) fn write(root: &Path, org: &Org, number: usize, port: u16) -> Result<()> {
    let profile = profile(org, number, port)
        .with_context(|| format!("the organization {} has no peer", org.msp_id()))?;
    let write = |ending: &str, text: String| {
        let file = root.join(format!("connection-org{}.{ending}", number + 1));
        fs::write(&file, text).with_context(|| format!("cannot write {}", file.display()))
    };
    write("json", serde_json::to_string_pretty(&profile)? + "\n")?;
    let mut yaml = "---\n".to_owned();
    to_yaml(&profile, 0, &mut yaml);
    write("yaml", yaml)
}

/// True if the JSON file equals that of [`write`] for some port.
pub(super) fn is_own(root: &Path, org: &Org, number: usize) -> bool {
    let file = root.join(format!("connection-org{}.json", number + 1));
    let Ok(text) = fs::read_to_string(file) else { return false };
    let port = text.split_once("\"grpcs://localhost:").and_then(|(_, rest)| rest.split_once('"'));
    let port = port.and_then(|(port, _)| port.parse().ok());
    let own = port.and_then(|port| profile(org, number, port));
    let own = own.and_then(|own| serde_json::to_string_pretty(&own).ok());
    own.is_some_and(|own| own + "\n" == text)
}

/// Returns the profile; None if the organization has no peer.
fn profile(org: &Org, number: usize, port: u16) -> Option<Value> {
    let name = format!("Org{}", number + 1);
    let (peer, domain) = (org.peer_name()?, org.domain());
    let (ca, ca_port) = (format!("ca.{domain}"), CA_PORTS[number.min(CA_PORTS.len() - 1)]);
    let root = org.tls_ca_certificate();
    Some(json!({
        "name": format!("test-network-{}", name.to_lowercase()),
        "version": "1.0.0",
        "client": {
            "organization": name,
            "connection": { "timeout": { "peer": { "endorser": "300" } } },
        },
        "organizations": {
            name.as_str(): {
                "mspid": org.msp_id(),
                "peers": [peer],
                "certificateAuthorities": [ca],
            },
        },
        "peers": {
            peer: {
                "url": format!("grpcs://localhost:{port}"),
                "tlsCACerts": { "pem": root },
                "grpcOptions": {
                    "ssl-target-name-override": peer,
                    "hostnameOverride": peer,
                },
            },
        },
        "certificateAuthorities": {
            ca.as_str(): {
                "url": format!("https://localhost:{ca_port}"),
                "caName": format!("ca-{}", name.to_lowercase()),
                "tlsCACerts": { "pem": [root] },
                "httpOptions": { "verify": false },
            },
        },
    }))
}

/// Writes the members of an object or list. Texts are quoted as in JSON, which is also YAML.
fn to_yaml(value: &Value, indent: usize, out: &mut String) {
    let mut line = |prefix: String, value: &Value| {
        out.push_str(&" ".repeat(indent));
        out.push_str(&prefix);
        match value {
            Value::Object(_) | Value::Array(_) => {
                out.push('\n');
                to_yaml(value, indent + 2, out);
            }
            plain => out.push_str(&format!(" {plain}\n")),
        }
    };
    match value {
        Value::Object(members) => {
            for (name, value) in members {
                line(format!("{}:", Value::from(name.as_str())), value);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| line("-".to_owned(), item)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use wasmcc_msp::{Network, NetworkSpec};

    #[test]
    fn a_profile_names_the_peer_and_its_ca_certificate() {
        let folder = tempfile::tempdir().unwrap();
        let network = Network::in_memory(&NetworkSpec::with_orgs(2)).unwrap();
        let org = network.org("Org2MSP").unwrap();
        write(folder.path(), org, 1, 9051).unwrap();
        let json = fs::read_to_string(folder.path().join("connection-org2.json")).unwrap();
        let json: Value = serde_json::from_str(&json).unwrap();
        let peer = &json["peers"]["peer0.org2.example.com"];
        assert_eq!(peer["url"], "grpcs://localhost:9051");
        assert_eq!(peer["tlsCACerts"]["pem"], org.tls_ca_certificate());
        assert_eq!(json["organizations"]["Org2"]["mspid"], "Org2MSP");
        let yaml = fs::read_to_string(folder.path().join("connection-org2.yaml")).unwrap();
        assert!(yaml.contains("\n  \"peer0.org2.example.com\":\n"), "{yaml}");
        assert!(yaml.contains("\n    \"url\": \"grpcs://localhost:9051\"\n"), "{yaml}");
        assert!(yaml.contains("\n      - \"peer0.org2.example.com\"\n"), "{yaml}");
        assert!(is_own(folder.path(), org, 1) && !is_own(folder.path(), org, 0));
        let file = folder.path().join("connection-org2.json");
        fs::write(&file, fs::read_to_string(&file).unwrap() + " ").unwrap();
        assert!(!is_own(folder.path(), org, 1), "somebody has changed it");
    }
}
