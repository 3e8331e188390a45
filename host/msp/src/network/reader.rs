//! Reads the folder of a network that cryptogen, fabric-ca or Fabric's test network made.
//!
//! Tolerates common deviations: missing keys of CAs, incomplete users, foreign files. Leaves out a
//! folder without a usable member; a caller that asks for that member gets the reason.

use std::collections::BTreeMap;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use crate::error::MspError;
use crate::msp_dir;
use crate::network::NetworkError;
use crate::network::folder::{INDEX_FILE, OrgIndex};
use crate::network::org::{Credentials, Member, Org, OrgKind, TlsFiles};
use crate::signer::SigningIdentity;

/// Reads all organizations. Of several with orderers, only the first one is used.
pub(crate) fn read(root: &Path) -> Result<(Vec<Org>, Option<Org>), NetworkError> {
    let index = read_index(&root.join(INDEX_FILE))?;
    let orgs = read_orgs(root, OrgKind::Peer, &index)?;
    if orgs.is_empty() {
        let reason = "there is no organization with an MSP in peerOrganizations".to_owned();
        return Err(NetworkError::NotANetwork { path: root.to_owned(), reason });
    }
    let orderer = read_orgs(root, OrgKind::Orderer, &index)?.into_iter().next();
    Ok((orgs, orderer))
}

/// Returns the MSP ids recorded in the folder `root`.
pub(crate) fn index(root: &Path) -> Result<OrgIndex, NetworkError> {
    read_index(&root.join(INDEX_FILE))
}

fn read_index(path: &Path) -> Result<OrgIndex, NetworkError> {
    match fs::read(path) {
        Ok(json) => serde_json::from_slice(&json).map_err(|error| NetworkError::NotANetwork {
            path: path.to_owned(),
            reason: error.to_string(),
        }),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(OrgIndex::default()),
        Err(source) => Err(NetworkError::Io { action: "read", path: path.to_owned(), source }),
    }
}

fn read_orgs(root: &Path, kind: OrgKind, index: &OrgIndex) -> Result<Vec<Org>, NetworkError> {
    let folder = root.join(kind.folder());
    let mut orgs = Vec::new();
    for domain in list(&folder)? {
        let root = folder.join(&domain);
        if !root.join("msp").is_dir() {
            tracing::warn!(folder = %root.display(), "skipped: it has no folder msp");
            continue;
        }
        let msp_id = match index.msp_ids.get(&domain) {
            Some(msp_id) => msp_id.clone(),
            None => usual_msp_id(&domain, kind),
        };
        orgs.push(read_org(root, domain, msp_id, kind)?);
    }
    Ok(orgs)
}

/// Returns the MSP id that Fabric's samples use for a domain.
fn usual_msp_id(domain: &str, kind: OrgKind) -> String {
    if kind == OrgKind::Orderer {
        return "OrdererMSP".to_owned();
    }
    let label = domain.split('.').next().unwrap_or(domain);
    let mut letters = label.chars();
    let first = letters.next().map(|letter| letter.to_ascii_uppercase());
    first.into_iter().chain(letters).chain("MSP".chars()).collect()
}

fn read_org(
    root: PathBuf,
    domain: String,
    msp_id: String,
    kind: OrgKind,
) -> Result<Org, NetworkError> {
    let unusable = |source| NetworkError::Msp { org: domain.clone(), source };
    let msp_config = msp_dir::read(&root.join("msp"), &msp_id).map_err(unusable)?;
    let mut tls_roots = msp_config.tls_root_certs.clone();
    if tls_roots.is_empty() {
        let found = msp_dir::pem_files(&root.join("tlsca")).map_err(unusable)?;
        let is_certificate = |pem: &Vec<u8>| !contains(pem, b"PRIVATE KEY");
        tls_roots.extend(found.into_iter().map(|(_, pem)| pem).filter(is_certificate));
    }
    // The key of a CA is often stored elsewhere, and only issuing certificates needs it.
    let authority = |name: &str| credentials(&msp_id, &root.join(name), &root.join(name)).ok();
    let (ca, tls_ca) = (authority("ca"), authority("tlsca"));
    let (mut members, mut unusable) = (Vec::new(), BTreeMap::new());
    for folder in [root.join(kind.nodes_folder()), root.join("users")] {
        for name in list(&folder)? {
            match read_member(&folder.join(&name), &name, &msp_id) {
                Ok(member) => members.push(member),
                Err(reason) => {
                    let reason = reason.to_string();
                    tracing::debug!(msp_id, name, reason, "skipped: not a usable member");
                    unusable.insert(name, reason);
                }
            }
        }
    }
    let tls_roots = String::from_utf8_lossy(&tls_roots.join(&b'\n')).into_owned();
    let root = Some(root);
    Ok(Org { msp_id, domain, kind, ca, tls_ca, tls_roots, members, unusable, msp_config, root })
}

