//! Writes a network as files, in cryptogen's layout. Signing certificates and keys are also written
//! under the names that fabric-ca uses, because applications expect one or the other.
//! `network.json` records the MSP ids, which cryptogen leaves to other configuration.
//!
//! Invariant: a new folder is written completely or not at all, and never replaces another.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::network::NetworkError;
use crate::network::org::{Member, Org};
use crate::node_ous::Role;
use wasmcc_types::{hex, sha256};

/// The file of a network's folder that names its organizations.
pub const INDEX_FILE: &str = "network.json";
/// Written to a new folder, so that the keys of its CAs are not published by mistake.
const IGNORED: &str = ".gitignore";
const IGNORE_ALL: &[u8] = b"*\n";

/// Maps domains to MSP ids.
#[derive(Default, Deserialize, Serialize)]
pub(crate) struct OrgIndex {
    pub(crate) msp_ids: BTreeMap<String, String>,
}

impl OrgIndex {
    fn json(&self) -> Vec<u8> {
        serde_json::to_vec_pretty(self).expect("a map of texts is always JSON")
    }
}

/// Writes into a temporary folder beside `path`, then renames it.
pub(crate) fn write(path: &Path, orgs: &[Org], orderer: Option<&Org>) -> Result<(), NetworkError> {
    if path.symlink_metadata().is_ok() {
        return Err(NetworkError::Exists(path.to_owned()));
    }
    let parent = match path.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    };
    create_folder(parent)?;
    let temporary = temporary_folder(parent)?;
    let root = temporary.path().join("new");
    let mut index = OrgIndex::default();
    for org in orgs.iter().chain(orderer) {
        write_org(&root.join(org.kind.folder()).join(&org.domain), org)?;
        index.msp_ids.insert(org.domain.clone(), org.msp_id.clone());
    }
    write_file(&root.join(INDEX_FILE), &index.json(), false)?;
    write_file(&root.join(IGNORED), IGNORE_ALL, false)?;
    rename(&root, path)
}

/// Writes further organizations into a folder that may contain others and foreign files. Existing
/// files stay as they are.
///
/// Errors: `NotANetwork` if an organization's folder has parts of one already; nothing is written.
pub(super) fn add<'a>(
    path: &Path,
    orgs: impl IntoIterator<Item = &'a Org> + Clone,
    mut index: OrgIndex,
) -> Result<(), NetworkError> {
    // An organization exists once it has its MSP, so this comes last.
    let parts = |org: &Org| ["ca", "tlsca", org.kind.nodes_folder(), "users", "msp"];
    let place = |org: &Org| path.join(org.kind.folder()).join(&org.domain);
    for org in orgs.clone() {
        let place = place(org);
        let is_there = |part: &&str| place.join(part).symlink_metadata().is_ok();
        if let Some(part) = parts(org).into_iter().find(is_there) {
            let reason = format!(
                "it has {part} and no msp; remove it to have it made again, or add the rest"
            );
            return Err(NetworkError::NotANetwork { path: place, reason });
        }
    }
    let is_new = !path.exists();
    create_folder(path)?;
    if is_new {
        write_file(&path.join(IGNORED), IGNORE_ALL, false)?;
    }
    let temporary = temporary_folder(path)?;
    for org in orgs {
        let (new, place) = (temporary.path().join(&org.domain), place(org));
        write_org(&new, org)?;
        create_folder(&place)?;
        for part in parts(org) {
            rename(&new.join(part), &place.join(part))?;
        }
        index.msp_ids.insert(org.domain.clone(), org.msp_id.clone());
    }
    let new = temporary.path().join(INDEX_FILE);
    write_file(&new, &index.json(), false)?;
    rename(&new, &path.join(INDEX_FILE))
}

/// Writes a new node or user of an organization that is in `root`.
pub(super) fn add_member(root: &Path, org: &Org, member: &Member) -> Result<(), NetworkError> {
    let place = org.member_folder(root, member);
    if place.symlink_metadata().is_ok() {
        return Err(NetworkError::Exists(place));
    }
    let beside = place.parent().unwrap_or(root);
    create_folder(beside)?;
    let temporary = temporary_folder(beside)?;
    let new = temporary.path().join("new");
    write_member(&new, org, member)?;
    rename(&new, &place)
}

/// Makes a folder that its guard removes if writing fails. After the rename it no longer exists.
fn temporary_folder(parent: &Path) -> Result<tempfile::TempDir, NetworkError> {
    let made = tempfile::Builder::new().prefix(".network-").tempdir_in(parent);
    made.map_err(|source| NetworkError::Io { action: "create", path: parent.to_owned(), source })
}

