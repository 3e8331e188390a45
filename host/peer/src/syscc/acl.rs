//! Who may use which resource of the peer: channel policies and roles of the local MSP.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::chaincode::{AccessControl, CollectionError, CollectionName, Feature, ReadState};
use wasmcc_channel::Channels;
use wasmcc_channel::collections::{Collection, DefinedCollections, LookupError};
use wasmcc_msp::acl::{check_local_creator, local_policy, unknown_channel};
use wasmcc_msp::{ChannelConfig, MspManager};
use wasmcc_types::{Permission, ProposalContext};

/// The peer's access control.
pub struct Acl {
    channels: Arc<Channels>,
    local: BTreeMap<String, Arc<MspManager>>,
}

impl Acl {
    /// For the peer's channels; resources of the peer itself are its own organization's. `local`
    /// holds a manager of only that MSP for each organization that has a peer in this process.
    pub fn new(channels: Arc<Channels>, local: BTreeMap<String, Arc<MspManager>>) -> Self {
        Self { channels, local }
    }

    fn check_local(
        &self,
        resource: &str,
        org: &str,
        proposal: &ProposalContext,
    ) -> Result<(), String> {
        let no_peer = || format!("{org} has no peer here");
        let manager = self.local.get(org).ok_or_else(no_peer)?;
        let local = manager.msp(org).ok_or_else(no_peer)?;
        let checked = check_local_creator(resource, &proposal.creator, local);
        checked.map(drop).map_err(|error| error.to_string())
    }

    fn config(&self, channel: &str) -> Result<Arc<ChannelConfig>, String> {
        let found = self.channels.get(channel);
        Ok(found.ok_or_else(|| format!("channel '{channel}' not found"))?.config())
    }
}

impl AccessControl for Acl {
    fn check(
        &self,
        resource: &str,
        channel: &str,
        org: &str,
        proposal: &ProposalContext,
    ) -> Result<(), String> {
        // What the peer's own organization decides about, it decides about on every channel.
        if channel.is_empty() || local_policy(resource).is_some() {
            return self.check_local(resource, org, proposal);
        }
        let Some(found) = self.channels.get_as(org, channel) else {
            return Err(unknown_channel(resource, channel).to_string());
        };
        found.config().check_acl_for(resource, &proposal.creator).map_err(|e| e.to_string())
    }

    fn collection_permission(
        &self,
        name: CollectionName<'_>,
        proposal: &ProposalContext,
        read: &mut ReadState<'_>,
    ) -> Result<Permission, CollectionError> {
        let CollectionName { channel, namespace, collection } = name;
        let path = format!("{channel}/{namespace}/{collection}");
        let config = self.config(channel).map_err(CollectionError::Refused)?;
        let defined = look_up(namespace, read)?;
        let found = defined.get(collection).ok_or_else(|| {
            CollectionError::Refused(format!("collection {path} could not be found"))
        })?;
        let found = Collection::new(found).map_err(|why| {
            CollectionError::Refused(format!("error setting up collection {path}: {why}"))
        })?;
        let creator = config.msps().deserialize(&proposal.creator).ok();
        Ok(found.permission(creator.as_ref()))
    }

    fn check_collection(
        &self,
        name: CollectionName<'_>,
        read: &mut ReadState<'_>,
    ) -> Result<(), CollectionError> {
        let config = self.config(name.channel).map_err(CollectionError::Refused)?;
        let defined = look_up(name.namespace, read)?;
        let orgs = config.application_orgs().iter().map(|org| org.msp_id.as_str());
        let checked = defined.check_name(name.collection, orgs);
        checked.map_err(|missing| CollectionError::Refused(missing.to_string()))
    }

    fn check_feature(&self, feature: Feature, channel: &str) -> Result<(), String> {
        let capabilities = match self.channels.get(channel) {
            Some(channel) => channel.config().capabilities(),
            None => return Err(format!("application config does not exist for {channel}")),
        };
        let (what, has, version) = match feature {
            Feature::KeyLevelEndorsement => ("key level endorsement", capabilities.v1_3, "V1_3"),
            Feature::PurgePrivateData => ("purge private data", capabilities.v2_5, "V2_5"),
        };
        if has {
            return Ok(());
        }
        Err(format!(
            "{what} is not enabled, channel application capability of {version} or later is \
             required"
        ))
    }

    fn has_lifecycle(&self, channel: &str) -> bool {
        self.channels.get(channel).is_some_and(|found| found.config().capabilities().v2_0)
    }
}

fn look_up(
    namespace: &str,
    read: &mut ReadState<'_>,
) -> Result<DefinedCollections, CollectionError> {
    DefinedCollections::look_up(namespace, read).map_err(|error| match error {
        LookupError::State(error) => CollectionError::State(error),
        error @ LookupError::Damaged { .. } => CollectionError::Damaged(error.to_string()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use wasmcc_ledger::{LedgerConfig, LedgerError, Ledgers};
    use wasmcc_msp::{Network, NetworkSpec};
    use wasmcc_types::ChannelId;

    #[test]
    fn why_a_collection_cannot_be_used_keeps_its_kind() {
        let network = Network::in_memory(&NetworkSpec::with_orgs(1)).unwrap();
        let genesis = network.genesis(ChannelId::parse("mychannel").unwrap()).block().unwrap();
        let config = LedgerConfig { cache_bytes: 8 << 20, ..LedgerConfig::default() };
        let ledgers = Ledgers::temporary(config).unwrap();
        let channels = Arc::new(Channels::open(Arc::new(ledgers)).unwrap());
        channels.join(&genesis).unwrap();
        let acl = Acl::new(channels, BTreeMap::new());
        let name = CollectionName { channel: "mychannel", namespace: "cc", collection: "c" };
        let both = |read: &mut ReadState<'_>| {
            let permission = acl.collection_permission(name, &ProposalContext::default(), read);
            [permission.unwrap_err(), acl.check_collection(name, read).unwrap_err()]
        };

        for error in both(&mut |_, _| Err(LedgerError::CorruptState { what: "a disk" })) {
            assert!(matches!(error, CollectionError::State(_)), "{error}");
        }
        for error in both(&mut |_, _| Ok(Some(vec![0xff]))) {
            assert!(matches!(error, CollectionError::Damaged(_)), "{error}");
        }
        for error in both(&mut |_, _| Ok(None)) {
            assert!(matches!(error, CollectionError::Refused(_)), "{error}");
        }
    }
}
