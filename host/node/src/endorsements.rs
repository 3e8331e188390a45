//! Chooses the organizations of this process that must endorse a transaction.

use std::cell::LazyCell;
use std::collections::BTreeSet;
use std::sync::Arc;

use crate::Peer;
use wasmcc_channel::Channel;
use wasmcc_channel::collections::{Collection, DefinedCollections};
use wasmcc_msp::Identity;
use wasmcc_peer::chaincode::StandingError;
use wasmcc_peer::endorser::{NoEndorsers, UnpackedProposal, needed};
use wasmcc_peer::syscc::satisfies;
use wasmcc_types::Standing;
use wasmcc_types::proto::protos;

impl Peer {
    /// Returns the organizations whose endorsements a transaction needs: those of `endorsed` that
    /// count, then the fewest others that suffice with them. `response` is the answer of one of
    /// `endorsed`. Organizations in `without` cannot endorse. The error is for the client.
    ///
    /// Only members of a collection endorse a transaction that reads it, or that writes to it and
    /// has transient data. This also applies to `endorsed` (fabric
    /// `internal/pkg/gateway/endorse.go`, `planFromFirstEndorser`, and `endorsement.go`,
    /// `processEndorsement`).
    pub fn needed_endorsers(
        &self,
        proposal: &UnpackedProposal,
        response: &protos::ProposalResponse,
        endorsed: &[String],
        without: &[String],
    ) -> Result<Vec<String>, NoEndorsers> {
        let committer = self.committer(proposal.channel_id());
        let committer =
            committer.ok_or_else(|| NoEndorsers::NoChannel(proposal.channel_id().to_owned()))?;
        let channel = committer.channel();
        let config = channel.config();
        let policies = committer
            .needed_policies(&proposal.channel_header, &response.payload)
            .map_err(|why| NoEndorsers::NoPlan { reason: why.to_string() })?;
        let identity = |org: &str| self.peers.identity(org, config.msps());
        let is_enough = |orgs: &[&str]| {
            let peers: Vec<Arc<Identity>> = orgs.iter().filter_map(|org| identity(org)).collect();
            policies.iter().all(|policy| satisfies(policy, &peers, &config).is_ok())
        };
        let endorsed: Vec<&str> = endorsed.iter().map(String::as_str).collect();
        let is_left = |org: &&str| {
            let is_asked = endorsed.contains(org) || without.iter().any(|other| other == org);
            !is_asked && self.channels.has_joined(org, proposal.channel_id())
        };
        let others: Vec<&str> =
            self.orgs().filter(is_left).filter(|org| identity(org).is_some()).collect();
        let has_transient = !proposal.context.transient.is_empty();
        let (mut read, mut guarded) = (Vec::new(), Vec::new());
        for Touched { namespace, collection, is_read } in touched(response) {
            if is_read {
                read.push(self.members(channel, namespace, collection)?);
            } else if has_transient {
                guarded.push((collection, self.members(channel, namespace, collection)?));
            }
        }
        let called = response.interest.iter().flat_map(|interest| &interest.chaincodes);
        let called = called.map(|call| call.name.as_str());
        let called: Vec<&str> = called.chain([proposal.chaincode_id.name.as_str()]).collect();
        // If this cannot be read, the organization's peer itself will report the error.
        let runs = |org: &&str| self.runs(channel, org, called.iter().copied()).unwrap_or(true);
        let able = LazyCell::new(|| others.iter().copied().filter(runs).collect::<Vec<_>>());
        let plan_of = |others: &[&str], may_endorse: &dyn Fn(&str) -> bool| {
            let counted = among(&endorsed, may_endorse);
            let needed = needed(&counted, &among(others, may_endorse), is_enough)?;
            Some(needed.into_iter().map(str::to_owned).collect::<Vec<_>>())
        };
        // Usually no further endorsement is needed.
        let plan = |may_endorse: &dyn Fn(&str) -> bool| {
            plan_of(&[], may_endorse).or_else(|| plan_of(&able, may_endorse))
        };
        let may_read = |org: &str| read.iter().all(|members| members.contains(org));
        let is_trusted =
            |org: &str| may_read(org) && guarded.iter().all(|(_, members)| members.contains(org));
        if let Some(needed) = plan(&is_trusted) {
            return Ok(needed);
        }
        // Check whether only the protection of transient data excludes the others.
        if !guarded.is_empty() && plan(&may_read).is_some() {
            let names = guarded.iter().map(|(collection, _)| (*collection).to_owned());
            return Err(NoEndorsers::Guarded { collections: names.collect() });
        }
        let reason = match plan_of(&others, &may_read) {
            Some(_) => "required chaincodes are not installed on sufficient peers",
            None => "no peer combination can satisfy the endorsement policy",
        };
        Err(NoEndorsers::NoPlan { reason: reason.to_owned() })
    }

    /// Returns true if the peer of an organization runs all of these chaincodes.
    pub(crate) fn runs<'a>(
        &self,
        channel: &Channel,
        org: &str,
        names: impl Iterator<Item = &'a str>,
    ) -> Result<bool, StandingError> {
        for name in names {
            if self.support.standing(channel.ledger(), org, name)? != Standing::Here {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Returns the organizations of this process that are members of a collection.
    pub(crate) fn members(
        &self,
        channel: &Channel,
        namespace: &str,
        collection: &str,
    ) -> Result<BTreeSet<String>, NoEndorsers> {
        let state = channel.ledger().snapshot();
        let mut read = |ns: &str, key: &str| state.get(ns, key).map(|v| v.map(|v| v.value));
        let defined = DefinedCollections::look_up(namespace, &mut read);
        let defined = defined.map_err(|error| NoEndorsers::Collection(error.to_string()))?;
        let Some(found) = defined.get(collection) else {
            return Ok(BTreeSet::new());
        };
        let found = Collection::new(found);
        let found = found.map_err(|why| NoEndorsers::Collection(why.to_string()))?;
        let config = channel.config();
        Ok(self.peers.members(&found, config.msps()).map(str::to_owned).collect())
    }
}

fn among<'a>(orgs: &[&'a str], may_endorse: &dyn Fn(&str) -> bool) -> Vec<&'a str> {
    orgs.iter().copied().filter(|org| may_endorse(org)).collect()
}

/// A collection that a simulation used.
struct Touched<'a> {
    namespace: &'a str,
    collection: &'a str,
    is_read: bool,
}

/// Returns the collections in a response's interest.
fn touched(response: &protos::ProposalResponse) -> impl Iterator<Item = Touched<'_>> {
    let calls = response.interest.iter().flat_map(|interest| &interest.chaincodes);
    calls.flat_map(|call| {
        let collections = call.collection_names.iter();
        collections.map(|collection| Touched {
            namespace: &call.name,
            collection,
            is_read: !call.no_private_reads,
        })
    })
}