fn rename(from: &Path, to: &Path) -> Result<(), NetworkError> {
    let failed = |source| NetworkError::Io { action: "rename", path: to.to_owned(), source };
    fs::rename(from, to).map_err(failed)
}

fn write_org(root: &Path, org: &Org) -> Result<(), NetworkError> {
    let domain = &org.domain;
    for (name, authority) in [("ca", &org.ca), ("tlsca", &org.tls_ca)] {
        let Some(authority) = authority else { continue };
        let folder = root.join(name);
        let certificate = folder.join(format!("{name}.{domain}-cert.pem"));
        write_file(&certificate, authority.certificate.as_bytes(), false)?;
        write_file(&folder.join("priv_sk"), authority.key.as_bytes(), true)?;
    }
    write_msp(&root.join("msp"), org)?;
    for member in &org.members {
        write_member(&org.member_folder(root, member), org, member)?;
    }
    Ok(())
}

fn write_member(folder: &Path, org: &Org, member: &Member) -> Result<(), NetworkError> {
    write_msp(&folder.join("msp"), org)?;
    let Member { name, identity, tls, .. } = member;
    let msp = folder.join("msp");
    for file in [format!("{name}-cert.pem"), "cert.pem".to_owned()] {
        let file = msp.join("signcerts").join(file);
        write_file(&file, identity.certificate.as_bytes(), false)?;
    }
    let by_id = key_id(&identity.certificate).map(|id| format!("{}_sk", hex(&id)));
    for file in ["priv_sk".to_owned()].into_iter().chain(by_id) {
        write_file(&msp.join("keystore").join(file), identity.key.as_bytes(), true)?;
    }
    let Some(tls) = tls else { return Ok(()) };
    let prefix = member.tls_prefix();
    let file = |ending: &str| folder.join("tls").join(format!("{prefix}.{ending}"));
    write_file(&folder.join("tls/ca.crt"), org.tls_roots.as_bytes(), false)?;
    write_file(&file("crt"), tls.certificate.as_bytes(), false)?;
    write_file(&file("key"), tls.key.as_bytes(), true)
}

/// The hash of the public point by which Fabric names the file of a key (Fabric:
/// bccsp/sw/ecdsakey.go, `SKI`).
fn key_id(certificate: &str) -> Option<[u8; 32]> {
    let (_, pem) = x509_parser::pem::parse_x509_pem(certificate.as_bytes()).ok()?;
    let parsed = pem.parse_x509().ok()?;
    Some(sha256(&parsed.public_key().subject_public_key.data))
}

/// Writes the parts that every MSP folder of an organization has. `admincerts` stays empty, because
/// the NodeOUs name admins.
fn write_msp(folder: &Path, org: &Org) -> Result<(), NetworkError> {
    let domain = &org.domain;
    create_folder(&folder.join("admincerts"))?;
    let ca = format!("cacerts/ca.{domain}-cert.pem");
    let roots = org.msp_config.root_certs.join(&b'\n');
    write_file(&folder.join(&ca), &roots, false)?;
    let tls_ca = folder.join(format!("tlscacerts/tlsca.{domain}-cert.pem"));
    write_file(&tls_ca, org.tls_roots.as_bytes(), false)?;
    let mut yaml = "NodeOUs:\n  Enable: true\n".to_owned();
    let sections = [
        ("Client", Role::Client),
        ("Peer", Role::Peer),
        ("Admin", Role::Admin),
        ("Orderer", Role::Orderer),
    ];
    for (section, role) in sections {
        yaml.push_str(&format!(
            "  {section}OUIdentifier:\n    Certificate: {ca}\n    \
             OrganizationalUnitIdentifier: {role}\n"
        ));
    }
    write_file(&folder.join("config.yaml"), yaml.as_bytes(), false)
}

fn create_folder(path: &Path) -> Result<(), NetworkError> {
    fs::create_dir_all(path).map_err(|source| NetworkError::Io {
        action: "create",
        path: path.to_owned(),
        source,
    })
}

fn write_file(path: &Path, bytes: &[u8], is_secret: bool) -> Result<(), NetworkError> {
    if let Some(folder) = path.parent() {
        create_folder(folder)?;
    }
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    if is_secret {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o600);
    }
    #[cfg(not(unix))]
    let _ = is_secret;
    let written = options.open(path).and_then(|mut file| file.write_all(bytes));
    written.map_err(|source| NetworkError::Io { action: "write", path: path.to_owned(), source })
}
