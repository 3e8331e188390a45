//! Reads and makes a chaincode package of Fabric 2.x: a gzip tar of `metadata.json` and
//! `code.tar.gz` (fabric `core/chaincode/persistence/chaincode_package.go`,
//! `ParseChaincodePackage`).
//!
//! Does not check whether a peer can run the component: [`PackageStore`] does that at the install.
//!
//! [`PackageStore`]: crate::chaincode::package::PackageStore

use std::io;

use serde::{Deserialize, Serialize};

use crate::chaincode::package::description::{Description, DescriptionError};
use crate::chaincode::package::hidden::without_hidden;
use crate::chaincode::package::limits_file::{LIMITS_FILE, LimitsFile, LimitsFileError};
use crate::chaincode::package::program_bundle::{CONNECTION_FILE, is_below_meta_inf};
use crate::chaincode::package::tar_gz::{ArchiveError, Files, Folders, tar_gz, unpack};
use wasmcc_runtime::PackageLimits;
use wasmcc_types::{go_json, hex, sha256};

const METADATA: &str = "metadata.json";
const CODE: &str = "code.tar.gz";
/// Limit on the contents of a package that is not installed, in bytes.
const ANY_BYTES: usize = 1 << 30;

/// The package that a client installs through `_lifecycle`, in the format of Fabric 2.x: a label,
/// the program and its META-INF.
#[derive(Clone, Debug, PartialEq)]
pub struct LifecyclePackage {
    /// Label and hash; the same on every peer.
    pub id: String,
    /// A human-readable name, part of the package id.
    pub label: String,
    /// The program, or its location.
    pub code: Code,
    /// The files below META-INF, ascending by name.
    pub meta_inf: Files,
}

/// The code of a chaincode.
#[derive(Clone, Debug, PartialEq)]
pub enum Code {
    /// Runs in this process.
    Component {
        /// The component file.
        wasm: Vec<u8>,
        /// The limits that the package requests.
        limits: PackageLimits,
    },
    /// Runs in another process.
    Elsewhere {
        /// Its location.
        description: Description,
        /// The limits that the package requests. The service can apply them, the peer cannot.
        limits: PackageLimits,
    },
}

#[derive(Deserialize)]
struct PackageMetadata {
    #[serde(default)]
    r#type: String,
    #[serde(default)]
    label: String,
}

/// The reason why a package cannot be used. The texts are Fabric's where Fabric has one.
#[derive(Debug, thiserror::Error)]
pub enum LifecyclePackageError {
    /// The package is not a readable archive.
    #[error(transparent)]
    Archive(#[from] ArchiveError),
    /// The code in it is not a readable archive.
    #[error("{CODE} cannot be used: {0}")]
    Code(ArchiveError),
    /// The metadata is not JSON, or has a member of another type.
    #[error("could not unmarshal {METADATA} as json: {0}")]
    Metadata(String),
    /// The package has no code.
    #[error("did not find a code package inside the package")]
    NoCode,
    /// The package has no metadata.
    #[error("did not find any package metadata (missing {METADATA})")]
    NoMetadata,
    /// The label breaks the rule `^[[:alnum:]][[:alnum:]_.+-]*$`.
    #[error(
        "invalid label '{0}'. Label must be non-empty, can only consist of alphanumerics, symbols \
         from '.+-_', and can only begin with alphanumerics"
    )]
    Label(String),
    /// The peer cannot build the package. Fabric builds these in Docker, or with an external
    /// builder.
    #[error(
        "could not build chaincode: this peer builds no packages of type '{0}', only of types wasm \
         and ccaas: run the chaincode as a service and install a package of type ccaas that says \
         where it is (wasmcc package --type ccaas --address HOST:PORT)"
    )]
    Type(String),
    /// The package has no component, or several.
    #[error(
        "could not build chaincode: the package holds {0} .wasm files, it must hold exactly one \
         component"
    )]
    Components(usize),
    /// The package of a service lacks its location.
    #[error("could not build chaincode: {CONNECTION_FILE} not found")]
    NoConnection,
    /// The service is described as a chaincode that connects by itself.
    #[error("could not build chaincode: {CONNECTION_FILE} has no address")]
    NoAddress,
    /// The description of the service cannot be used.
    #[error("could not build chaincode: {0}")]
    Connection(DescriptionError),
    /// The limits cannot be used.
    #[error(transparent)]
    Limits(#[from] LimitsFileError),
}

/// The contents of `metadata.json`.
#[derive(Serialize)]
struct WrittenMetadata<'a> {
    r#type: &'a str,
    path: &'a str,
    label: &'a str,
}

