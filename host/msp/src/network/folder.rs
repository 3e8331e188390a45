//! Writes a network as files, in cryptogen's layout. `network.json` records the MSP ids, which
//! cryptogen leaves to other configuration.
//!
//! Invariant: a folder is written as a whole or not at all, and never over another.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::network::NetworkError;
use crate::network::org::{Member, Org};
use crate::node_ous::Role;

pub(crate) const INDEX: &str = "network.json";

/// MSP ids by domain.
#[derive(Default, Deserialize, Serialize)]
pub(crate) struct OrgIndex {
    pub(crate) msp_ids: BTreeMap<String, String>,
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
    let failed = |action| move |source| NetworkError::Io { action, path: path.to_owned(), source };
    // The guard removes the folder if writing fails. After the rename there is nothing to remove.
    let temporary = tempfile::Builder::new()
        .prefix(".network-")
        .tempdir_in(parent)
        .map_err(failed("create"))?;
    let root = temporary.path().join("new");
    let mut index = OrgIndex::default();
    for org in orgs.iter().chain(orderer) {
        write_org(&root.join(org.kind.folder()).join(&org.domain), org)?;
        index.msp_ids.insert(org.domain.clone(), org.msp_id.clone());
    }
    let json = serde_json::to_vec_pretty(&index).expect("a map of texts is always JSON");
    write_file(&root.join(INDEX), &json, false)?;
    fs::rename(&root, path).map_err(failed("rename"))
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
        let folder = org.member_folder(root, member);
        write_msp(&folder.join("msp"), org)?;
        let Member { name, identity, tls, .. } = member;
        let certificate = folder.join("msp/signcerts").join(format!("{name}-cert.pem"));
        write_file(&certificate, identity.certificate.as_bytes(), false)?;
        write_file(&folder.join("msp/keystore/priv_sk"), identity.key.as_bytes(), true)?;
        let Some(tls) = tls else { continue };
        let prefix = member.tls_prefix();
        let file = |ending: &str| folder.join("tls").join(format!("{prefix}.{ending}"));
        write_file(&folder.join("tls/ca.crt"), org.tls_roots.as_bytes(), false)?;
        write_file(&file("crt"), tls.certificate.as_bytes(), false)?;
        write_file(&file("key"), tls.key.as_bytes(), true)?;
    }
    Ok(())
}

/// Writes what every MSP folder of an organization has. `admincerts` stays empty: the NodeOUs name
/// admins.
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
