//! The organizations that have a peer in this process.

use std::collections::BTreeMap;
use std::sync::Arc;

use wasmcc_channel::collections::LocalPeers;
use wasmcc_msp::{Msp, MspError, MspManager, Network, SigningIdentity};

/// The signing identities of the peers, and their MSPs. The first one is the default.
pub(super) struct LocalOrgs(Vec<LocalOrg>);

struct LocalOrg {
    msp_id: String,
    signer: Arc<SigningIdentity>,
    msps: Arc<MspManager>,
}

/// The reason why an organization cannot have a peer in this process.
#[derive(Debug, thiserror::Error)]
pub enum LocalOrgsError {
    /// The network does not have the organization.
    #[error("the network has no organization {msp_id}; it has {}", known.join(", "))]
    Unknown {
        /// The requested MSP id.
        msp_id: String,
        /// The organizations of the network.
        known: Vec<String>,
    },
    /// It was requested twice.
    #[error("organization {0} is named twice")]
    Twice(String),
    /// Its MSP or its peer's key cannot be used.
    #[error(transparent)]
    Msp(#[from] MspError),
}

impl LocalOrgs {
    /// Takes the peers of these organizations from a network.
    pub(super) fn new<'a>(
        network: &Network,
        msp_ids: impl IntoIterator<Item = &'a str>,
    ) -> Result<Self, LocalOrgsError> {
        let mut orgs: Vec<LocalOrg> = Vec::new();
        for msp_id in msp_ids {
            let own = network.org(msp_id).ok_or_else(|| {
                let known = network.orgs().iter().map(|org| org.msp_id().to_owned()).collect();
                LocalOrgsError::Unknown { msp_id: msp_id.to_owned(), known }
            })?;
            if orgs.iter().any(|org| org.msp_id == msp_id) {
                return Err(LocalOrgsError::Twice(msp_id.to_owned()));
            }
            orgs.push(LocalOrg {
                msp_id: msp_id.to_owned(),
                signer: Arc::new(own.peer()?.remembering()),
                msps: Arc::new(MspManager::new([Msp::from_config(own.msp_config())?])),
            });
        }
        Ok(Self(orgs))
    }

    /// Returns the organizations, each with a manager of only its own MSP, in the order in which
    /// they were named.
    pub(super) fn msps(&self) -> impl Iterator<Item = (&str, &Arc<MspManager>)> {
        self.0.iter().map(|org| (org.msp_id.as_str(), &org.msps))
    }

    /// Returns the MSP ids, in the order in which they were named.
    pub(super) fn msp_ids(&self) -> Vec<String> {
        self.0.iter().map(|org| org.msp_id.clone()).collect()
    }

    /// Returns the signing identities of the peers, by MSP id.
    pub(super) fn signers(&self) -> BTreeMap<String, Arc<SigningIdentity>> {
        self.0.iter().map(|org| (org.msp_id.clone(), Arc::clone(&org.signer))).collect()
    }

    /// Returns the identities of the peers.
    pub(super) fn peers(&self) -> LocalPeers {
        let peers = self.0.iter();
        LocalPeers::new(peers.map(|org| (org.msp_id.as_str(), org.signer.serialized())))
    }
}
