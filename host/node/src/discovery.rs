//! Answers discovery about the peers of this process: their identities, and the sets of them that
//! satisfy the policies of an interest (fabric `discovery/endorsement/endorsement.go`).
//!
//! Fabric finds principals that satisfy a policy, and then peers for them. Here each organization
//! has one peer, so the sets of peers are tried directly.

use std::sync::Arc;

use crate::Peer;
use wasmcc_api::{AdminError, ChannelPeer, DiscoveryError, PeerInfo, RunningChaincode};
use wasmcc_channel::Channel;
use wasmcc_committer::{check_interest, interest_policies};
use wasmcc_msp::{Identity, SignaturePolicy, SignedData};
use wasmcc_peer::endorser::choices;
use wasmcc_peer::syscc::satisfies;
use wasmcc_types::LIFECYCLE;
use wasmcc_types::proto::protos::ChaincodeInterest;

impl Peer {
    /// Returns the peers of this process. With a channel, returns those on it that run all
    /// chaincodes of `interest` and may see its collections.
    pub(crate) fn discovered_peers(
        &self,
        channel_id: Option<&str>,
        interest: &ChaincodeInterest,
    ) -> Result<Vec<PeerInfo>, DiscoveryError> {
        let Some(channel_id) = channel_id else {
            let all = self.signers_of_orgs.iter().map(|(msp_id, signer)| PeerInfo {
                msp_id: msp_id.clone(),
                identity: signer.serialized().to_vec(),
                on_channel: None,
            });
            return Ok(all.collect());
        };
        let channel = self.channel_of(channel_id)?;
        check_interest(&channel, interest).map_err(DiscoveryError::unreadable)?;
        let mut found = Vec::new();
        for msp_id in self.members_on(&channel) {
            if self.can_endorse(&channel, msp_id, interest)? {
                found.push(self.info(&channel, msp_id)?);
            }
        }
        Ok(found)
    }

    /// Returns all minimal sets of organizations whose peers together satisfy the policies of an
    /// interest. The error is for the log.
    pub(crate) fn endorser_layouts(
        &self,
        channel_id: &str,
        interest: &ChaincodeInterest,
    ) -> Result<Vec<Vec<String>>, DiscoveryError> {
        let channel = self.channel_of(channel_id)?;
        let policies = interest_policies(&channel, interest).map_err(DiscoveryError::unreadable)?;
        let config = channel.config();
        let is_enough = |orgs: &[&str]| {
            let identity = |org: &&str| self.peers.identity(org, config.msps());
            let peers: Vec<Arc<Identity>> = orgs.iter().filter_map(identity).collect();
            policies.iter().all(|policy| satisfies(policy, &peers, &config).is_ok())
        };
        let all: Vec<&str> = self.members_on(&channel).collect();
        if choices(&all, is_enough).is_empty() {
            return Err(DiscoveryError::Unsatisfiable);
        }
        let mut able = Vec::new();
        for msp_id in all {
            if self.can_endorse(&channel, msp_id, interest)? {
                able.push(msp_id);
            }
        }
        let found = choices(&able, is_enough);
        if found.is_empty() {
            return Err(DiscoveryError::NotInstalled);
        }
        let owned = |orgs: Vec<&str>| orgs.into_iter().map(str::to_owned).collect();
        Ok(found.into_iter().map(owned).collect())
    }

    /// Checks that the signature is valid and that its identity is an admin of the organization.
    pub(crate) fn check_admin(&self, msp_id: &str, request: &SignedData) -> Result<(), AdminError> {
        let no_peer = || AdminError::NoPeer(msp_id.to_owned());
        let msps = self.local_msps.get(msp_id).ok_or_else(no_peer)?;
        let admins = SignaturePolicy::from_text(&format!("OR('{msp_id}.admin')"))?;
        Ok(admins.evaluate(std::slice::from_ref(request), msps)?)
    }

    fn channel_of(&self, channel_id: &str) -> Result<Arc<Channel>, DiscoveryError> {
        let channel = self.channels.get(channel_id);
        channel.ok_or_else(|| DiscoveryError::NoChannel(channel_id.to_owned()))
    }

    /// Returns the organizations whose peers are on a channel and are members of it.
    fn members_on(&self, channel: &Arc<Channel>) -> impl Iterator<Item = &str> {
        let config = channel.config();
        let channel_id = channel.ledger().channel_id().to_string();
        self.orgs().filter(move |org| {
            self.channels.has_joined(org, &channel_id)
                && self.peers.identity(org, config.msps()).is_some()
        })
    }

    fn can_endorse(
        &self,
        channel: &Arc<Channel>,
        msp_id: &str,
        interest: &ChaincodeInterest,
    ) -> Result<bool, DiscoveryError> {
        let names = interest.chaincodes.iter().map(|call| call.name.as_str());
        if !self.runs(channel, msp_id, names).map_err(DiscoveryError::unreadable)? {
            return Ok(false);
        }
        for call in &interest.chaincodes {
            for collection in call.collection_names.iter().filter(|_| !call.no_private_reads) {
                let members = self.members(channel, &call.name, collection);
                if !members.map_err(DiscoveryError::unreadable)?.contains(msp_id) {
                    return Ok(false);
                }
            }
        }
        Ok(true)
    }

    fn info(&self, channel: &Arc<Channel>, msp_id: &str) -> Result<PeerInfo, DiscoveryError> {
        let signer = self.signers_of_orgs.get(msp_id);
        let signer = signer.ok_or_else(|| DiscoveryError::NoPeer(msp_id.to_owned()))?;
        let chaincodes = self.running.versions(channel.ledger(), msp_id);
        let mut chaincodes = chaincodes.map_err(DiscoveryError::unreadable)?;
        if channel.config().capabilities().v2_0 {
            let (name, version) = (LIFECYCLE.to_owned(), "1".to_owned());
            chaincodes.push(RunningChaincode { name, version });
        }
        let on_channel = ChannelPeer { height: channel.ledger().height(), chaincodes };
        Ok(PeerInfo {
            msp_id: msp_id.to_owned(),
            identity: signer.serialized().to_vec(),
            on_channel: Some(on_channel),
        })
    }
}
