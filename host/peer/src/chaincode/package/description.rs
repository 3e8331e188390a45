//! The part of a package that replaces a component: the location of a chaincode in another process.

use std::time::Duration;

use serde::Deserialize;

use wasmcc_types::{ClientIdentity, ClientTls, duration, go_json, is_host_port};

/// The limit of the runtime launcher in Fabric's peer.
const DIAL_TIMEOUT: Duration = Duration::from_secs(3);

/// The beginning of a certificate in PEM text.
const CERTIFICATE: &str = "-----BEGIN CERTIFICATE-----";

/// The connection of a chaincode in another process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Description {
    /// `{"external": true}`: the chaincode connects to the peer and proves its identity with a
    /// secret. `secret_sha256` is the hash of the secret, 64 hexadecimal digits.
    Connects(Option<[u8; 32]>),
    /// Fabric's `connection.json`: the peer connects to it.
    Serves(DialTarget),
}

/// A chaincode server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DialTarget {
    /// "host:port".
    pub address: String,
    /// Time limit for connecting.
    pub dial_timeout: Duration,
    /// None: no TLS.
    pub tls: Option<ClientTls>,
    /// True if the description contains a private key, whether it is used or not.
    pub has_key: bool,
}

/// The reason why a description cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("its connection description is not usable: {0}")]
pub struct DescriptionError(pub InvalidDescription);

/// An error of a description. The texts about TLS are Fabric's
/// (`core/container/externalbuilder/instance.go`, `ChaincodeServerInfo`).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidDescription {
    /// It is not JSON, or a member has another type.
    #[error("{0}")]
    Json(String),
    /// It describes both kinds.
    #[error("it has both external and an address")]
    ExternalWithAddress,
    /// It has neither an address nor `external`.
    #[error("it has no address")]
    NoAddress,
    /// `secret_sha256` is not a SHA-256 hash in hexadecimal.
    #[error("secret_sha256 is not 64 hexadecimal digits")]
    SecretHash,
    /// The address cannot be dialed.
    #[error("the address '{0}' is not of the form host:port")]
    Address(String),
    /// A member is a template, which only a builder of a Fabric peer replaces.
    #[error(
        "its {member} '{text}' is a template: only the ccaas builder of a Fabric peer fills in \
         {{{{...}}}}; this peer uses it as written, so write the final value"
    )]
    Template {
        /// The member.
        member: &'static str,
        /// Its text.
        text: String,
    },
    /// As `Template`, for the private key, which is not shown.
    #[error("its client_key is a template, which this peer does not fill in")]
    KeyTemplate,
    /// The time limit for connecting cannot be read.
    #[error("dial_timeout '{0}' is not a duration")]
    DialTimeout(String),
    /// Client authentication is required, but the key is missing.
    #[error("chaincode tls key not provided")]
    NoClientKey,
    /// Client authentication is required, but the certificate is missing.
    #[error("chaincode tls cert not provided")]
    NoClientCert,
    /// The root certificate that verifies the server is missing.
    #[error("chaincode tls root cert not provided")]
    NoRootCert,
    /// The root certificate is not PEM text with a certificate. Fabric detects that when it dials:
    /// "error adding root certificate" (`internal/pkg/comm/config.go`).
    #[error(
        "root_cert has no certificate in PEM form, so no peer could check the server's: package \
         the certificate of its CA"
    )]
    RootCert,
}

#[derive(Deserialize)]
struct DescriptionJson {
    #[serde(default)]
    external: bool,
    secret_sha256: Option<String>,
    address: Option<String>,
    dial_timeout: Option<DialTimeout>,
    #[serde(flatten)]
    tls: TlsJson,
}

/// The JSON members of both kinds.
const NAMES: &[&str] = &[
    "external",
    "secret_sha256",
    "address",
    "dial_timeout",
    "tls_required",
    "root_cert",
    "client_auth_required",
    "client_key",
    "client_cert",
    "domain",
];

#[derive(Default, Deserialize)]
#[serde(default)]
struct TlsJson {
    tls_required: bool,
    root_cert: String,
    client_auth_required: bool,
    client_key: String,
    client_cert: String,
    domain: String,
}

impl TlsJson {
    fn check_templates(&self) -> Result<(), InvalidDescription> {
        check_template("root_cert", &self.root_cert)?;
        check_template("client_cert", &self.client_cert)?;
        check_template("domain", &self.domain)?;
        if self.client_key.contains("{{") {
            return Err(InvalidDescription::KeyTemplate);
        }
        Ok(())
    }

