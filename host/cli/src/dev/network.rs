//! The members of the network: identities in the layout of Fabric's test network.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::dev::place::{Place, remove};
use crate::dev::profile;
use wasmcc_msp::network::Org;
use wasmcc_msp::{Network, NetworkSpec};

/// How many organizations have peers.
const ORGS: usize = 2;

/// The organizations and where their files are.
pub(super) struct Members {
    pub(super) network: Network,
    /// Absolute.
    pub(super) folder: PathBuf,
}

impl Members {
    /// Reads the folder, and makes what it lacks.
    pub(super) fn complete(place: &Place, folder: &Path) -> Result<Self> {
        let cannot = || format!("cannot use the folder {}", folder.display());
        let folder = std::path::absolute(folder).with_context(cannot)?;
        let spec = NetworkSpec::with_orgs(ORGS);
        let mut made = place.made()?;
        let orgs = spec.orgs.iter().map(|org| &org.domain);
        let domains = orgs.chain(spec.orderer.iter().map(|org| &org.domain));
        let missing = domains.filter(|domain| !has_msp(&folder, domain));
        made.extend(missing.cloned());
        // Record it first: the list must be complete even if this process ends now.
        place.write_made(&made)?;
        let network = Network::complete(&folder, &spec).with_context(cannot)?;
        Ok(Self { network, folder })
    }

    /// Writes the profiles of the organizations for clients, beside those of others' making.
    pub(super) fn write_profiles(&self, place: &Place, ports: &[u16]) -> Result<()> {
        let made = place.made()?;
        for (number, (org, port)) in self.network.orgs().iter().zip(ports).enumerate() {
            let root = self.folder.join("peerOrganizations").join(org.domain());
            let is_there = root.join(format!("connection-org{}.json", number + 1)).exists();
            if made.contains(org.domain()) || !is_there {
                profile::write(&root, org, number, *port)?;
            }
        }
        Ok(())
    }

    /// The organization that orders.
    pub(super) fn orderer(&self) -> Option<&Org> {
        self.network.orderer()
    }
}

/// Removes the organizations that were made here, and the folder if nothing else is in it.
pub(super) fn remove_made(place: &Place, folder: &Path) -> Result<()> {
    for domain in place.made()? {
        for kind in ["peerOrganizations", "ordererOrganizations"] {
            remove(&folder.join(kind).join(&domain))?;
        }
    }
    // Only empty folders can be removed like this.
    let kinds = ["peerOrganizations", "ordererOrganizations"].map(|kind| folder.join(kind));
    let gone = kinds.iter().filter(|kind| std::fs::remove_dir(kind).is_ok() || !kind.exists());
    if gone.count() == kinds.len() {
        remove(&folder.join("network.json"))?;
        let _ = std::fs::remove_dir(folder);
    }
    Ok(())
}

fn has_msp(folder: &Path, domain: &str) -> bool {
    let kinds = ["peerOrganizations", "ordererOrganizations"];
    kinds.iter().any(|kind| folder.join(kind).join(domain).join("msp").is_dir())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn what_was_made_is_removed_and_what_was_there_stays() {
        let parent = tempfile::tempdir().unwrap();
        let place = Place::new(parent.path());
        let _held = place.take().unwrap();
        let folder = parent.path().join("organizations");
        let theirs = Network::complete(&folder, &NetworkSpec::with_orgs(1)).unwrap();
        fs::write(folder.join("README"), "theirs").unwrap();
        let profile = folder.join("peerOrganizations/org1.example.com/connection-org1.json");
        fs::write(&profile, "theirs").unwrap();

        let members = Members::complete(&place, &folder).unwrap();
        assert_eq!(members.network.orgs().len(), 2);
        assert!(members.orderer().is_some());
        members.write_profiles(&place, &[7051, 9051]).unwrap();
        assert_eq!(fs::read_to_string(&profile).unwrap(), "theirs");
        let own = folder.join("peerOrganizations/org2.example.com/connection-org2.json");
        assert!(fs::read_to_string(&own).unwrap().contains("localhost:9051"));

        remove_made(&place, &folder).unwrap();
        assert!(!folder.join("peerOrganizations/org2.example.com").exists());
        assert!(folder.join("README").exists() && profile.exists());
        assert_eq!(Network::open(&folder).unwrap().orgs().len(), theirs.orgs().len());
    }

    #[test]
    fn a_folder_of_which_all_was_made_is_removed() {
        let parent = tempfile::tempdir().unwrap();
        let place = Place::new(parent.path());
        let _held = place.take().unwrap();
        let folder = parent.path().join("organizations");
        Members::complete(&place, &folder).unwrap();
        remove_made(&place, &folder).unwrap();
        assert!(!folder.exists());
    }
}
