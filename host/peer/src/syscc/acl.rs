//! Access control by channel policies and roles of the local MSP.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::chaincode::{
    AccessControl, AccessError, CollectionError, CollectionName, Feature, FeatureError, ReadState,
};
use wasmcc_channel::Channels;
use wasmcc_channel::collections::{Collection, DefinedCollections};
use wasmcc_msp::acl::{check_local_creator, local_policy, unknown_channel};
use wasmcc_msp::{ChannelConfig, MspManager};
use wasmcc_types::{Permission, ProposalContext};

/// The peer's access control.
pub struct Acl {
    channels: Arc<Channels>,
    local: BTreeMap<String, Arc<MspManager>>,
}

impl Acl {
    /// Makes the access control for the peer's channels, and for the peer itself by its own
    /// organization. `local` has a manager of only its own MSP for each organization with a peer in
    /// this process.
    pub fn new(channels: Arc<Channels>, local: BTreeMap<String, Arc<MspManager>>) -> Self {
        Self { channels, local }
    }

    fn check_local(
        &self,
        resource: &str,
        org: &str,
        proposal: &ProposalContext,
    ) -> Result<(), AccessError> {
        let no_peer = || AccessError::NoPeer(org.to_owned());
        let manager = self.local.get(org).ok_or_else(no_peer)?;
        let local = manager.msp(org).ok_or_else(no_peer)?;
        check_local_creator(resource, &proposal.creator, local)?;
        Ok(())
    }

    fn config(&self, channel: &str) -> Result<Arc<ChannelConfig>, CollectionError> {
        let found = self.channels.get(channel);
        let missing = || CollectionError::UnknownChannel(channel.to_owned());
        Ok(found.ok_or_else(missing)?.config())
    }
}

impl AccessControl for Acl {
    fn check(
        &self,
        resource: &str,
        channel: &str,
        org: &str,
        proposal: &ProposalContext,
    ) -> Result<(), AccessError> {
        // Resources of the peer are controlled by its own organization, on every channel.
        if channel.is_empty() || local_policy(resource).is_some() {
            return self.check_local(resource, org, proposal);
        }
        let Some(found) = self.channels.get_as(org, channel) else {
            return Err(unknown_channel(resource, channel).into());
        };
        Ok(found.config().check_acl_for(resource, &proposal.creator)?)
    }

    fn collection_permission(
        &self,
        name: CollectionName<'_>,
        proposal: &ProposalContext,
        read: &mut ReadState<'_>,
    ) -> Result<Permission, CollectionError> {
        let CollectionName { channel, namespace, collection } = name;
        let path = format!("{channel}/{namespace}/{collection}");
        let config = self.config(channel)?;
        let defined = DefinedCollections::look_up(namespace, read)?;
        let found = defined.get(collection);
        let found = found.ok_or_else(|| CollectionError::NotFound(path.clone()))?;
        let found =
            Collection::new(found).map_err(|reason| CollectionError::Unusable { path, reason })?;
        let creator = config.msps().deserialize(&proposal.creator).ok();
        Ok(found.permission(creator.as_ref()))
    }

    fn check_collection(
        &self,
        name: CollectionName<'_>,
        read: &mut ReadState<'_>,
    ) -> Result<(), CollectionError> {
        let config = self.config(name.channel)?;
        let defined = DefinedCollections::look_up(name.namespace, read)?;
        let orgs = config.application_orgs().iter().map(|org| org.msp_id.as_str());
        Ok(defined.check_name(name.collection, orgs)?)
    }

    fn check_feature(&self, feature: Feature, channel: &str) -> Result<(), FeatureError> {
        let found = self.channels.get(channel);
        let missing = || FeatureError::UnknownChannel(channel.to_owned());
        let capabilities = found.ok_or_else(missing)?.config().capabilities();
        let is_enabled = match feature {
            Feature::KeyLevelEndorsement => capabilities.v1_3,
            Feature::PurgePrivateData => capabilities.v2_5,
        };
        if is_enabled { Ok(()) } else { Err(FeatureError::NotEnabled(feature)) }
    }

    fn has_lifecycle(&self, channel: &str) -> bool {
        self.channels.get(channel).is_some_and(|found| found.config().capabilities().v2_0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use wasmcc_channel::collections::LookupError;
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
            assert!(matches!(error, CollectionError::LookUp(LookupError::State(_))), "{error}");
        }
        for error in both(&mut |_, _| Ok(Some(vec![0xff]))) {
            assert!(
                matches!(error, CollectionError::LookUp(LookupError::Damaged { .. })),
                "{error}"
            );
        }
        for error in both(&mut |_, _| Ok(None)) {
            let is_refused =
                matches!(error, CollectionError::NotFound(_) | CollectionError::NotDefined(_));
            assert!(is_refused, "{error}");
        }
    }
}
