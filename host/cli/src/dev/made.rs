//! Records the identities that a network has made, so that `wasmcc reset` removes only these.
//!
//! Invariant: an organization is removed only if folder, domain and CA certificate are those that
//! this network has recorded.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Result;
use serde::{Deserialize, Serialize};

use crate::dev::place::{Place, remove};
use wasmcc_msp::network::INDEX_FILE;
use wasmcc_types::{hex, sha256};

/// The folders of organizations with peers, and of those with orderers.
pub(super) const KINDS: [&str; 2] = ["peerOrganizations", "ordererOrganizations"];

/// The organizations that a network has made.
#[derive(Debug, Default, Deserialize, Serialize)]
pub(super) struct Made(Vec<MadeEntry>);

#[derive(Debug, Deserialize, Serialize)]
#[serde(untagged)]
enum MadeEntry {
    Org(MadeOrg),
    /// A domain, the only record of earlier versions. It does not identify the organization:
    /// another one may have the same domain.
    Domain(String),
}

#[derive(Debug, Deserialize, Serialize)]
struct MadeOrg {
    /// The state folder of the network that made it. The record may have been copied to another
    /// network.
    network: PathBuf,
    /// The folder of the identities, absolute.
    organizations: PathBuf,
    domain: String,
    /// The SHA-256 of the certificate of its CA, in hexadecimal.
    ca_sha256: String,
}

impl Made {
    /// Adapts the record to the network in `place`. If the folder was moved, its paths follow. If
    /// it was copied, the original network keeps its organizations.
    pub(super) fn at(mut self, place: &Place) -> Self {
        for entry in &mut self.0 {
            let MadeEntry::Org(org) = entry else { continue };
            if org.network.exists() {
                continue;
            }
            if let Some(organizations) = place.moved(&org.network, &org.organizations) {
                org.organizations = organizations;
                org.network = place.state().to_owned();
            }
        }
        self
    }

    /// Adds the organization `domain` of a folder, if it exists.
    pub(super) fn add(&mut self, place: &Place, organizations: &Path, domain: &str) {
        let Some((_, ca_sha256)) = find(organizations, domain) else { return };
        self.0.retain(|entry| match entry {
            MadeEntry::Org(org) => org.organizations != organizations || org.domain != domain,
            MadeEntry::Domain(_) => true,
        });
        self.0.push(MadeEntry::Org(MadeOrg {
            network: place.state().to_owned(),
            organizations: organizations.to_owned(),
            domain: domain.to_owned(),
            ca_sha256,
        }));
    }

    /// True if the network has made the organization in the folder.
    pub(super) fn has(&self, place: &Place, organizations: &Path, domain: &str) -> bool {
        let mut orgs = self.orgs().filter(|org| org.is(organizations, domain));
        orgs.any(|org| org.found(place).is_some())
    }

    /// True if an earlier version has made an organization with this domain in some folder.
    pub(super) fn has_domain(&self, domain: &str) -> bool {
        self.0.iter().any(|entry| matches!(entry, MadeEntry::Domain(made) if made == domain))
    }

    /// Removes the organizations, and folders of identities that are then empty. Returns the number
    /// of removed organizations.
    pub(super) fn remove(&self, place: &Place) -> Result<usize> {
        let mut removed = 0;
        for org in self.orgs() {
            let Some(folder) = org.found(place) else { continue };
            remove(&folder)?;
            removed += 1;
            remove_if_empty(&org.organizations)?;
        }
        Ok(removed)
    }

    /// Returns a line for each organization in the folder that says why it was not removed.
    pub(super) fn kept(&self, place: &Place, organizations: &Path) -> Vec<String> {
        let folders = KINDS.iter().flat_map(|kind| fs::read_dir(organizations.join(kind)));
        let mut folders: Vec<PathBuf> =
            folders.flatten().flatten().map(|entry| entry.path()).collect();
        folders.retain(|folder| folder.is_dir());
        folders.sort();
        let reason = |domain: &str| {
            let recorded = self.orgs().find(|org| org.is(organizations, domain));
            match recorded {
                Some(org) if org.network != place.state() => {
                    format!("the network of {} has made it", org.network.display())
                }
                Some(_) => "its CA certificate is not that of the organization that was made \
                            here"
                    .to_owned(),
                None if self.has_domain(domain) => {
                    "an earlier version recorded only its name, which does not prove that it was \
                     made here; remove it yourself if it was"
                        .to_owned()
                }
                None => "it was not made here".to_owned(),
            }
        };
        let domain = |folder: &Path| Some(folder.file_name()?.to_str()?.to_owned());
        let lines = folders.iter().map(|folder| {
            let why = reason(&domain(folder).unwrap_or_default());
            format!("kept {}: {why}", folder.display())
        });
        lines.collect()
    }

    fn orgs(&self) -> impl Iterator<Item = &MadeOrg> {
        self.0.iter().filter_map(|entry| match entry {
            MadeEntry::Org(org) => Some(org),
            MadeEntry::Domain(_) => None,
        })
    }
}

impl MadeOrg {
    fn is(&self, organizations: &Path, domain: &str) -> bool {
        self.organizations == organizations && self.domain == domain
    }

    /// Returns the folder of the organization, if it is still the one that the network has made.
    fn found(&self, place: &Place) -> Option<PathBuf> {
        let (folder, ca_sha256) = find(&self.organizations, &self.domain)?;
        let is_it = self.network == place.state() && ca_sha256 == self.ca_sha256;
        is_it.then_some(folder)
    }
}

