//! A chaincode package of Fabric 2.x, taken apart: a gzip tar of `metadata.json` and `code.tar.gz`
//! (fabric `core/chaincode/persistence/chaincode_package.go`, `ParseChaincodePackage`).
//!
//! Invariant: the bytes alone are looked at; whether a peer takes the component is the packages' to
//! find out.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::chaincode::code_package::META_INF;
use crate::chaincode::external::Description;
use crate::chaincode::hidden::without_hidden;
use crate::chaincode::tar_gz::{Files, Folders, unpack};
use wasmcc_runtime::{PackageLimits, carried_bytes};
use wasmcc_types::{duration, go_json, hex, sha256};

const METADATA: &str = "metadata.json";
const CODE: &str = "code.tar.gz";
/// In a `code.tar.gz` of type ccaas.
const CONNECTION: &str = "connection.json";
/// In a `code.tar.gz`, see [`LimitsFile`].
pub const LIMITS: &str = "limits.json";
/// What a package that nobody installs may hold.
const ANY_BYTES: usize = 1 << 30;

/// An install package.
#[derive(Clone, Debug, PartialEq)]
pub struct InstallPackage {
    /// A name for people.
    pub label: String,
    /// What is in it.
    pub code: Code,
    /// What is below META-INF, ascending by name.
    pub meta_inf: Files,
}

/// How a chaincode comes to run.
#[derive(Clone, Debug, PartialEq)]
pub enum Code {
    /// In this process.
    Component {
        /// The component file.
        wasm: Vec<u8>,
        /// What it asks for.
        limits: PackageLimits,
    },
    /// In another process, which has its limits from itself, or from the package.
    Elsewhere {
        /// Where.
        description: Description,
        /// What the package asks for: a peer cannot see to it, the service can.
        limits: PackageLimits,
    },
}

#[derive(Deserialize)]
struct Metadata {
    #[serde(default)]
    r#type: String,
    #[serde(default)]
    label: String,
}

/// `limits.json`: what the transactions of a chaincode may use, less than the usual limits of
/// whatever runs it. What is missing is usual. It lies beside the component of a package of type
/// wasm, or beside the description of a service, which reads the package too.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct LimitsFile {
    /// Memory of an instance, in MiB.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memory_mib: Option<u32>,
    /// Units of work of a transaction.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fuel: Option<u64>,
    /// One value that is written, in MiB.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value_mib: Option<u32>,
    /// Message and payload of a response, in MiB.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub response_mib: Option<u32>,
    /// Name and payload of an event, in MiB.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub event_mib: Option<u32>,
    /// What one call carries to the peer, in MiB.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub call_mib: Option<u32>,
    /// Wall clock of a transaction, such as "10s".
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timeout: Option<String>,
}

impl LimitsFile {
    /// Reads the JSON text.
    pub fn parse(json: &[u8]) -> Result<PackageLimits, String> {
        let bad = |why: String| format!("{LIMITS} is not usable: {why}");
        let file: Self = serde_json::from_slice(json).map_err(|error| bad(error.to_string()))?;
        file.limits().map_err(bad)
    }

    /// What the file says, if it makes sense.
    pub fn limits(&self) -> Result<PackageLimits, String> {
        let timeout = match &self.timeout {
            None => None,
            Some(text) => Some(positive(text)?),
        };
        let sizes =
            [self.memory_mib, self.value_mib, self.response_mib, self.event_mib, self.call_mib];
        if sizes.contains(&Some(0)) || self.fuel == Some(0) {
            return Err("a limit of 0 lets nothing run".into());
        }
        let bytes = |mib: u32| usize::try_from(mib).unwrap_or(usize::MAX).saturating_mul(1 << 20);
        // What goes in a message has no more room than there is in one.
        let carried = |mib: Option<u32>| mib.map(|mib| carried_bytes(bytes(mib)));
        Ok(PackageLimits {
            memory_bytes: self.memory_mib.map(bytes),
            fuel: self.fuel,
            value_bytes: carried(self.value_mib),
            response_bytes: carried(self.response_mib),
            event_bytes: carried(self.event_mib),
            host_call_bytes: carried(self.call_mib),
            timeout,
        })
    }

