//! `wasmcc package`: makes a chaincode package of Fabric 2.x.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow, bail};
use clap::builder::{OsStr, Resettable};
use clap::{Arg, ValueEnum};
use serde::Serialize;
use serde_json::json;
use x509_parser::pem::Pem;

use crate::limits::LimitArgs;
use crate::usage::wrong;
use crate::{file, meta_inf, output};
use wasmcc_peer::chaincode::{
    COMPONENT_FILE, CONNECTION_FILE, Description, DescriptionError, Files, InvalidDescription,
    LIMITS_FILE, LimitsFile, pack_lifecycle_package,
};
use wasmcc_runtime::{Limits, inspect};
use wasmcc_types::sha256;

const EXAMPLES: &str = "\
Examples:
  wasmcc package basic.wasm --label basic_1.0 -o basic.tgz
  wasmcc package basic.wasm --label basic_1.0 --memory-mib 16 --fuel 100000000 --timeout 5s
  wasmcc package basic.wasm --label basic_1.0 --type ccaas --address basic.example.com:9999
  wasmcc lifecycle chaincode install basic_1.0.tgz

Prints the package id. The same contents have the same bytes, and so the same id, everywhere.
Packages of type wasm need the builder of `wasmcc builder install` on a Fabric peer.
The given limits go into the package as limits.json, except --component-mib, which only this program
checks. They must not exceed the limits of the process that runs the component: a peer, the builder,
or for type ccaas `wasmcc serve --package`.";

/// The default time limit for peers to connect.
const DIAL_TIMEOUT: &str = "10s";

/// Package a component for `peer lifecycle chaincode install`. Needs no peer.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES, mut_args(without_env))]
pub(crate) struct Package {
    /// The component; with --type ccaas it is checked but does not become part of the package.
    #[arg(value_name = "FILE", required_unless_present = "address")]
    file: Option<PathBuf>,
    /// A human-readable name, such as basic_1.0.
    #[arg(long, value_name = "LABEL", value_parser = label)]
    label: String,
    /// Whether the package contains the code or the address of a running service.
    #[arg(long = "type", value_enum, default_value_t, value_name = "TYPE")]
    kind: PackageKind,
    /// A META-INF folder to put into the package, with its indexes.
    #[arg(long, value_name = "DIR")]
    meta_inf: Option<PathBuf>,
    /// The file for the package [default: LABEL.tgz].
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Wall-clock time limit of a transaction, such as 10s.
    #[arg(long, value_name = "TIME", value_parser = timeout)]
    timeout: Option<String>,
    #[command(flatten)]
    limits: LimitArgs,
    #[command(flatten)]
    connection: ConnectionArgs,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum PackageKind {
    /// The package contains the component.
    #[default]
    Wasm,
    /// The package contains the address of a chaincode service.
    Ccaas,
}

#[derive(Debug, clap::Args)]
#[command(next_help_heading = "With --type ccaas")]
struct ConnectionArgs {
    /// The address at which peers reach the service. Fabric's ccaas builder fills in templates such
    /// as {{.peername}}; this program's peer refuses them.
    #[arg(long, value_name = "HOST:PORT", required_if_eq("kind", "ccaas"))]
    #[arg(value_parser = address)]
    address: Option<String>,
    /// Time limit for peers to connect [default: 10s].
    #[arg(long, value_name = "TIME", value_parser = dial_timeout)]
    dial_timeout: Option<String>,
    /// The CA of the service's TLS certificate, a PEM file; makes peers use TLS.
    #[arg(long, value_name = "FILE")]
    tls_root_cert: Option<PathBuf>,
    /// The certificate that peers show to the service, a PEM file.
    #[arg(long, value_name = "FILE", requires = "tls_root_cert", requires = "tls_client_key")]
    tls_client_cert: Option<PathBuf>,
    /// Its private key, a PEM file. The package contains this key: keep the package secret.
    #[arg(long, value_name = "FILE", requires = "tls_client_cert")]
    tls_client_key: Option<PathBuf>,
    /// The name in the service's certificate, if it is not that of the address. Fabric's own ccaas
    /// builder leaves it out, and Fabric 2.x ignores it. This program's peer uses it, and so does
    /// Fabric 3 with other builders, both only with a client certificate.
    #[arg(long, value_name = "NAME", requires = "tls_client_cert")]
    tls_domain: Option<String>,
}

/// `connection.json`: Fabric requires booleans, not strings, and PEM text.
#[derive(Serialize)]
struct Connection {
    address: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    domain: Option<String>,
    dial_timeout: String,
    tls_required: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    root_cert: Option<String>,
    client_auth_required: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_key: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_cert: Option<String>,
}

impl Package {
    pub(crate) fn run(self) -> Result<()> {
        self.check()?;
        let bytes = self.pack()?;
        let usual = || PathBuf::from(format!("{}.tgz", self.label));
        let path = self.output.clone().unwrap_or_else(usual);
        file::write(&path, &bytes).with_context(|| format!("cannot write {}", path.display()))?;
        output::line(&format!("{}:{}", self.label, output::hex(&sha256(&bytes))))
    }

