//! A network as files, in cryptogen's layout. `network.json` beside it remembers the MSP ids, which
//! cryptogen leaves to other configuration.
//!
//! Invariant: a folder is written as a whole or not at all, and never over another.

use std::collections::BTreeMap;
use std::fs;
use std::io::ErrorKind;
use std::io::Write;
use std::path::Path;
use std::path::PathBuf;

use serde::Deserialize;
use serde::Serialize;

use crate::msp::msp_dir;
use crate::msp::network::NetworkError;
use crate::msp::network::org::Credentials;
use crate::msp::network::org::Kind;
use crate::msp::network::org::Member;
use crate::msp::network::org::Org;
use crate::msp::node_ous::Role;

const INDEX: &str = "network.json";

/// MSP ids by domain.
#[derive(Default, Deserialize, Serialize)]
struct Index {
    msp_ids: BTreeMap<String, String>,
}

/// Writes into a temporary sibling, then renames.
pub(super) fn write(path: &Path, orgs: &[Org], orderer: Option<&Org>) -> Result<(), NetworkError> {
    if path.symlink_metadata().is_ok() {
        return Err(NetworkError::Exists(path.to_owned()));
    }
    let parent = match path.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    };
    create_folder(parent)?;
    let failed = |action| move |source| NetworkError::Io { action, path: path.to_owned(), source };
    // The guard removes the folder if writing fails; after the rename it finds nothing to remove.
    let temporary = tempfile::Builder::new()
        .prefix(".network-")
        .tempdir_in(parent)
        .map_err(failed("create"))?;
    let root = temporary.path().join("new");
    let mut index = Index::default();
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
        let folder = root.join(name);
        let certificate = folder.join(format!("{name}.{domain}-cert.pem"));
        write_file(&certificate, authority.certificate.as_bytes(), false)?;
        write_file(&folder.join("priv_sk"), authority.key.as_bytes(), true)?;
    }
    write_msp(&root.join("msp"), org)?;
    for member in &org.members {
        let folder = org.member_folder(root, member);
        write_msp(&folder.join("msp"), org)?;
        let Member { name, identity, tls } = member;
        let certificate = folder.join("msp/signcerts").join(format!("{name}-cert.pem"));
        write_file(&certificate, identity.certificate.as_bytes(), false)?;
        write_file(&folder.join("msp/keystore/priv_sk"), identity.key.as_bytes(), true)?;
        let prefix = member.tls_prefix();
        let file = |ending: &str| folder.join("tls").join(format!("{prefix}.{ending}"));
        write_file(&folder.join("tls/ca.crt"), org.tls_ca.certificate.as_bytes(), false)?;
        write_file(&file("crt"), tls.certificate.as_bytes(), false)?;
        write_file(&file("key"), tls.key.as_bytes(), true)?;
    }
    Ok(())
}

/// What every MSP folder of an organization has. `admincerts` stays empty: the NodeOUs name admins.
fn write_msp(folder: &Path, org: &Org) -> Result<(), NetworkError> {
    let domain = &org.domain;
    create_folder(&folder.join("admincerts"))?;
    let ca = format!("cacerts/ca.{domain}-cert.pem");
    write_file(&folder.join(&ca), org.ca.certificate.as_bytes(), false)?;
    let tls_ca = folder.join(format!("tlscacerts/tlsca.{domain}-cert.pem"));
    write_file(&tls_ca, org.tls_ca.certificate.as_bytes(), false)?;
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

/// Reads all organizations; of several with orderers, the first.
pub(super) fn read(root: &Path) -> Result<(Vec<Org>, Option<Org>), NetworkError> {
    let index = read_index(&root.join(INDEX))?;
    let orgs = read_orgs(root, Kind::Peer, &index)?;
    if orgs.is_empty() {
        let reason = "there is no organization in peerOrganizations".to_owned();
        return Err(NetworkError::NotANetwork { path: root.to_owned(), reason });
    }
    let orderer = read_orgs(root, Kind::Orderer, &index)?.into_iter().next();
    Ok((orgs, orderer))
}

fn read_index(path: &Path) -> Result<Index, NetworkError> {
    match fs::read(path) {
        Ok(json) => serde_json::from_slice(&json).map_err(|error| NetworkError::NotANetwork {
            path: path.to_owned(),
            reason: error.to_string(),
        }),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(Index::default()),
        Err(source) => Err(NetworkError::Io { action: "read", path: path.to_owned(), source }),
    }
}

fn read_orgs(root: &Path, kind: Kind, index: &Index) -> Result<Vec<Org>, NetworkError> {
    let folder = root.join(kind.folder());
    let mut orgs = Vec::new();
    for domain in list(&folder)? {
        let msp_id = match index.msp_ids.get(&domain) {
            Some(msp_id) => msp_id.clone(),
            None => usual_msp_id(&domain, kind),
        };
        orgs.push(read_org(folder.join(&domain), domain, msp_id, kind)?);
    }
    Ok(orgs)
}

/// What the MSP of a domain is called in Fabric's samples.
fn usual_msp_id(domain: &str, kind: Kind) -> String {
    if kind == Kind::Orderer {
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
    kind: Kind,
) -> Result<Org, NetworkError> {
    let msp_config = msp_dir::read(&root.join("msp"), &msp_id)
        .map_err(|source| NetworkError::Msp { org: domain.clone(), source })?;
    let authority = |name: &str| {
        let folder = root.join(name);
        let certificate = folder.join(format!("{name}.{domain}-cert.pem"));
        read_credentials(&certificate, &folder.join("priv_sk"))
    };
    let (ca, tls_ca) = (authority("ca")?, authority("tlsca")?);
    let mut members = Vec::new();
    for folder in [root.join(kind.nodes_folder()), root.join("users")] {
        for name in list(&folder)? {
            members.push(read_member(&folder.join(&name), name)?);
        }
    }
    Ok(Org { msp_id, domain, kind, ca, tls_ca, members, msp_config, root: Some(root) })
}

fn read_member(folder: &Path, name: String) -> Result<Member, NetworkError> {
    let msp = folder.join("msp");
    let certificate = msp.join("signcerts").join(format!("{name}-cert.pem"));
    let identity = read_credentials(&certificate, &msp.join("keystore/priv_sk"))?;
    let prefix = if name.contains('@') { "client" } else { "server" };
    let tls_file = |ending: &str| folder.join("tls").join(format!("{prefix}.{ending}"));
    let tls = read_credentials(&tls_file("crt"), &tls_file("key"))?;
    Ok(Member { name, identity, tls })
}

fn read_credentials(certificate: &Path, key: &Path) -> Result<Credentials, NetworkError> {
    let read = |path: &Path| {
        fs::read_to_string(path).map_err(|source| NetworkError::Io {
            action: "read",
            path: path.to_owned(),
            source,
        })
    };
    Ok(Credentials::new(read(certificate)?, read(key)?))
}

/// The names of the folders in a folder, sorted; none if it does not exist.
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
            names.extend(entry.file_name().into_string().ok());
        }
    }
    names.sort();
    Ok(names)
}
