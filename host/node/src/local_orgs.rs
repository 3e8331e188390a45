//! The organizations that have a peer in this process.

use std::collections::BTreeMap;
use std::sync::Arc;

use anyhow::{Result, anyhow, bail};

use wasmcc_channel::collections::LocalPeers;
use wasmcc_msp::{Msp, MspManager, Network, SigningIdentity};

/// What the peers sign with and whom they know without a channel; the first is the one that is
/// asked where nobody says whom.
pub(super) struct LocalOrgs(Vec<LocalOrg>);

struct LocalOrg {
    msp_id: String,
    signer: Arc<SigningIdentity>,
    msps: Arc<MspManager>,
}

impl LocalOrgs {
    /// Takes the peers of these organizations out of a network.
    pub(super) fn new<'a>(
        network: &Network,
        msp_ids: impl IntoIterator<Item = &'a str>,
    ) -> Result<Self> {
        let mut orgs: Vec<LocalOrg> = Vec::new();
        for msp_id in msp_ids {
            let own = network.org(msp_id).ok_or_else(|| {
                let known: Vec<&str> = network.orgs().iter().map(|org| org.msp_id()).collect();
                anyhow!("the network has no organization {msp_id}; it has {}", known.join(", "))
            })?;
            if orgs.iter().any(|org| org.msp_id == msp_id) {
                bail!("organization {msp_id} is named twice");
            }
            orgs.push(LocalOrg {
                msp_id: msp_id.to_owned(),
                signer: Arc::new(own.peer()?.remembering()),
                msps: Arc::new(MspManager::new([Msp::from_config(own.msp_config())?])),
            });
        }
        Ok(Self(orgs))
    }

    /// Each with its own MSP alone, in the order in which they were named.
    pub(super) fn msps(&self) -> impl Iterator<Item = (&str, &Arc<MspManager>)> {
        self.0.iter().map(|org| (org.msp_id.as_str(), &org.msps))
    }

    /// In the order in which they were named.
    pub(super) fn msp_ids(&self) -> Vec<String> {
        self.0.iter().map(|org| org.msp_id.clone()).collect()
    }

    /// What the peers sign with.
    pub(super) fn signers(&self) -> BTreeMap<String, Arc<SigningIdentity>> {
        self.0.iter().map(|org| (org.msp_id.clone(), Arc::clone(&org.signer))).collect()
    }

    /// Who the peers are.
    pub(super) fn peers(&self) -> LocalPeers {
        let peers = self.0.iter();
        LocalPeers::new(peers.map(|org| (org.msp_id.as_str(), org.signer.serialized())))
    }
}