    /// Whether it says nothing.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

fn positive(text: &str) -> Result<Duration, String> {
    let time = duration::parse(text).filter(|time| !time.is_zero());
    time.ok_or_else(|| format!("timeout '{text}' is no time, such as 10s"))
}

/// The id that a package has on every peer: "label:sha256". Packages of all types have one.
pub fn package_id(package: &[u8]) -> Result<String, String> {
    let (metadata, _) = take_apart(package, ANY_BYTES)?;
    Ok(id_of(&metadata.label, package))
}

/// What a package asks for, whatever else is in it; `max_bytes` as for [`InstallPackage::parse`].
pub fn package_limits(package: &[u8], max_bytes: usize) -> Result<PackageLimits, String> {
    let (_, code) = take_apart(package, max_bytes)?;
    let files = unpack(&code, max_bytes, Folders::Skipped)
        .map_err(|why| format!("{CODE} cannot be used: {why}"))?;
    let limits = files.into_iter().find(|(name, _)| name == LIMITS);
    limits.map_or_else(|| Ok(PackageLimits::default()), |(_, json)| LimitsFile::parse(&json))
}

pub(super) fn id_of(label: &str, package: &[u8]) -> String {
    format!("{label}:{}", hex(&sha256(package)))
}

/// The metadata, and the code as it is packed.
fn take_apart(package: &[u8], max_bytes: usize) -> Result<(Metadata, Vec<u8>), String> {
    let (mut metadata, mut code) = (None, None);
    for (name, bytes) in unpack(package, max_bytes, Folders::Refused)? {
        match name.as_str() {
            METADATA => {
                let parsed = go_json::from_slice::<Metadata>(&bytes, &["type", "label"]);
                let bad = |error| format!("could not unmarshal {METADATA} as json: {error}");
                metadata = Some(parsed.map_err(bad)?);
            }
            CODE => code = Some(bytes),
            _ => tracing::warn!(file = %name, "unexpected file in a chaincode package"),
        }
    }
    let code = code.ok_or("did not find a code package inside the package")?;
    let missing = || format!("did not find any package metadata (missing {METADATA})");
    let metadata = metadata.ok_or_else(missing)?;
    check_label(&metadata.label)?;
    Ok((metadata, code))
}

impl InstallPackage {
    /// Takes a package apart. Neither the package nor its code may hold more than `max_bytes` when
    /// they are unpacked. Errors are Fabric's texts where Fabric has one.
    pub fn parse(package: &[u8], max_bytes: usize) -> Result<Self, String> {
        let (Metadata { r#type, label }, code) = take_apart(package, max_bytes)?;
        let kind = r#type.to_ascii_lowercase();
        if !matches!(kind.as_str(), "wasm" | "ccaas") {
            return Err(refused_type(&r#type));
        }
        let is_meta = |(name, _): &(String, _)| name.starts_with(META_INF);
        let files = unpack(&code, max_bytes, Folders::Skipped)
            .map_err(|why| format!("{CODE} cannot be used: {why}"))?;
        let files = without_hidden(files);
        let (mut meta_inf, files): (Files, Files) = files.into_iter().partition(is_meta);
        meta_inf.sort();
        let code = match kind.as_str() {
            "wasm" => component(files)?,
            _ => service(files)?,
        };
        Ok(Self { label, code, meta_inf })
    }
}

/// Fabric builds these in Docker, or has an external builder do it.
fn refused_type(kind: &str) -> String {
    format!(
        "could not build chaincode: this peer builds no packages of type '{kind}', only of types \
         wasm and ccaas: run the chaincode as a service and install a package of type ccaas that \
         says where it is (wasmcc package --type ccaas --address HOST:PORT)"
    )
}

/// `^[[:alnum:]][[:alnum:]_.+-]*$`.
fn check_label(label: &str) -> Result<(), String> {
    let rest = |c: u8| c.is_ascii_alphanumeric() || b"_.+-".contains(&c);
    let begins = label.as_bytes().first().is_some_and(u8::is_ascii_alphanumeric);
    if begins && label.bytes().all(rest) {
        return Ok(());
    }
    Err(format!(
        "invalid label '{label}'. Label must be non-empty, can only consist of alphanumerics, \
         symbols from '.+-_', and can only begin with alphanumerics"
    ))
}

/// The one component of a package, and its limits.
fn component(files: Files) -> Result<Code, String> {
    let mut limits = PackageLimits::default();
    let mut components = Vec::new();
    for (name, bytes) in files {
        if name == LIMITS {
            limits = LimitsFile::parse(&bytes)?;
        } else if name.ends_with(".wasm") {
            components.push((name, bytes));
        }
    }
    match <[_; 1]>::try_from(components) {
        Ok([(_, wasm)]) => Ok(Code::Component { wasm, limits }),
        Err(others) => Err(format!(
            "could not build chaincode: the package holds {} .wasm files, it must hold exactly one \
             component",
            others.len()
        )),
    }
}

/// A service, and its limits.
fn service(files: Files) -> Result<Code, String> {
    let failed = |why: String| format!("could not build chaincode: {why}");
    let (mut limits, mut connection) = (PackageLimits::default(), None);
    for (name, bytes) in files {
        match name.as_str() {
            LIMITS => limits = LimitsFile::parse(&bytes)?,
            CONNECTION => connection = Some(bytes),
            _ => {}
        }
    }
    let json = connection.ok_or_else(|| failed(format!("{CONNECTION} not found")))?;
    match Description::parse(&json).map_err(failed)? {
        description @ Description::Serves(_) => Ok(Code::Elsewhere { description, limits }),
        Description::Connects(_) => Err(failed(format!("{CONNECTION} has no address"))),
    }
}

#[cfg(test)]
mod tests {
    use flate2::{Compression, write::GzEncoder};

    use super::*;

    const MAX: usize = 1 << 20;

    fn pack(files: &[(&str, &[u8])]) -> Vec<u8> {
        let mut archive = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::fast()));
        for (name, bytes) in files {
            let mut header = tar::Header::new_gnu();
            header.set_size(bytes.len() as u64);
            archive.append_data(&mut header, name, *bytes).unwrap();
        }
        archive.into_inner().unwrap().finish().unwrap()
    }

    fn package(kind: &str, code: &[(&str, &[u8])]) -> Vec<u8> {
        let metadata = format!(r#"{{"type":"{kind}","path":"","label":"basic_1.0"}}"#);
        pack(&[(METADATA, metadata.as_bytes()), (CODE, &pack(code))])
    }

    fn refusal(package: &[u8]) -> String {
        InstallPackage::parse(package, MAX).unwrap_err()
    }

    #[test]
    fn a_component_comes_with_its_limits() {
        let json = br#"{"memory_mib": 8, "fuel": 1000, "timeout": "2s"}"#;
        let code: [(&str, &[u8]); 3] =
            [("chaincode.wasm", b"\0asm"), (LIMITS, json), ("META-INF/x", b"")];
        let parsed = InstallPackage::parse(&package("wasm", &code), MAX).unwrap();
        let limits = PackageLimits {
            memory_bytes: Some(8 << 20),
            fuel: Some(1000),
            timeout: Some(Duration::from_secs(2)),
            ..PackageLimits::default()
        };
        let code = Code::Component { wasm: b"\0asm".to_vec(), limits };
        assert_eq!(
            parsed,
            InstallPackage {
                label: "basic_1.0".into(),
                code,
                meta_inf: vec![("META-INF/x".into(), Vec::new())]
            }
        );
    }

    /// As tools of other systems leave them beside the files that they belong to.
    #[test]
    fn hidden_files_are_no_part_of_a_package() {
        let code: [(&str, &[u8]); 6] = [
            ("._chaincode.wasm", b"mac"),
            ("chaincode.wasm", b"\0asm"),
            (".git/hooks/a.wasm", b"x"),
            ("META-INF/.DS_Store", b"x"),
            ("META-INF/statedb/couchdb/indexes/._a.json", b"x"),
            ("META-INF/statedb/couchdb/indexes/a.json", b"{}"),
        ];
        let metadata = br#"{"Type":"WASM","Label":"basic_1","PATH":null}"#;
        let package =
            pack(&[("._metadata.json", b"x"), (METADATA, metadata), (CODE, &pack(&code))]);
        let parsed = InstallPackage::parse(&package, MAX).unwrap();
        let limits = PackageLimits::default();
        assert_eq!(parsed.label, "basic_1");
        assert_eq!(parsed.code, Code::Component { wasm: b"\0asm".to_vec(), limits });
        let index = "META-INF/statedb/couchdb/indexes/a.json".to_owned();
        assert_eq!(parsed.meta_inf, [(index, b"{}".to_vec())]);
        assert!(package_id(&package).unwrap().starts_with("basic_1:"));
    }

    #[test]
    fn limits_that_make_no_sense_are_refused() {
        for (json, why) in [
            (r#"{"fuel": 0}"#, "lets nothing run"),
            (r#"{"memory_mib": 0}"#, "lets nothing run"),
            (r#"{"event_mib": 0}"#, "lets nothing run"),
            (r#"{"timeout": "soon"}"#, "'soon' is no time"),
            (r#"{"timeout": "0s"}"#, "'0s' is no time"),
            (r#"{"cpu": 1}"#, "unknown field `cpu`"),
            (r#"{"fuel": -1}"#, "invalid value"),
        ] {
            let error = LimitsFile::parse(json.as_bytes()).unwrap_err();
            assert!(error.starts_with("limits.json is not usable: "), "{error}");
            assert!(error.contains(why), "{error}");
        }
        assert_eq!(LimitsFile::parse(b"{}"), Ok(PackageLimits::default()));
    }

    /// Made by `peer lifecycle chaincode package`'s way for services.
    #[test]
    fn a_package_of_a_service_says_where_it_is() {
        let json = br#"{"address": "cc:9999", "dial_timeout": "10s", "tls_required": false}"#;
        let parsed = InstallPackage::parse(&package("CCAAS", &[(CONNECTION, json)]), MAX).unwrap();
        let limits = br#"{"response_mib": 5, "value_mib": 100}"#;
        let files: [(&str, &[u8]); 2] = [(CONNECTION, json), (LIMITS, limits)];
        let limited = InstallPackage::parse(&package("ccaas", &files), MAX).unwrap();
        let asked = PackageLimits {
            response_bytes: Some(5 << 20),
            value_bytes: Some(wasmcc_runtime::CARRIED_BYTES),
            ..PackageLimits::default()
        };
        for (parsed, asked) in [(parsed, PackageLimits::default()), (limited, asked)] {
            let Code::Elsewhere { description: Description::Serves(to), limits } = parsed.code
            else {
                panic!()
            };
            assert_eq!((to.address.as_str(), limits), ("cc:9999", asked));
        }
        let bad: [(&str, &[u8]); 2] = [(CONNECTION, json), (LIMITS, b"{")];
        assert!(refusal(&package("ccaas", &bad)).starts_with("limits.json is not usable: "));
    }

    #[test]
    fn what_cannot_be_used_is_refused_in_fabrics_words() {
        assert!(refusal(b"no").starts_with("error reading as gzip stream: "));
        let text = "did not find a code package inside the package";
        assert_eq!(refusal(&pack(&[(METADATA, b"{}")])), text);
        let text = "did not find any package metadata (missing metadata.json)";
        assert_eq!(refusal(&pack(&[(CODE, b"x")])), text);
        let text = refusal(&pack(&[(METADATA, b"{"), (CODE, b"x")]));
        assert!(text.starts_with("could not unmarshal metadata.json as json: "), "{text}");
        let text = refusal(&pack(&[(METADATA, br#"{"label":"_a"}"#), (CODE, b"x")]));
        assert!(text.starts_with("invalid label '_a'. Label must be non-empty"), "{text}");
        for kind in ["golang", "node", "java", ""] {
            let text = refusal(&package(kind, &[]));
            assert!(text.contains(&format!("no packages of type '{kind}'")), "{text}");
            assert!(text.contains("--type ccaas"), "{text}");
        }
        assert!(refusal(&package("wasm", &[])).contains("holds 0 .wasm files"));
        let two: [(&str, &[u8]); 2] = [("a.wasm", b""), ("b/b.wasm", b"")];
        assert!(refusal(&package("wasm", &two)).contains("holds 2 .wasm files"));
        assert!(refusal(&package("ccaas", &[])).contains("connection.json not found"));
        let connects = package("ccaas", &[(CONNECTION, br#"{"external": true}"#)]);
        assert!(refusal(&connects).contains("has no address"));
    }

    #[test]
    fn neither_a_package_nor_its_code_can_hold_more_than_allowed() {
        let zeros = vec![0; MAX + 1];
        let text = "the archive holds more than 1048576 bytes when unpacked";
        assert_eq!(refusal(&pack(&[(METADATA, &zeros)])), text);
        let bomb = package("wasm", &[("chaincode.wasm", &zeros)]);
        assert!(bomb.len() < MAX / 50);
        assert_eq!(refusal(&bomb), format!("code.tar.gz cannot be used: {text}"));
    }

    #[test]
    fn only_the_code_may_have_folders() {
        let mut archive = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::fast()));
        let mut header = tar::Header::new_gnu();
        header.set_entry_type(tar::EntryType::Directory);
        header.set_size(0);
        archive.append_data(&mut header, "META-INF/", &[][..]).unwrap();
        let code = archive.into_inner().unwrap().finish().unwrap();
        let package = pack(&[(METADATA, br#"{"type":"wasm","label":"a"}"#), (CODE, &code)]);
        assert!(refusal(&package).contains("holds 0 .wasm files"), "{}", refusal(&package));
        assert_eq!(refusal(&code), "tar entry META-INF/ is not a regular file, type 53");
    }
}