    /// Refuses options that would have no effect.
    fn check(&self) -> Result<()> {
        let given = self.connection.given();
        if self.kind == PackageKind::Ccaas || given.is_empty() {
            return Ok(());
        }
        Err(wrong(format!(
            "{} only with --type ccaas: a package of type wasm contains the component, and no \
             connection. Give --type ccaas, or leave them out (variables and the configuration \
             file count, too)",
            given.join(", ")
        )))
    }

    fn pack(&self) -> Result<Vec<u8>> {
        let admitted = |file: &PathBuf| self.admitted(file);
        let component = self.file.as_ref().map(admitted).transpose()?;
        let (kind, name, program) = match (self.kind, component) {
            (PackageKind::Wasm, Some(component)) => ("wasm", COMPONENT_FILE, component),
            (PackageKind::Wasm, None) => return Err(wrong("no component is given: name its file")),
            (PackageKind::Ccaas, _) => {
                ("ccaas", CONNECTION_FILE, as_json(&self.connection.read()?)?)
            }
        };
        let mut code: Files = vec![(name.to_owned(), program)];
        code.extend(self.limits()?.map(|json| (LIMITS_FILE.to_owned(), json)));
        if let Some(folder) = &self.meta_inf {
            code.extend(meta_inf::read(folder)?);
        }
        pack_lifecycle_package(kind, &self.label, &code).context("cannot pack")
    }

    /// Reads the component, if a peer would admit it.
    fn admitted(&self, file: &Path) -> Result<Vec<u8>> {
        let shown = file.display();
        let wasm = file::read(file).with_context(|| format!("cannot read {shown}"))?;
        let limits = self.limits.apply_component(Limits::default());
        inspect(&wasm, &limits).map_err(|why| anyhow!("{shown} is refused: {why}"))?;
        Ok(wasm)
    }

    /// Returns `limits.json`, if any limit is set. It is a part of the package and its id, so all
    /// peers that run the package use the same limits.
    fn limits(&self) -> Result<Option<Vec<u8>>> {
        let file = self.limits.file(self.timeout.clone());
        file.limits().map_err(|why| anyhow!(why))?;
        if file.is_empty() { Ok(None) } else { as_json(&file).map(Some) }
    }
}

impl ConnectionArgs {
    /// Returns the names of the given options.
    fn given(&self) -> Vec<&'static str> {
        let options = [
            ("--address", self.address.is_some()),
            ("--dial-timeout", self.dial_timeout.is_some()),
            ("--tls-root-cert", self.tls_root_cert.is_some()),
            ("--tls-client-cert", self.tls_client_cert.is_some()),
            ("--tls-client-key", self.tls_client_key.is_some()),
            ("--tls-domain", self.tls_domain.is_some()),
        ];
        options.into_iter().filter(|(_, is_given)| *is_given).map(|(name, _)| name).collect()
    }

    fn read(&self) -> Result<Connection> {
        let pem = |path: &Option<PathBuf>| path.as_deref().map(read_text).transpose();
        let address = self.address.clone();
        Ok(Connection {
            address: address.ok_or_else(|| wrong("give the service's --address"))?,
            domain: self.tls_domain.clone(),
            dial_timeout: self.dial_timeout.as_deref().unwrap_or(DIAL_TIMEOUT).to_owned(),
            tls_required: self.tls_root_cert.is_some(),
            root_cert: self.tls_root_cert.as_deref().map(read_certificates).transpose()?,
            client_auth_required: self.tls_client_cert.is_some(),
            client_key: pem(&self.tls_client_key)?,
            client_cert: pem(&self.tls_client_cert)?,
        })
    }
}

/// Removes the variables of options: the same arguments must result in the same package everywhere.
fn without_env(arg: Arg) -> Arg {
    arg.env(Resettable::<OsStr>::Reset).hide_env(true)
}

/// Fabric's rule (`core/chaincode/persistence/chaincode_package.go`, `LabelRegexp`).
fn label(text: &str) -> Result<String, String> {
    let rest = |c: u8| c.is_ascii_alphanumeric() || b"_.+-".contains(&c);
    let begins = text.as_bytes().first().is_some_and(u8::is_ascii_alphanumeric);
    if begins && text.bytes().all(rest) {
        return Ok(text.to_owned());
    }
    Err("a label begins with a letter or digit and has only letters, digits and _ . + -".into())
}

/// Checks a time limit; returns its text, which becomes part of the package.
fn timeout(text: &str) -> Result<String, String> {
    let file = LimitsFile { timeout: Some(text.to_owned()), ..LimitsFile::default() };
    file.limits().map(|_| text.to_owned()).map_err(|why| why.to_string())
}

/// Refuses addresses that peers cannot dial. Templates are accepted: only Fabric's ccaas builder
/// can fill them in.
fn address(text: &str) -> Result<String, String> {
    checked(text, &json!({ "address": text }))
}

fn dial_timeout(text: &str) -> Result<String, String> {
    checked(text, &json!({ "address": "h:1", "dial_timeout": text }))
}