    /// Follows Fabric's rules: the domain is used only if the client presents a certificate.
    fn read(self) -> Result<Option<ClientTls>, InvalidDescription> {
        if !self.tls_required {
            return Ok(None);
        }
        if self.client_auth_required && self.client_key.is_empty() {
            return Err(InvalidDescription::NoClientKey);
        }
        if self.client_auth_required && self.client_cert.is_empty() {
            return Err(InvalidDescription::NoClientCert);
        }
        if self.root_cert.is_empty() {
            return Err(InvalidDescription::NoRootCert);
        }
        // Fabric's peer does not dial without a root certificate. It is parsed when the server is
        // dialed.
        if !self.root_cert.contains(CERTIFICATE) {
            return Err(InvalidDescription::RootCert);
        }
        let identity = self
            .client_auth_required
            .then_some(ClientIdentity { certificate: self.client_cert, key: self.client_key });
        let domain = identity.is_some().then_some(self.domain).filter(|name| !name.is_empty());
        Ok(Some(ClientTls { root: self.root_cert, identity, domain }))
    }
}

/// Go's duration text, or nanoseconds.
#[derive(Deserialize)]
#[serde(untagged)]
enum DialTimeout {
    Nanos(u64),
    Text(String),
}

impl Description {
    /// Returns true if a code package is a description. A component begins with other bytes.
    pub fn is_one(code: &[u8]) -> bool {
        code.first() == Some(&b'{')
    }

    /// Returns true if it contains a private key, which must not leave the peer.
    pub fn has_key(&self) -> bool {
        match self {
            Self::Connects(_) => false,
            Self::Serves(connection) => connection.has_key,
        }
    }

    /// Reads a program that is a description. Returns None if it is a component.
    pub fn of(program: &[u8]) -> Result<Option<Self>, DescriptionError> {
        Self::is_one(program).then(|| Self::parse(program)).transpose()
    }

    /// Reads a code package. As in Fabric, unknown fields are ignored.
    pub fn parse(code: &[u8]) -> Result<Self, DescriptionError> {
        Self::read(code).map_err(DescriptionError)
    }

    fn read(code: &[u8]) -> Result<Self, InvalidDescription> {
        let json: DescriptionJson = go_json::from_slice(code, NAMES)
            .map_err(|error| InvalidDescription::Json(error.to_string()))?;
        match (json.external, json.address) {
            (true, Some(_)) => Err(InvalidDescription::ExternalWithAddress),
            (true, None) => {
                let hash = json
                    .secret_sha256
                    .as_deref()
                    .map(|digits| hash(digits).ok_or(InvalidDescription::SecretHash));
                Ok(Self::Connects(hash.transpose()?))
            }
            (false, None) => Err(InvalidDescription::NoAddress),
            (false, Some(address)) => {
                json.tls.check_templates()?;
                check_address(&address)?;
                let dial_timeout = match json.dial_timeout {
                    None => DIAL_TIMEOUT,
                    Some(DialTimeout::Nanos(nanos)) => Duration::from_nanos(nanos),
                    Some(DialTimeout::Text(text)) => match duration::parse(&text) {
                        Some(time) => time,
                        None => return Err(InvalidDescription::DialTimeout(text)),
                    },
                };
                // As in Fabric, zero means the default.
                let dial_timeout = if dial_timeout.is_zero() { DIAL_TIMEOUT } else { dial_timeout };
                let has_key = !json.tls.client_key.is_empty();
                let tls = json.tls.read()?;
                Ok(Self::Serves(DialTarget { address, dial_timeout, tls, has_key }))
            }
        }
    }
}

fn hash(digits: &str) -> Option<[u8; 32]> {
    let digits = digits.as_bytes();
    if digits.len() != 64 || !digits.iter().all(u8::is_ascii_hexdigit) {
        return None;
    }
    let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
    digits.chunks(2).map(byte).collect::<Option<Vec<u8>>>()?.try_into().ok()
}

/// Refuses templates. Fabric's builder for services replaces them with values from the
/// configuration of each peer.
fn check_template(member: &'static str, text: &str) -> Result<(), InvalidDescription> {
    if !text.contains("{{") {
        return Ok(());
    }
    Err(InvalidDescription::Template { member, text: text.to_owned() })
}