/// Makes a package of a type, with these files as its code. The same files result in the same
/// bytes. Does not check the files.
pub fn pack_lifecycle_package(kind: &str, label: &str, code: &Files) -> io::Result<Vec<u8>> {
    let metadata = serde_json::to_vec(&WrittenMetadata { r#type: kind, path: "", label })?;
    tar_gz(&[(METADATA.to_owned(), metadata), (CODE.to_owned(), tar_gz(code)?)])
}

/// Returns the id that a package has on every peer: "label:sha256". Packages of all types have one.
pub fn package_id(package: &[u8]) -> Result<String, LifecyclePackageError> {
    let (metadata, _) = take_apart(package, ANY_BYTES, Folders::Refused)?;
    Ok(id_of(&metadata.label, package))
}

/// Returns the limits that a package of any type requests; `max_bytes` as for
/// [`LifecyclePackage::parse`].
pub fn package_limits(
    package: &[u8],
    max_bytes: usize,
) -> Result<PackageLimits, LifecyclePackageError> {
    let (_, code) = take_apart(package, max_bytes, Folders::Refused)?;
    let files = unpack(&code, max_bytes, Folders::Skipped).map_err(LifecyclePackageError::Code)?;
    match files.into_iter().find(|(name, _)| name == LIMITS_FILE) {
        Some((_, json)) => Ok(LimitsFile::parse(&json)?),
        None => Ok(PackageLimits::default()),
    }
}

fn id_of(label: &str, package: &[u8]) -> String {
    format!("{label}:{}", hex(&sha256(package)))
}

/// Returns the metadata and the packed code.
fn take_apart(
    package: &[u8],
    max_bytes: usize,
    folders: Folders,
) -> Result<(PackageMetadata, Vec<u8>), LifecyclePackageError> {
    let (mut metadata, mut code) = (None, None);
    for (name, bytes) in unpack(package, max_bytes, folders)? {
        match name.as_str() {
            METADATA => {
                let parsed = go_json::from_slice::<PackageMetadata>(&bytes, &["type", "label"]);
                let bad = |error| LifecyclePackageError::Metadata(format!("{error}"));
                metadata = Some(parsed.map_err(bad)?);
            }
            CODE => code = Some(bytes),
            _ => tracing::warn!(file = %name, "unexpected file in a chaincode package"),
        }
    }
    let code = code.ok_or(LifecyclePackageError::NoCode)?;
    let metadata = metadata.ok_or(LifecyclePackageError::NoMetadata)?;
    if !is_label(&metadata.label) {
        return Err(LifecyclePackageError::Label(metadata.label));
    }
    Ok((metadata, code))
}

impl LifecyclePackage {
    /// Reads a package. The package and its code may each have at most `max_bytes` when unpacked.
    pub fn parse(package: &[u8], max_bytes: usize) -> Result<Self, LifecyclePackageError> {
        Self::read(package, max_bytes, Folders::Refused)
    }

    /// As [`parse`](Self::parse), for a package that this version or an earlier one installed.
    pub(super) fn parse_stored(
        package: &[u8],
        max_bytes: usize,
    ) -> Result<Self, LifecyclePackageError> {
        Self::read(package, max_bytes, Folders::RefusedInStored)
    }

    fn read(
        package: &[u8],
        max_bytes: usize,
        folders: Folders,
    ) -> Result<Self, LifecyclePackageError> {
        let (PackageMetadata { r#type, label }, code) = take_apart(package, max_bytes, folders)?;
        let build = match r#type.to_ascii_lowercase().as_str() {
            "wasm" => component,
            "ccaas" => service,
            _ => return Err(LifecyclePackageError::Type(r#type)),
        };
        let is_meta = |(name, _): &(String, _)| is_below_meta_inf(name);
        let files =
            unpack(&code, max_bytes, Folders::Skipped).map_err(LifecyclePackageError::Code)?;
        let files = without_hidden(files);
        let (mut meta_inf, files): (Files, Files) = files.into_iter().partition(is_meta);
        meta_inf.sort();
        Ok(Self { id: id_of(&label, package), label, code: build(files)?, meta_inf })
    }
}

/// `^[[:alnum:]][[:alnum:]_.+-]*$`.
fn is_label(label: &str) -> bool {
    let rest = |c: u8| c.is_ascii_alphanumeric() || b"_.+-".contains(&c);
    let begins = label.as_bytes().first().is_some_and(u8::is_ascii_alphanumeric);
    begins && label.bytes().all(rest)
}

/// Reads the component of a package, and its limits.
fn component(files: Files) -> Result<Code, LifecyclePackageError> {
    let mut limits = PackageLimits::default();
    let mut components = Vec::new();
    for (name, bytes) in files {
        if name == LIMITS_FILE {
            limits = LimitsFile::parse(&bytes)?;
        } else if name.ends_with(".wasm") {
            components.push(bytes);
        }
    }
    match <[_; 1]>::try_from(components) {
        Ok([wasm]) => Ok(Code::Component { wasm, limits }),
        Err(others) => Err(LifecyclePackageError::Components(others.len())),
    }
}

/// Reads the description of a service, and its limits.
fn service(files: Files) -> Result<Code, LifecyclePackageError> {
    let (mut limits, mut connection) = (PackageLimits::default(), None);
    for (name, bytes) in files {
        match name.as_str() {
            LIMITS_FILE => limits = LimitsFile::parse(&bytes)?,
            CONNECTION_FILE => connection = Some(bytes),
            _ => {}
        }
    }
    let json = connection.ok_or(LifecyclePackageError::NoConnection)?;
    match Description::parse(&json).map_err(LifecyclePackageError::Connection)? {
        description @ Description::Serves(_) => Ok(Code::Elsewhere { description, limits }),
        Description::Connects(_) => Err(LifecyclePackageError::NoAddress),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use flate2::Compression;
    use flate2::write::GzEncoder;

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
        LifecyclePackage::parse(package, MAX).unwrap_err().to_string()
    }

    #[test]
    fn a_component_comes_with_its_limits() {
        let json = br#"{"memory_mib": 8, "fuel": 1000, "timeout": "2s"}"#;
        let code: [(&str, &[u8]); 3] =
            [("chaincode.wasm", b"\0asm"), (LIMITS_FILE, json), ("META-INF/x", b"")];
        let bytes = package("wasm", &code);
        let parsed = LifecyclePackage::parse(&bytes, MAX).unwrap();
        let limits = PackageLimits {
            memory_bytes: Some(8 << 20),
            fuel: Some(1000),
            timeout: Some(Duration::from_secs(2)),
            ..PackageLimits::default()
        };
        let code = Code::Component { wasm: b"\0asm".to_vec(), limits };
        assert_eq!(
            parsed,
            LifecyclePackage {
                id: package_id(&bytes).unwrap(),
                label: "basic_1.0".into(),
                code,
                meta_inf: vec![("META-INF/x".into(), Vec::new())]
            }
        );
    }

    #[test]
    fn a_stored_package_may_have_names_that_are_refused_now() {
        let code = pack(&[("chaincode.wasm", b"\0asm")]);
        let mut archive = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::fast()));
        let metadata = br#"{"type":"wasm","label":"basic_1"}"#.as_slice();
        for (name, bytes) in [("./metadata.json", metadata), ("./code.tar.gz", &code)] {
            let mut header = tar::Header::new_gnu();
            header.set_size(bytes.len() as u64);
            // The crate would leave out the dot.
            header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
            header.set_cksum();
            archive.append(&header, bytes).unwrap();
        }
        let package = archive.into_inner().unwrap().finish().unwrap();
        assert_eq!(refusal(&package), "did not find a code package inside the package");
        let stored = LifecyclePackage::parse_stored(&package, MAX).unwrap();
        let limits = PackageLimits::default();
        assert_eq!(stored.code, Code::Component { wasm: b"\0asm".to_vec(), limits });
        let id = format!("basic_1:{}", hex(&sha256(&package)));
        assert_eq!(stored.id, id);
    }

    /// Tools of other systems leave such files beside those that they belong to.
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
        let parsed = LifecyclePackage::parse(&package, MAX).unwrap();
        let limits = PackageLimits::default();
        assert_eq!(parsed.label, "basic_1");
        assert_eq!(parsed.code, Code::Component { wasm: b"\0asm".to_vec(), limits });
        let index = "META-INF/statedb/couchdb/indexes/a.json".to_owned();
        assert_eq!(parsed.meta_inf, [(index, b"{}".to_vec())]);
        assert!(package_id(&package).unwrap().starts_with("basic_1:"));
    }

    /// Packed as by `peer lifecycle chaincode package` for services.
    #[test]
    fn a_package_of_a_service_says_where_it_is() {
        let json = br#"{"address": "cc:9999", "dial_timeout": "10s", "tls_required": false}"#;
        let parsed =
            LifecyclePackage::parse(&package("CCAAS", &[(CONNECTION_FILE, json)]), MAX).unwrap();
        let limits = br#"{"response_mib": 5, "value_mib": 100}"#;
        let files: [(&str, &[u8]); 2] = [(CONNECTION_FILE, json), (LIMITS_FILE, limits)];
        let limited = LifecyclePackage::parse(&package("ccaas", &files), MAX).unwrap();
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
        let bad: [(&str, &[u8]); 2] = [(CONNECTION_FILE, json), (LIMITS_FILE, b"{")];
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
        let connects = package("ccaas", &[(CONNECTION_FILE, br#"{"external": true}"#)]);
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