fn checked(text: &str, connection: &serde_json::Value) -> Result<String, String> {
    match Description::parse(connection.to_string().as_bytes()) {
        Ok(_) | Err(DescriptionError(InvalidDescription::Template { .. })) => Ok(text.to_owned()),
        Err(DescriptionError(why)) => Err(why.to_string()),
    }
}

fn read_text(path: &Path) -> Result<String> {
    std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))
}

/// Reads a PEM file with at least one certificate. Without one, Fabric's peer does not dial
/// (`internal/pkg/comm/config.go`, `AppendCertsFromPEM`).
fn read_certificates(path: &Path) -> Result<String> {
    let text = read_text(path)?;
    let is_certificate = |pem: &Pem| pem.label == "CERTIFICATE" && pem.parse_x509().is_ok();
    let mut blocks = Pem::iter_from_buffer(text.as_bytes()).filter_map(Result::ok);
    if !blocks.any(|pem| is_certificate(&pem)) {
        bail!(
            "{} has no certificate in PEM form: --tls-root-cert takes the certificate of the CA \
             of the service",
            path.display()
        );
    }
    Ok(text)
}

fn as_json(value: &impl Serialize) -> Result<Vec<u8>> {
    serde_json::to_vec(value).context("cannot write JSON")
}

#[cfg(test)]
mod tests {
    use clap::{Args, Command, Parser};

    use super::*;
    use crate::usage::WrongArguments;

    #[derive(Debug, Parser)]
    struct Words {
        #[command(flatten)]
        package: Package,
    }

    fn parsed(words: &[&str]) -> Result<Package, clap::Error> {
        Words::try_parse_from([&["package", "--label", "x"], words].concat()).map(|it| it.package)
    }

    #[test]
    fn nothing_comes_from_the_environment() {
        let command = Package::augment_args(Command::new("package"));
        let from_environment = |arg: &&Arg| arg.get_env().is_some();
        assert_eq!(command.get_arguments().find(from_environment), None);
        assert!(command.get_arguments().any(|arg| arg.get_id() == "fuel"));
    }

    #[test]
    fn labels_follow_fabric() {
        for good in ["basic_1.0", "0", "a.b+c-d"] {
            assert!(label(good).is_ok(), "{good}");
        }
        for bad in ["", "_a", "a b", "a:b", "é", "a/b"] {
            assert!(label(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_service_needs_an_address_and_says_it_in_json() {
        let args = ConnectionArgs {
            address: Some("h:1".into()),
            dial_timeout: None,
            tls_root_cert: None,
            tls_client_cert: None,
            tls_client_key: None,
            tls_domain: None,
        };
        let text = String::from_utf8(as_json(&args.read().unwrap()).unwrap()).unwrap();
        let expected = concat!(
            r#"{"address":"h:1","dial_timeout":"10s","tls_required":false,"#,
            r#""client_auth_required":false}"#
        );
        assert_eq!(text, expected);
        assert!(ConnectionArgs { address: None, ..args }.read().is_err());
    }

    #[test]
    fn options_of_a_service_need_its_type() {
        for option in [
            &["--address", "h:1"][..],
            &["--dial-timeout", "10s"],
            &["--tls-root-cert", "r"],
            &["--tls-root-cert", "r", "--tls-client-cert", "c", "--tls-client-key", "k"],
        ] {
            let error = parsed(&[&["x.wasm"], option].concat()).unwrap().check().unwrap_err();
            assert!(error.is::<WrongArguments>());
            let text = error.to_string();
            assert!(text.contains(option[0]) && text.contains("only with --type ccaas"), "{text}");
        }
        parsed(&["x.wasm"]).unwrap().check().unwrap();
        let service = ["x.wasm", "--type", "ccaas", "--address", "h:1", "--dial-timeout", "1m"];
        parsed(&service).unwrap().check().unwrap();
        parsed(&["x.wasm", "--timeout", "1m30s"]).unwrap();
    }

    #[test]
    fn what_no_peer_can_dial_is_refused() {
        let with = |words: &[&str]| parsed(&[&["--type", "ccaas"], words].concat());
        for good in ["h:1", "[::1]:9999", "{{.peername}}_basic:9999", "{{.address}}"] {
            with(&["--address", good]).unwrap();
        }
        for (words, why) in [
            (&["--address", "nohost"][..], "the address 'nohost' is not of the form host:port"),
            (&["--address", ""], "the address '' is not of the form host:port"),
            (&["--address", "h:1", "--dial-timeout", "x"], "dial_timeout 'x' is not a duration"),
            (&["--address", "h:1", "--timeout", "0s"], "timeout '0s' is not a positive duration"),
            (&["--address", "h:1", "--timeout", "x"], "timeout 'x' is not a positive duration"),
        ] {
            let error = with(words).unwrap_err();
            assert_eq!(error.exit_code(), 2);
            assert!(error.to_string().contains(why), "{error}");
        }
    }

    #[test]
    fn a_root_certificate_is_one() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ca.pem");
        for text in
            ["", "root:x:0:0", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----"]
        {
            std::fs::write(&path, text).unwrap();
            let error = read_certificates(&path).unwrap_err().to_string();
            assert!(error.contains("ca.pem has no certificate in PEM form"), "{error}");
        }
    }
}
