//! Reads an MSP folder as cryptogen and fabric-ca write it.
//!
//! Does not parse general YAML; see `yaml`. Refuses a `config.yaml` with unknown parts, so that no
//! rule is dropped silently.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use crate::error::MspError;
use crate::pem;
use crate::yaml::{self, Node, Value};
use wasmcc_types::proto::msp::{
    FabricCryptoConfig, FabricMspConfig, FabricNodeOUs, FabricOuIdentifier,
};

/// Returns the configuration that the folder contains (Fabric: msp/configbuilder.go,
/// `getMspConfig`).
pub(crate) fn read(dir: &Path, msp_id: &str) -> Result<FabricMspConfig, MspError> {
    let config = dir.join("config.yaml");
    let units = match fs::read_to_string(&config) {
        Ok(text) => ConfigFile { dir, path: &config }.read(&text)?,
        Err(error) if error.kind() == ErrorKind::NotFound => Units::default(),
        Err(source) => return Err(MspError::Io { path: config, source }),
    };
    Ok(FabricMspConfig {
        name: msp_id.to_owned(),
        root_certs: read_folder(dir.join("cacerts"))?,
        intermediate_certs: read_folder(dir.join("intermediatecerts"))?,
        admins: read_folder(dir.join("admincerts"))?,
        revocation_list: read_folder(dir.join("crls"))?,
        organizational_unit_identifiers: units.required,
        crypto_config: Some(sha2()),
        tls_root_certs: read_folder(dir.join("tlscacerts"))?,
        tls_intermediate_certs: read_folder(dir.join("tlsintermediatecerts"))?,
        fabric_node_ous: units.node_ous,
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
        match pem::decode(&content) {
            Some(_) => files.push((path, content)),
            None => tracing::warn!(file = %path.display(), "skipped: it has no PEM block"),
        }
    }
    Ok(files)
}

fn read_file(path: PathBuf) -> Result<Vec<u8>, MspError> {
    fs::read(&path).map_err(|source| MspError::Io { path, source })
}

/// The organizational units that `config.yaml` names.
#[derive(Default)]
struct Units {
    required: Vec<FabricOuIdentifier>,
    /// None if they are disabled.
    node_ous: Option<FabricNodeOUs>,
}

/// The `config.yaml` of a folder.
struct ConfigFile<'a> {
    dir: &'a Path,
    path: &'a Path,
}

impl ConfigFile<'_> {
    fn read(&self, text: &str) -> Result<Units, MspError> {
        let root = yaml::parse(text).map_err(|fault| self.fault(fault.line, fault.reason))?;
        let mut units = Units::default();
        for (key, node) in self.entries(root)? {
            match key.as_str() {
                "NodeOUs" => units.node_ous = self.node_ous(node)?,
                "OrganizationalUnitIdentifiers" => units.required = self.required(node)?,
                _ => {
                    let expected = "expected NodeOUs or OrganizationalUnitIdentifiers";
                    return Err(self.fault(node.line, expected));
                }
            }
        }
        Ok(units)
    }

    fn node_ous(&self, node: Node) -> Result<Option<FabricNodeOUs>, MspError> {
        let mut node_ous = FabricNodeOUs::default();
        for (key, node) in self.entries(node)? {
            let slot = match key.as_str() {
                "Enable" => {
                    node_ous.enable = self.flag(&node)?;
                    continue;
                }
                "ClientOUIdentifier" => &mut node_ous.client_ou_identifier,
                "PeerOUIdentifier" => &mut node_ous.peer_ou_identifier,
                "AdminOUIdentifier" => &mut node_ous.admin_ou_identifier,
                "OrdererOUIdentifier" => &mut node_ous.orderer_ou_identifier,
                _ => return Err(self.fault(node.line, "expected a setting of NodeOUs")),
            };
            let (ou, certificate) = self.unit(node)?;
            *slot = (!ou.is_empty()).then(|| FabricOuIdentifier {
                certificate: self.certificate(&key, &certificate),
                organizational_unit_identifier: ou,
            });
        }
        Ok(node_ous.enable.then_some(node_ous))
    }

    /// Reads the CA certificate of a NodeOU. Without one, the unit is valid under every CA; the
    /// same applies if the file is missing, as in Fabric (msp/configbuilder.go,
    /// `loadCertificateAt`).
    fn certificate(&self, unit: &str, file: &str) -> Vec<u8> {
        if file.is_empty() {
            return Vec::new();
        }
        let file = self.dir.join(file);
        fs::read(&file).unwrap_or_else(|error| {
            let file = file.display();
            tracing::warn!(%file, %error, "{unit} is valid under every CA: no certificate");
            Vec::new()
        })
    }

    fn required(&self, node: Node) -> Result<Vec<FabricOuIdentifier>, MspError> {
        let nodes = match node.value {
            Value::List(nodes) => nodes,
            Value::Nothing => Vec::new(),
            _ => return Err(self.fault(node.line, "expected a list")),
        };
        let mut units = Vec::with_capacity(nodes.len());
        for node in nodes {
            let (ou, certificate) = self.unit(node)?;
            let certificate = read_file(self.dir.join(certificate))?;
            units.push(FabricOuIdentifier { certificate, organizational_unit_identifier: ou });
        }
        Ok(units)
    }

    /// Returns the name of a unit, and the file of its CA.
    fn unit(&self, node: Node) -> Result<(String, String), MspError> {
        let (mut ou, mut certificate) = (String::new(), String::new());
        for (key, node) in self.entries(node)? {
            let slot = match key.as_str() {
                "Certificate" => &mut certificate,
                "OrganizationalUnitIdentifier" => &mut ou,
                _ => {
                    let expected = "expected Certificate or OrganizationalUnitIdentifier";
                    return Err(self.fault(node.line, expected));
                }
            };
            *slot = match node.value {
                Value::Plain(text) | Value::Quoted(text) => text,
                Value::Nothing => String::new(),
                _ => return Err(self.fault(node.line, "expected a text")),
            };
        }
        Ok((ou, certificate))
    }

    fn entries(&self, node: Node) -> Result<Vec<(String, Node)>, MspError> {
        match node.value {
            Value::Map(entries) => Ok(entries),
            Value::Nothing => Ok(Vec::new()),
            _ => Err(self.fault(node.line, "expected 'key: value'")),
        }
    }

    /// Accepts the texts of YAML 1.1 that Fabric's library accepts.
    fn flag(&self, node: &Node) -> Result<bool, MspError> {
        const TRUE: [&str; 11] =
            ["true", "True", "TRUE", "yes", "Yes", "YES", "on", "On", "ON", "y", "Y"];
        const FALSE: [&str; 11] =
            ["false", "False", "FALSE", "no", "No", "NO", "off", "Off", "OFF", "n", "N"];
        match &node.value {
            Value::Plain(text) if TRUE.contains(&text.as_str()) => Ok(true),
            Value::Plain(text) if FALSE.contains(&text.as_str()) => Ok(false),
            Value::Nothing => Ok(false),
            _ => Err(self.fault(node.line, "expected true or false, without quotes")),
        }
    }

    fn fault(&self, line: usize, reason: &'static str) -> MspError {
        MspError::Yaml { path: self.path.to_owned(), line, reason }
    }
}