/// Why a folder of a node or user has no usable identity.
#[derive(Debug, thiserror::Error)]
enum UnusableMember {
    /// Its files cannot be read.
    #[error("{reason}")]
    Folder { reason: String },
    /// No certificate belongs to a key; the error of the last one.
    #[error("{}: {reason}", certificate.display())]
    Certificate { certificate: PathBuf, reason: String },
    #[error(
        "there is no certificate in {} with its private key in {}",
        certificates.display(),
        keys.display()
    )]
    NoPair { certificates: PathBuf, keys: PathBuf },
}

fn read_member(folder: &Path, name: &str, msp_id: &str) -> Result<Member, UnusableMember> {
    let msp = folder.join("msp");
    let identity = credentials(msp_id, &msp.join("signcerts"), &msp.join("keystore"))?;
    let tls_files = find_tls(&folder.join("tls"));
    let tls = tls_files.as_ref().and_then(|files| {
        let read = |path: &Path| {
            let text = fs::read_to_string(path);
            text.inspect_err(|error| tracing::warn!(file = %path.display(), %error, "skipped")).ok()
        };
        Some(Credentials::new(read(&files.certificate)?, read(&files.key)?))
    });
    Ok(Member { name: name.to_owned(), identity, tls, tls_files })
}

/// Reads the signer of an MSP folder: a certificate in `signcerts` with its key in `keystore`. Does
/// not check that the organization accepts it.
pub fn read_signer(msp: &Path, msp_id: &str) -> Result<SigningIdentity, NetworkError> {
    let unusable = |reason: String| NetworkError::NoSigner { msp: msp.to_owned(), reason };
    let found = credentials(msp_id, &msp.join("signcerts"), &msp.join("keystore"));
    let Credentials { certificate, key } = found.map_err(|error| unusable(error.to_string()))?;
    SigningIdentity::from_pem(msp_id, certificate.as_bytes(), key.as_bytes())
        .map_err(|error| unusable(describe(&error)))
}

/// Returns the first certificate of a folder whose key is in the other folder. The names of the two
/// files do not matter: cryptogen and fabric-ca name them differently.
fn credentials(
    msp_id: &str,
    certificates: &Path,
    keys: &Path,
) -> Result<Credentials, UnusableMember> {
    let files = |folder: &Path| {
        let found = msp_dir::pem_files(folder);
        found.map_err(|error| UnusableMember::Folder { reason: describe(&error) })
    };
    let (certificates_there, keys_there) = (files(certificates)?, files(keys)?);
    let is_key = |pem: &[u8]| contains(pem, b"PRIVATE KEY");
    let mut reason = None;
    for (path, certificate) in &certificates_there {
        if is_key(certificate) {
            continue;
        }
        for (_, key) in keys_there.iter().filter(|(_, pem)| is_key(pem)) {
            match SigningIdentity::from_pem(msp_id, certificate, key) {
                Ok(_) => {
                    let text = |pem: &[u8]| String::from_utf8_lossy(pem).into_owned();
                    return Ok(Credentials::new(text(certificate), text(key)));
                }
                Err(error) => {
                    let (certificate, error) = (path.clone(), describe(&error));
                    reason = Some(UnusableMember::Certificate { certificate, reason: error });
                }
            }
        }
    }
    Err(reason.unwrap_or_else(|| UnusableMember::NoPair {
        certificates: certificates.to_owned(),
        keys: keys.to_owned(),
    }))
}

/// Returns the text of an error with its causes.
fn describe(error: &MspError) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        text.push_str(&format!(": {error}"));
        cause = error.source();
    }
    text
}

/// Finds the TLS files. Those of nodes begin with "server", those of users with "client"; fabric-ca
/// uses folders like those of an MSP.
fn find_tls(folder: &Path) -> Option<TlsFiles> {
    let named = ["server", "client"].into_iter().map(|prefix| TlsFiles {
        ca: folder.join("ca.crt"),
        certificate: folder.join(format!("{prefix}.crt")),
        key: folder.join(format!("{prefix}.key")),
    });
    let first = |name: &str| {
        let files = msp_dir::pem_files(&folder.join(name)).ok()?;
        files.into_iter().map(|(path, _)| path).next()
    };
    let enrolled = || {
        let (certificate, key) = (first("signcerts")?, first("keystore")?);
        Some(TlsFiles { ca: first("tlscacerts")?, certificate, key })
    };
    let is_there = |files: &TlsFiles| files.certificate.is_file() && files.key.is_file();
    named.into_iter().find(is_there).or_else(enrolled)
}

fn contains(text: &[u8], part: &[u8]) -> bool {
    text.windows(part.len()).any(|window| window == part)
}

/// Returns the names of the subfolders, sorted, without hidden ones; none if the folder does not
/// exist.
fn list(folder: &Path) -> Result<Vec<String>, NetworkError> {
    let failed = |source| NetworkError::Io { action: "read", path: folder.to_owned(), source };
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        Err(source) => return Err(failed(source)),
    };
    let mut names = Vec::new();
    for entry in entries {
        let entry = entry.map_err(failed)?;
        if entry.path().is_dir() {
            let name = entry.file_name().into_string().ok();
            names.extend(name.filter(|name| !name.starts_with('.')));
        }
    }
    names.sort();
    Ok(names)
}