/// Returns the folder of an organization, and the hash of its CA certificate.
fn find(organizations: &Path, domain: &str) -> Option<(PathBuf, String)> {
    KINDS.iter().find_map(|kind| {
        let folder = organizations.join(kind).join(domain);
        let certificate = folder.join(format!("msp/cacerts/ca.{domain}-cert.pem"));
        let hash = hex(&sha256(&fs::read(certificate).ok()?));
        Some((folder, hash))
    })
}

/// Removes a folder of identities if it holds no organizations and no other files.
fn remove_if_empty(organizations: &Path) -> Result<()> {
    // Works only on empty folders.
    let kinds = KINDS.map(|kind| organizations.join(kind));
    let gone = kinds.iter().filter(|kind| fs::remove_dir(kind).is_ok() || !kind.exists());
    if gone.count() == kinds.len() {
        remove(&organizations.join(INDEX_FILE))?;
        let ignored = organizations.join(".gitignore");
        if fs::read(&ignored).is_ok_and(|text| text == b"*\n") {
            remove(&ignored)?;
        }
        let _ = fs::remove_dir(organizations);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use wasmcc_msp::{Network, NetworkSpec};

    #[test]
    fn only_what_matches_folder_domain_and_certificate_is_removed() {
        let parent = tempfile::tempdir().unwrap();
        let place = Place::new(parent.path());
        let spec = NetworkSpec::with_orgs(2);
        let [own, theirs] = ["own", "theirs"].map(|name| parent.path().join(name));
        Network::complete(&own, &spec).unwrap();
        Network::complete(&theirs, &spec).unwrap();
        let mut made = Made::default();
        for domain in ["org1.example.com", "org2.example.com", "example.com"] {
            made.add(&place, &own, domain);
        }
        assert!(made.has(&place, &own, "example.com") && !made.has(&place, &theirs, "example.com"));

        // The copied record must not remove identities of the original network.
        let copied = Place::new(&parent.path().join("copy"));
        assert_eq!(made.remove(&copied).unwrap(), 0);
        let org = "peerOrganizations/org1.example.com";
        fs::rename(own.join(org), parent.path().join("away")).unwrap();
        fs::rename(theirs.join(org), own.join(org)).unwrap();
        assert_eq!(made.remove(&place).unwrap(), 2);
        let [kept] = &made.kept(&place, &own)[..] else { panic!("one is kept") };
        assert!(kept.contains(org) && kept.contains("its CA certificate is not"), "{kept}");
        assert!(own.join(org).join("ca/priv_sk").is_file());
        let kept = made.kept(&place, &theirs);
        assert!(kept.len() == 2 && kept[0].ends_with(": it was not made here"), "{kept:?}");
    }

    #[test]
    fn what_was_moved_with_the_record_is_removed_and_what_was_copied_is_not() {
        let parent = tempfile::tempdir().unwrap();
        let [folder, other] = ["e6", "e7"].map(|name| parent.path().join(name));
        let (place, other_place) = (Place::new(&folder), Place::new(&other));
        drop(place.take().unwrap());
        let domain = "org1.example.com";
        Network::complete(&folder.join("organizations"), &NetworkSpec::with_orgs(1)).unwrap();
        let made = || {
            let mut made = Made::default();
            made.add(&place, &folder.join("organizations"), domain);
            made
        };
        let certificate = format!("peerOrganizations/{domain}/msp/cacerts/ca.{domain}-cert.pem");
        let [own, copied] =
            [&folder, &other].map(|folder| folder.join("organizations").join(&certificate));
        fs::create_dir_all(copied.parent().unwrap()).unwrap();
        fs::copy(own, &copied).unwrap();
        assert_eq!(made().at(&other_place).remove(&other_place).unwrap(), 0);
        assert!(copied.exists());

        let made = made();
        fs::remove_dir_all(&folder).unwrap();
        assert_eq!(made.at(&other_place).remove(&other_place).unwrap(), 1);
        assert!(!copied.exists());
    }

    #[test]
    fn new_folders_with_keys_are_none_for_git() {
        let parent = tempfile::tempdir().unwrap();
        let spec = NetworkSpec::with_orgs(1);
        let [net, organizations, theirs] =
            ["net", "organizations", "theirs"].map(|name| parent.path().join(name));
        Network::generate(&net, &spec).unwrap();
        Network::complete(&organizations, &spec).unwrap();
        fs::create_dir(&theirs).unwrap();
        Network::complete(&theirs, &spec).unwrap();
        for folder in [net, organizations] {
            assert_eq!(fs::read_to_string(folder.join(".gitignore")).unwrap(), "*\n");
        }
        assert!(!theirs.join(".gitignore").exists(), "whose folder it is decides");
    }

    #[test]
    fn the_domains_that_earlier_versions_recorded_prove_nothing() {
        let parent = tempfile::tempdir().unwrap();
        let place = Place::new(parent.path());
        let folder = parent.path().join("organizations");
        Network::complete(&folder, &NetworkSpec::with_orgs(1)).unwrap();
        let earlier = r#"["example.com", "org1.example.com"]"#;
        let made: Made = serde_json::from_str(earlier).unwrap();
        assert_eq!(made.remove(&place).unwrap(), 0);
        let kept = made.kept(&place, &folder);
        assert!(kept.len() == 2 && kept[1].contains("does not prove"), "{kept:?}");
        assert_eq!(serde_json::to_value(&made).unwrap().to_string(), earlier.replace(", ", ","));
    }
}
