//! Reads an MSP folder as cryptogen and fabric-ca write it.
//!
//! Does not parse general YAML. Of `config.yaml`, only the section NodeOUs is read; a file with
//! other sections is refused, so that no rule is dropped silently.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use x509_parser::pem::Pem;

use crate::error::MspError;
use wasmcc_types::proto::msp::{
    FabricCryptoConfig, FabricMspConfig, FabricNodeOUs, FabricOuIdentifier,
};

/// Returns the configuration that the folder describes (Fabric: msp/configbuilder.go,
/// `getMspConfig`).
pub(crate) fn read(dir: &Path, msp_id: &str) -> Result<FabricMspConfig, MspError> {
    let config = dir.join("config.yaml");
    let fabric_node_ous = match fs::read_to_string(&config) {
        Ok(text) => read_config(dir, &config, &text)?,
        Err(error) if error.kind() == ErrorKind::NotFound => None,
        Err(source) => return Err(MspError::Io { path: config, source }),
    };
    Ok(FabricMspConfig {
        name: msp_id.to_owned(),
        root_certs: read_folder(dir.join("cacerts"))?,
        intermediate_certs: read_folder(dir.join("intermediatecerts"))?,
        admins: read_folder(dir.join("admincerts"))?,
        revocation_list: read_folder(dir.join("crls"))?,
        organizational_unit_identifiers: Vec::new(),
        crypto_config: Some(sha2()),
        tls_root_certs: read_folder(dir.join("tlscacerts"))?,
        tls_intermediate_certs: read_folder(dir.join("tlsintermediatecerts"))?,
        fabric_node_ous,
    })
}

/// The only supported hash functions, as Fabric's tools write them.
pub(crate) fn sha2() -> FabricCryptoConfig {
    FabricCryptoConfig {
        signature_hash_family: "SHA2".to_owned(),
        identity_identifier_hash_function: "SHA256".to_owned(),
    }
}

fn read_folder(dir: PathBuf) -> Result<Vec<Vec<u8>>, MspError> {
    Ok(pem_files(&dir)?.into_iter().map(|(_, pem)| pem).collect())
}

/// Returns the PEM files of a folder, by name; none if the folder is missing. Ignores hidden files;
/// skips others that are not PEM with a warning (Fabric: msp/configbuilder.go,
/// `getPemMaterialFromDir`).
pub(crate) fn pem_files(dir: &Path) -> Result<Vec<(PathBuf, Vec<u8>)>, MspError> {
    let failed = |source| MspError::Io { path: dir.to_owned(), source };
    let entries = match fs::read_dir(dir) {
        Ok(entries) => entries,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        Err(source) => return Err(failed(source)),
    };
    let mut paths = Vec::new();
    for entry in entries {
        let entry = entry.map_err(failed)?;
        if entry.path().is_file() && !entry.file_name().as_encoded_bytes().starts_with(b".") {
            paths.push(entry.path());
        }
    }
    paths.sort();
    let mut files = Vec::new();
    for path in paths {
        let content = read_file(path.clone())?;
        match Pem::iter_from_buffer(&content).next() {
            Some(Ok(_)) => files.push((path, content)),
            _ => tracing::warn!(file = %path.display(), "skipped: it has no PEM block"),
        }
    }
    Ok(files)
}

fn read_file(path: PathBuf) -> Result<Vec<u8>, MspError> {
    fs::read(&path).map_err(|source| MspError::Io { path, source })
}

/// The section of the file that a line belongs to.
enum Section<'a> {
    Top,
    NodeOus,
    Unit(&'a mut FabricOuIdentifier),
}

fn read_config(dir: &Path, path: &Path, text: &str) -> Result<Option<FabricNodeOUs>, MspError> {
    // A byte order mark, which some editors write. YAML allows it, and Fabric skips it.
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut result = None;
    let mut unit = String::new();
    for (index, line) in text.lines().enumerate() {
        let fault = |reason| MspError::Yaml { path: path.to_owned(), line: index + 1, reason };
        let content = line.split(" #").next().unwrap_or_default().trim();
        if content.is_empty() || content.starts_with('#') || content == "---" {
            continue;
        }
        let (key, value) = content.split_once(':').ok_or_else(|| fault("expected 'key: value'"))?;
        let value = unquoted(value.trim());
        if !line.starts_with([' ', '\t']) {
            if key != "NodeOUs" {
                return Err(fault("only the section NodeOUs is supported"));
            }
            result = Some(FabricNodeOUs::default());
            unit.clear();
            continue;
        }
        if key.ends_with("OUIdentifier") {
            unit = key.to_owned();
        }
        match (place(result.as_mut(), &unit), key) {
            (Section::NodeOus | Section::Unit(_), "Enable") => {
                let enable = match value {
                    "true" => true,
                    "false" => false,
                    _ => return Err(fault("expected true or false")),
                };
                if let Some(node_ous) = &mut result {
                    node_ous.enable = enable;
                }
            }
            (Section::Unit(_), key) if key == unit => {}
            (Section::Unit(unit), "Certificate") if !value.is_empty() => {
                unit.certificate = read_file(dir.join(value))?;
            }
            (Section::Unit(_), "Certificate") => {}
            (Section::Unit(unit), "OrganizationalUnitIdentifier") => {
                unit.organizational_unit_identifier = value.to_owned();
            }
            _ => return Err(fault("expected a setting of NodeOUs")),
        }
    }
    Ok(result)
}

fn place<'a>(node_ous: Option<&'a mut FabricNodeOUs>, unit: &str) -> Section<'a> {
    let Some(node_ous) = node_ous else { return Section::Top };
    let slot = match unit {
        "ClientOUIdentifier" => &mut node_ous.client_ou_identifier,
        "PeerOUIdentifier" => &mut node_ous.peer_ou_identifier,
        "AdminOUIdentifier" => &mut node_ous.admin_ou_identifier,
        "OrdererOUIdentifier" => &mut node_ous.orderer_ou_identifier,
        _ => return Section::NodeOus,
    };
    Section::Unit(slot.get_or_insert_default())
}

fn unquoted(value: &str) -> &str {
    let quoted = |quote| value.strip_prefix(quote).and_then(|rest| rest.strip_suffix(quote));
    quoted('"').or_else(|| quoted('\'')).unwrap_or(value)
}
