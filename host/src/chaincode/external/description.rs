//! What stands in a package in place of a component: where the chaincode is.

use std::time::Duration;

use serde::Deserialize;

use crate::types::duration;

/// Fabric's, in its peer's runtime launcher.
const DIAL_TIMEOUT: Duration = Duration::from_secs(3);

/// How a chaincode in another process is reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Description {
    /// `{"external": true}`: it connects to the peer.
    Connects,
    /// Fabric's `connection.json`: the peer connects to it.
    Serves(Connection),
}

/// A chaincode server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Connection {
    /// "host:port".
    pub address: String,
    /// How long connecting may take.
    pub dial_timeout: Duration,
}

#[derive(Deserialize)]
struct Json {
    #[serde(default)]
    external: bool,
    address: Option<String>,
    dial_timeout: Option<DialTimeout>,
    #[serde(default)]
    tls_required: bool,
}

/// Go's text, or nanoseconds.
#[derive(Deserialize)]
#[serde(untagged)]
enum DialTimeout {
    Nanos(u64),
    Text(String),
}

impl Description {
    /// Whether a code package is a description: no component begins like one.
    pub fn is_one(code: &[u8]) -> bool {
        code.first() == Some(&b'{')
    }

    /// Reads a code package. As in Fabric, unknown fields are ignored.
    pub fn parse(code: &[u8]) -> Result<Self, String> {
        let bad = |why: String| format!("its connection description is not usable: {why}");
        let json: Json = serde_json::from_slice(code).map_err(|error| bad(error.to_string()))?;
        match (json.external, json.address) {
            (true, Some(_)) => Err(bad("it has both external and an address".into())),
            (true, None) => Ok(Self::Connects),
            (false, None) => Err(bad("it has no address".into())),
            (false, Some(_)) if json.tls_required => Err(bad(
                "this peer cannot connect with TLS yet, so tls_required must be false".into(),
            )),
            (false, Some(address)) => {
                check_address(&address).map_err(bad)?;
                let dial_timeout = match json.dial_timeout {
                    None => DIAL_TIMEOUT,
                    Some(DialTimeout::Nanos(nanos)) => Duration::from_nanos(nanos),
                    Some(DialTimeout::Text(text)) => duration::parse(&text)
                        .ok_or_else(|| bad(format!("dial_timeout '{text}' is no duration")))?,
                };
                // None means the usual in Fabric too.
                let dial_timeout = if dial_timeout.is_zero() { DIAL_TIMEOUT } else { dial_timeout };
                Ok(Self::Serves(Connection { address, dial_timeout }))
            }
        }
    }
}

fn check_address(address: &str) -> Result<(), String> {
    let port = address.rsplit_once(':').filter(|(host, _)| !host.is_empty());
    match port.and_then(|(_, port)| port.parse::<u16>().ok()) {
        Some(port) if port > 0 => Ok(()),
        _ => Err(format!("the address '{address}' is not of the form host:port")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(json: &str) -> Result<Description, String> {
        assert!(Description::is_one(json.as_bytes()));
        Description::parse(json.as_bytes())
    }

    #[test]
    fn both_kinds_are_read() {
        assert_eq!(parse(r#"{"external": true}"#), Ok(Description::Connects));
        for (json, dial_timeout) in [
            (r#"{"address": "cc.example.com:9999", "tls_required": false}"#, 3_000),
            (r#"{"address": "cc.example.com:9999", "dial_timeout": "10s", "other": 1}"#, 10_000),
            (r#"{"address": "cc.example.com:9999", "dial_timeout": 250000000}"#, 250),
            (r#"{"address": "cc.example.com:9999", "dial_timeout": "0"}"#, 3_000),
        ] {
            let dial_timeout = Duration::from_millis(dial_timeout);
            let connection = Connection { address: "cc.example.com:9999".into(), dial_timeout };
            assert_eq!(parse(json), Ok(Description::Serves(connection)), "{json}");
        }
    }

    #[test]
    fn what_cannot_be_used_is_named() {
        for (json, why) in [
            ("{", "EOF"),
            ("{}", "no address"),
            (r#"{"external": true, "address": "a:1"}"#, "both"),
            (r#"{"address": "a"}"#, "host:port"),
            (r#"{"address": ":1"}"#, "host:port"),
            (r#"{"address": "a:0"}"#, "host:port"),
            (r#"{"address": "a:1", "dial_timeout": "soon"}"#, "'soon' is no duration"),
            (r#"{"address": "a:1", "tls_required": true}"#, "TLS"),
            (r#"{"address": "a:1", "tls_required": "false"}"#, "boolean"),
        ] {
            let error = parse(json).unwrap_err();
            assert!(error.contains(why), "{json}: {error}");
        }
    }
}
