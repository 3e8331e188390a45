//! The members of the network: identities in the layout of Fabric's test network.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow, bail};

use crate::dev::made::KINDS;
use crate::dev::place::Place;
use crate::dev::profile;
use wasmcc_msp::network::Org;
use wasmcc_msp::{Network, NetworkSpec};
use wasmcc_node::DataFolderError;
use wasmcc_tls::Acceptor;
use wasmcc_types::ServerTls;

/// The number of organizations with peers.
const ORGS: usize = 2;

/// The organizations and the folder of their files.
pub(super) struct Members {
    pub(super) network: Network,
    /// An absolute path.
    pub(super) folder: PathBuf,
}

impl Members {
    /// Opens the folder and makes missing identities.
    ///
    /// Fails if there is a ledger and one of its organizations is missing or replaced; nothing is
    /// made then. Also fails if an identity that this process signs or serves with is unusable.
    pub(super) fn complete(place: &Place, folder: &Path) -> Result<Self> {
        let cannot = || format!("cannot use the folder {}", folder.display());
        let folder = std::path::absolute(folder).with_context(cannot)?;
        let spec = NetworkSpec::with_orgs(ORGS);
        let missing = missing(&folder, &spec);
        if place.data().is_dir() {
            check_ledger(place, &folder, &missing, &spec)?;
        }
        let mut made = place.made()?;
        let network = Network::complete(&folder, &spec);
        // Even after a failure some may exist.
        missing.iter().for_each(|(_, domain)| made.add(place, &folder, domain));
        place.write_made(&made)?;
        let network = network.with_context(cannot)?;
        network.orgs().iter().try_for_each(|org| check_user(org, "Admin"))?;
        network.orgs().iter().chain(network.orderer()).try_for_each(check_node)?;
        Ok(Self { network, folder })
    }

    /// Writes the organizations' connection profiles for clients. Keeps profiles that others wrote.
    /// In the network's own folder, it also replaces profiles of an earlier `wasmcc dev`: they may
    /// have been copied from another network.
    pub(super) fn write_profiles(&self, place: &Place, ports: &[u16]) -> Result<()> {
        let made = place.made()?;
        for (number, (org, port)) in self.network.orgs().iter().zip(ports).enumerate() {
            let root = self.folder.join("peerOrganizations").join(org.domain());
            let is_there = root.join(format!("connection-org{}.json", number + 1)).exists();
            let domain = org.domain();
            // Earlier versions recorded only the domain.
            let may_be_own = made.has_domain(domain) || place.contains(&self.folder);
            let is_own = || may_be_own && profile::is_own(&root, org, number);
            if !is_there || made.has(place, &self.folder, domain) || is_own() {
                profile::write(&root, org, number, *port)?;
            }
        }
        Ok(())
    }

    /// Returns the organization of the orderer.
    pub(super) fn orderer(&self) -> Option<&Org> {
        self.network.orderer()
    }
}

/// Returns the organizations without MSP: their folders and domains.
fn missing(folder: &Path, spec: &NetworkSpec) -> Vec<(PathBuf, String)> {
    let [peers, orderers] = KINDS;
    let orgs = spec.orgs.iter().map(|org| (peers, &org.domain));
    let orgs = orgs.chain(spec.orderer.iter().map(|org| (orderers, &org.domain)));
    let orgs = orgs.map(|(kind, domain)| (folder.join(kind).join(domain), domain.clone()));
    orgs.filter(|(org, _)| !org.join("msp").is_dir()).collect()
}

/// Checks that the network's ledger belongs to the identities in the folder.
fn check_ledger(
    place: &Place,
    folder: &Path,
    missing: &[(PathBuf, String)],
    spec: &NetworkSpec,
) -> Result<()> {
    let ledger = place.data();
    let (ledger, anew) = (ledger.display(), "or begin anew with `wasmcc dev --fresh`");
    if let Some((org, _)) = missing.first() {
        bail!(
            "the ledger in {ledger} is of an organization that is missing, {}: put that folder \
             back, {anew}",
            org.display()
        );
    }
    let folder_shown = folder.display();
    let network = Network::open(folder).with_context(|| format!("cannot use {folder_shown}"))?;
    let orgs = network.orgs().iter();
    let orgs = orgs.filter(|org| spec.orgs.iter().any(|wanted| wanted.domain == org.domain()));
    let orgs: Vec<String> = orgs.map(|org| org.msp_id().to_owned()).collect();
    Err(match DataFolderError::find(&place.data(), &network, &orgs) {
        None => return Ok(()),
        Some(DataFolderError::OtherNetwork { owner, .. }) => anyhow!(
            "the ledger in {ledger} is of another network, in which {owner} has other root \
             certificates than in {folder_shown}: put its identities back, {anew}"
        ),
        Some(DataFolderError::OtherPeer { owner, .. }) => anyhow!(
            "the ledger in {ledger} is of the peer of {owner}, which is not in {folder_shown}: \
             put its identities back, {anew}"
        ),
        Some(error) => anyhow!(error)
            .context(format!("the ledger in {ledger} cannot be used: repair it, {anew}")),
    })
}

fn check_user(org: &Org, name: &str) -> Result<()> {
    let folder = org.user_folder(name).unwrap_or_default();
    org.user(name).map(drop).with_context(|| unusable("identity", &folder))
}