/// Checks that an address can be dialed, because an error after the install would be too late.
fn check_address(address: &str) -> Result<(), InvalidDescription> {
    check_template("address", address)?;
    match is_host_port(address) {
        true => Ok(()),
        false => Err(InvalidDescription::Address(address.to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(json: &str) -> Result<Description, DescriptionError> {
        assert!(Description::is_one(json.as_bytes()));
        Description::parse(json.as_bytes())
    }

    #[test]
    fn both_kinds_are_read() {
        assert_eq!(parse(r#"{"external": true}"#), Ok(Description::Connects(None)));
        let with_secret =
            format!(r#"{{"external": true, "secret_sha256": "{}"}}"#, "0f".repeat(32));
        assert_eq!(parse(&with_secret), Ok(Description::Connects(Some([0x0f; 32]))));
        for (json, dial_timeout) in [
            (r#"{"address": "cc.example.com:9999", "tls_required": false}"#, 3_000),
            (r#"{"address": "cc.example.com:9999", "dial_timeout": "10s", "other": 1}"#, 10_000),
            (r#"{"address": "cc.example.com:9999", "dial_timeout": 250000000}"#, 250),
            (r#"{"address": "cc.example.com:9999", "dial_timeout": "0"}"#, 3_000),
            (
                r#"{"Address": "cc.example.com:9999", "DIAL_TIMEOUT": "10s", "Domain": null}"#,
                10_000,
            ),
        ] {
            let dial_timeout = Duration::from_millis(dial_timeout);
            let address = "cc.example.com:9999".into();
            let connection = DialTarget { address, dial_timeout, tls: None, has_key: false };
            assert_eq!(parse(json), Ok(Description::Serves(connection)), "{json}");
        }
    }

    #[test]
    fn addresses_are_those_that_can_be_dialed() {
        for address in ["localhost:1", "10.0.0.1:65535", "[::1]:9999", "my_cc-1.example.com:80"] {
            assert_eq!(check_address(address), Ok(()), "{address}");
        }
    }

    #[test]
    fn the_domain_counts_only_with_a_client_certificate() {
        let tls = |client_auth: bool| {
            let json = format!(
                r#"{{"address": "a:1", "tls_required": true, "root_cert": "{CERTIFICATE}",
                     "domain": "d",
                     "client_auth_required": {client_auth}, "client_cert": "c",
                     "client_key": "k"}}"#
            );
            match parse(&json) {
                Ok(Description::Serves(connection)) => connection.tls,
                other => panic!("{other:?}"),
            }
        };
        let without = ClientTls { root: CERTIFICATE.into(), identity: None, domain: None };
        assert_eq!(tls(false), Some(without));
        let identity = Some(ClientIdentity { certificate: "c".into(), key: "k".into() });
        let with = ClientTls { root: CERTIFICATE.into(), identity, domain: Some("d".into()) };
        assert_eq!(tls(true), Some(with));
    }

    #[test]
    fn what_cannot_be_used_is_named() {
        for (json, why) in [
            ("{", "EOF"),
            ("{}", "no address"),
            (r#"{"external": true, "address": "a:1"}"#, "both"),
            (r#"{"external": true, "secret_sha256": "0f"}"#, "64 hexadecimal digits"),
            (r#"{"address": "a"}"#, "host:port"),
            (r#"{"address": ":1"}"#, "host:port"),
            (r#"{"address": "a:0"}"#, "host:port"),
            (r#"{"address": "http://a:1"}"#, "host:port"),
            (r#"{"address": "a b:1"}"#, "host:port"),
            (r#"{"address": "::1:9999"}"#, "host:port"),
            (r#"{"address": "[::x]:9999"}"#, "host:port"),
            (
                r#"{"address": "{{.peername}}_basic:9999"}"#,
                "its address '{{.peername}}_basic:9999' is a template: only the ccaas builder of \
                 a Fabric peer fills in {{...}}",
            ),
            (r#"{"address": "a:1", "root_cert": "{{.root}}"}"#, "its root_cert '{{.root}}' is"),
            (r#"{"address": "a:1", "client_key": "{{.key}}"}"#, "its client_key is a template"),
            (r#"{"address": "a:1", "dial_timeout": "{{.time}}"}"#, "'{{.time}}' is not a duration"),
            (r#"{"address": "a:1", "dial_timeout": "soon"}"#, "'soon' is not a duration"),
            (r#"{"address": "a:1", "tls_required": true}"#, "chaincode tls root cert not provided"),
            (
                r#"{"address": "a:1", "tls_required": true, "root_cert": "root:x:0:0"}"#,
                "root_cert has no certificate in PEM form",
            ),
            (
                r#"{"address": "a:1", "tls_required": true, "root_cert": "r",
                    "client_auth_required": true, "client_cert": "c"}"#,
                "chaincode tls key not provided",
            ),
            (
                r#"{"address": "a:1", "tls_required": true, "root_cert": "r",
                    "client_auth_required": true, "client_key": "k"}"#,
                "chaincode tls cert not provided",
            ),
            (r#"{"address": "a:1", "tls_required": "false"}"#, "boolean"),
        ] {
            let error = parse(json).unwrap_err().to_string();
            assert!(error.contains(why), "{json}: {error}");
        }
    }
}