/// Checks the identity and the TLS files of an organization's node.
fn check_node(org: &Org) -> Result<()> {
    let folder = org.peer_folder().unwrap_or_default();
    org.peer().with_context(|| unusable("identity", &folder))?;
    let tls = tls(org).and_then(|tls| Ok(Acceptor::new(&tls).map(drop)?));
    tls.with_context(|| unusable("TLS files", &folder))
}

/// Returns the certificate and key with which an organization's node serves.
pub(super) fn tls(org: &Org) -> Result<ServerTls> {
    let own = org.peer_tls().with_context(|| {
        format!("the node of {} has no TLS certificate with its key", org.msp_id())
    })?;
    let (certificate, key) = (own.certificate.clone(), own.key.clone());
    Ok(ServerTls { certificate, key, client_ca: None, client_auth_required: true })
}

/// Returns the error text for an unusable folder of a node or user.
fn unusable(what: &str, folder: &Path) -> String {
    let shown = folder.display();
    match folder.exists() {
        true => format!(
            "cannot use the {what} in {shown}: restore what is damaged, or remove this folder, and \
             it is made anew if the organization's folders ca and tlsca have the keys of its CAs"
        ),
        false => format!(
            "there is no {shown}: restore it, or the keys of the organization's CAs in its folders \
             ca and tlsca, and it is made anew"
        ),
    }
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

        let made = place.made().unwrap();
        assert_eq!(made.remove(&place).unwrap(), 1);
        assert!(!folder.join("peerOrganizations/org2.example.com").exists());
        assert!(folder.join("README").exists() && profile.exists());
        assert_eq!(Network::open(&folder).unwrap().orgs().len(), theirs.orgs().len());
    }

    #[test]
    fn profiles_of_a_folder_that_was_copied_or_moved_have_its_own_ports() {
        let parent = tempfile::tempdir().unwrap();
        let [folder, moved, shares] = ["e6", "e7", "e8"].map(|name| parent.path().join(name));
        let start = |folder: &Path, organizations: &Path, port: u16| {
            let place = Place::new(folder);
            let _held = place.take().unwrap();
            let members = Members::complete(&place, organizations).unwrap();
            members.write_profiles(&place, &[port, port + 1]).unwrap();
            let profile = "peerOrganizations/org1.example.com/connection-org1.json";
            fs::read_to_string(organizations.join(profile)).unwrap()
        };
        let organizations = folder.join("organizations");
        assert!(start(&folder, &organizations, 7051).contains("localhost:7051"));
        // Another network with these identities has other addresses.
        assert!(start(&shares, &organizations, 7151).contains("localhost:7051"));

        fs::rename(&folder, &moved).unwrap();
        let organizations = moved.join("organizations");
        fs::create_dir_all(folder.join(".wasmcc")).unwrap();
        let profile = start(&moved, &organizations, 7251);
        assert!(profile.contains("localhost:7251"), "as in a copy: {profile}");
        fs::remove_dir_all(&folder).unwrap();
        let profile = start(&moved, &organizations, 7351);
        assert!(profile.contains("localhost:7351"), "as in a folder that was moved: {profile}");
        let made = Place::new(&moved).made().unwrap();
        assert_eq!(made.remove(&Place::new(&moved)).unwrap(), 3);
        assert!(!organizations.exists());
    }

    #[test]
    fn a_folder_of_which_all_was_made_is_removed() {
        let parent = tempfile::tempdir().unwrap();
        let place = Place::new(parent.path());
        let _held = place.take().unwrap();
        let folder = parent.path().join("organizations");
        Members::complete(&place, &folder).unwrap();
        assert_eq!(place.made().unwrap().remove(&place).unwrap(), 3);
        assert!(!folder.exists());
    }

    #[test]
    fn nothing_is_made_beside_the_ledger_of_a_missing_organization() {
        let parent = tempfile::tempdir().unwrap();
        let place = Place::new(parent.path());
        let _held = place.take().unwrap();
        fs::create_dir(place.data()).unwrap();
        let folder = parent.path().join("organizations");
        let error = Members::complete(&place, &folder).err().unwrap().to_string();
        assert!(error.contains("org1.example.com: put that folder back"), "{error}");
        assert!(error.contains("wasmcc dev --fresh") && !folder.exists(), "{error}");
        assert!(!place.made().unwrap().has(&place, &folder, "org1.example.com"));
    }

    #[test]
    fn an_unusable_identity_is_named_with_its_folder_and_missing_ones_are_made() {
        let parent = tempfile::tempdir().unwrap();
        let place = Place::new(parent.path());
        let _held = place.take().unwrap();
        let folder = parent.path().join("organizations");
        Members::complete(&place, &folder).unwrap();
        let org = folder.join("peerOrganizations/org1.example.com");
        let refused = || format!("{:#}", Members::complete(&place, &folder).err().unwrap());
        let node = org.join("peers/peer0.org1.example.com");
        fs::write(node.join("tls/server.key"), "x").unwrap();
        let error = refused();
        let remedy = format!("cannot use the TLS files in {}: restore", node.display());
        assert!(error.contains(&remedy) && error.contains("no private key"), "{error}");
        fs::remove_dir_all(org.join("peers")).unwrap();
        fs::remove_dir_all(org.join("users")).unwrap();
        Members::complete(&place, &folder).unwrap();
        assert!(node.join("tls/server.key").is_file());
        assert!(org.join("users/User1@org1.example.com/msp").is_dir());

        fs::remove_dir_all(org.join("users")).unwrap();
        fs::remove_file(org.join("ca/priv_sk")).unwrap();
        let error = refused();
        assert!(error.contains("Admin@org1.example.com: restore it, or the keys"), "{error}");
    }
}
