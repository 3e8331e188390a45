//! `discovery.Discovery`: the peers, orderers and required endorsers of a channel. Fabric:
//! `discovery/service.go`.
//!
//! Invariant: like the Gateway, it uses only the peers of this process.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use prost::Message;
use tonic::{Request, Response, Status};

use crate::budget::Budget;
use crate::call::Call;
use crate::discovery_config::config_result;
use crate::peer::{ChannelPeer, Peer, PeerInfo, Reading};
use crate::peer_error::DiscoveryError;
use crate::waits::Waits;
use wasmcc_msp::SignedData;
use wasmcc_types::proto::discovery::query::Query as Wanted;
use wasmcc_types::proto::discovery::query_result::Result as Found;
use wasmcc_types::proto::discovery::{
    self, ChaincodeQueryResult, EndorsementDescriptor, Layout, PeerMembershipResult, Peers, Query,
    QueryResult, SignedRequest, discovery_server,
};
use wasmcc_types::proto::gossip::gossip_message::{Content, Tag};
use wasmcc_types::proto::gossip::{
    AliveMessage, Chaincode, Envelope, GossipMessage, Member, PeerTime, Properties, StateInfo,
};
use wasmcc_types::proto::msp::SerializedIdentity;
use wasmcc_types::proto::protos::ChaincodeInterest;
use wasmcc_types::{decode_bounded, sha256, sha256_all};

/// Maximum number of queries in a request, and of chaincodes, collections and policies in its
/// interests.
const MOST: usize = 1_000;
/// Maximum number of fields of a request, which is decoded before any right is checked. [`MOST`]
/// queries of one chaincode have fewer.
const MOST_FIELDS: usize = 20_000;
/// The right to query a channel (fabric `internal/peer/node/start.go`, `registerDiscoveryService`).
const WRITERS: Reading = Reading::Policy("/Channel/Application/Writers");

/// The reason why a query has no answer. The texts are Fabric's and are sent to the client.
#[derive(Debug, thiserror::Error)]
enum Unanswered {
    #[error("access denied")]
    AccessDenied,
    #[error("unknown or missing request type")]
    UnknownQuery,
    #[error("chaincode query must have at least one chaincode interest")]
    NoInterest,
    #[error("chaincode interest must contain at least one chaincode")]
    NoChaincode,
    #[error("chaincode name in interest cannot be empty")]
    NoName,
    #[error("failed fetching config for channel {0}")]
    NoConfig(String),
    #[error("failed constructing descriptor for {0}")]
    NoEndorsers(String),
    #[error(transparent)]
    Peers(#[from] DiscoveryError),
}

/// The service.
#[derive(Clone)]
pub(super) struct Discovery {
    peer: Arc<dyn Peer>,
    waits: Waits,
    budget: Budget,
    /// The organization of the peer that answers.
    org: Arc<str>,
    addresses: Arc<Addresses>,
}

/// The addresses of this process's nodes for clients.
pub(super) struct Addresses {
    /// By MSP id, including the orderer's.
    pub(super) advertised: BTreeMap<String, String>,
    /// The address of all others.
    pub(super) other: String,
}

impl Addresses {
    pub(super) fn of(&self, msp_id: &str) -> &str {
        self.advertised.get(msp_id).unwrap_or(&self.other)
    }
}

impl Discovery {
    pub(super) fn new(
        peer: Arc<dyn Peer>,
        (waits, budget): (Waits, Budget),
        org: Arc<str>,
        addresses: Addresses,
    ) -> Self {
        Self { peer, waits, budget, org, addresses: Arc::new(addresses) }
    }
}

#[tonic::async_trait]
impl discovery_server::Discovery for Discovery {
    async fn discover(
        &self,
        request: Request<SignedRequest>,
    ) -> Result<Response<discovery::Response>, Status> {
        let hash = Call::of(&request)?.certificate().map(|certificate| sha256(&certificate.der));
        Call::received(&request);
        let SignedRequest { payload, signature } = request.into_inner();
        let share = self.budget.admit(payload.len())?;
        let asked: discovery::Request = decode_bounded(payload.as_slice(), MOST_FIELDS)
            .map_err(|error| Status::unknown(format!("failed parsing request: {error}")))?;
        let identity = client(&asked, hash.as_ref())?;
        check_size(&asked)?;
        let signed = SignedData { identity, data: payload, signature };
        let own = self.clone();
        let answered = self.waits.run(move || {
            let _taken_until_the_answer_is_there = share;
            let mut eligible = BTreeMap::new();
            let answer = |query| {
                let content = own.answer(query, &signed, &mut eligible);
                let error = |error: Unanswered| {
                    Found::Error(discovery::Error { content: error.to_string() })
                };
                QueryResult { result: Some(content.unwrap_or_else(error)) }
            };
            asked.queries.into_iter().map(answer).collect()
        });
        Ok(Response::new(discovery::Response { results: answered.await? }))
    }
}

/// Returns the identity that signed. Fabric: `validateStructure`; the hash can only be compared if
/// the listener requests certificates.
fn client(asked: &discovery::Request, hash: Option<&[u8; 32]>) -> Result<Vec<u8>, Status> {
    let Some(authentication) = &asked.authentication else {
        return Err(Status::unknown("access denied, no authentication info in request"));
    };
    if authentication.client_identity.is_empty() {
        return Err(Status::unknown("access denied, client identity wasn't supplied"));
    }
    if hash.is_some_and(|hash| authentication.client_tls_cert_hash != hash) {
        let text = "client claimed TLS hash doesn't match computed TLS hash from gRPC stream";
        return Err(Status::unknown(text));
    }
    Ok(authentication.client_identity.clone())
}

fn check_size(asked: &discovery::Request) -> Result<(), Status> {
    let of_interest = |interest: &ChaincodeInterest| {
        let calls = interest.chaincodes.iter();
        1 + calls
            .map(|call| 1 + call.collection_names.len() + call.key_policies.len())
            .sum::<usize>()
    };
    let of_query = |query: &Query| {
        1 + match &query.query {
            Some(Wanted::CcQuery(query)) => query.interests.iter().map(of_interest).sum(),
            Some(Wanted::PeerQuery(query)) => query.filter.iter().map(of_interest).sum(),
            _ => 0,
        }
    };
    let size: usize = asked.queries.iter().map(of_query).sum();
    if size > MOST {
        return Err(Status::invalid_argument(format!(
            "the queries of a request may name {MOST} chaincodes, collections and policies \
             together, these name {size}: ask in several requests"
        )));
    }
    Ok(())
}

impl Discovery {
    fn answer(
        &self,
        query: Query,
        signed: &SignedData,
        eligible: &mut BTreeMap<String, bool>,
    ) -> Result<Found, Unanswered> {
        let channel = query.channel;
        let is_eligible = match eligible.get(&channel) {
            Some(known) => *known,
            None => {
                let checked = self.is_eligible(&channel, signed);
                eligible.insert(channel.clone(), checked);
                checked
            }
        };
        if !is_eligible {
            return Err(Unanswered::AccessDenied);
        }
        match (channel.as_str(), query.query) {
            ("", Some(Wanted::LocalPeers(_))) => {
                self.members(None, &ChaincodeInterest::default()).map(Found::Members)
            }
            ("", _) | (_, Some(Wanted::LocalPeers(_)) | None) => Err(Unanswered::UnknownQuery),
            (_, Some(Wanted::ConfigQuery(_))) => self.config(&channel).map(Found::ConfigResult),
            (_, Some(Wanted::PeerQuery(query))) => {
                let filter = query.filter.unwrap_or_default();
                self.members(Some(&channel), &filter).map(Found::Members)
            }
            (_, Some(Wanted::CcQuery(query))) => {
                check_interests(&query.interests)?;
                let content = query.interests.iter().map(|one| self.endorsers(&channel, one));
                let content = content.collect::<Result<_, _>>()?;
                Ok(Found::CcQueryRes(ChaincodeQueryResult { content }))
            }
        }
    }

    fn is_eligible(&self, channel: &str, signed: &SignedData) -> bool {
        let refused = |error: &dyn std::fmt::Display| {
            tracing::info!(channel, %error, "refused a discovery query");
        };
        match channel {
            "" => {
                let checked = self.peer.authorize_admin(&self.org, signed);
                checked.inspect_err(|error| refused(error)).is_ok()
            }
            channel if !self.peer.has_joined(&self.org, channel) => {
                refused(&"the peer is not on the channel");
                false
            }
            channel => {
                let checked = self.peer.authorize_reader(WRITERS, channel, signed);
                checked.inspect_err(|error| refused(error)).is_ok()
            }
        }
    }

    fn config(&self, channel: &str) -> Result<discovery::ConfigResult, Unanswered> {
        let config = self.peer.channel_config(channel);
        config.and_then(|config| config_result(&config, &self.addresses)).ok_or_else(|| {
            tracing::warn!(channel, "the channel has no usable configuration");
            Unanswered::NoConfig(channel.to_owned())
        })
    }

    fn members(
        &self,
        channel: Option<&str>,
        filter: &ChaincodeInterest,
    ) -> Result<PeerMembershipResult, Unanswered> {
        let mut peers_by_org: BTreeMap<String, Peers> = BTreeMap::new();
        for info in self.peer.discovered_peers(channel, filter)? {
            let peer = self.described(channel, &info);
            peers_by_org.entry(info.msp_id).or_default().peers.push(peer);
        }
        Ok(PeerMembershipResult { peers_by_org })
    }

    /// Returns the endorsers of an interest; each group is the peer of one organization.
    fn endorsers(
        &self,
        channel: &str,
        interest: &ChaincodeInterest,
    ) -> Result<EndorsementDescriptor, Unanswered> {
        let failed = |error: DiscoveryError| {
            let names = names(interest);
            tracing::warn!(channel, chaincodes = names, %error, "found no endorsers");
            Unanswered::NoEndorsers(names)
        };
        let layouts = self.peer.endorser_layouts(channel, interest).map_err(failed)?;
        let peers = self.peer.discovered_peers(Some(channel), interest).map_err(failed)?;
        let mut groups: BTreeMap<&str, String> = BTreeMap::new();
        for msp_id in layouts.iter().flatten() {
            let number = groups.len();
            groups.entry(msp_id).or_insert_with(|| format!("G{number}"));
        }
        let in_group = |info: &PeerInfo| {
            let group = groups.get(info.msp_id.as_str())?.clone();
            Some((group, Peers { peers: vec![self.described(Some(channel), info)] }))
        };
        let endorsers_by_groups = peers.iter().filter_map(in_group).collect();
        let layout = |orgs: &Vec<String>| {
            let groups = orgs.iter().filter_map(|org| groups.get(org.as_str()));
            Layout { quantities_by_group: groups.map(|group| (group.clone(), 1)).collect() }
        };
        let chaincode = interest.chaincodes.first().map(|call| call.name.clone());
        let chaincode = chaincode.unwrap_or_default();
        let layouts = layouts.iter().map(layout).collect();
        Ok(EndorsementDescriptor { chaincode, endorsers_by_groups, layouts })
    }

    /// Returns a peer's description as Fabric's peer would get it by gossip.
    fn described(&self, channel: Option<&str>, info: &PeerInfo) -> discovery::Peer {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let time = PeerTime { inc_num: u64::try_from(now.as_nanos()).unwrap_or(0), seq_num: 1 };
        let identity = SerializedIdentity::decode(info.identity.as_slice()).unwrap_or_default();
        let pki_id = sha256_all([identity.mspid.as_bytes(), &identity.id_bytes]).to_vec();
        let endpoint = self.addresses.of(&info.msp_id).to_owned();
        let membership = Some(Member { endpoint, metadata: Vec::new(), pki_id: pki_id.clone() });
        let alive = AliveMessage { membership, timestamp: Some(time), identity: Vec::new() };
        let membership_info = GossipMessage {
            tag: Tag::Empty.into(),
            content: Some(Content::AliveMsg(alive)),
            ..GossipMessage::default()
        };
        let state_info = channel.zip(info.on_channel.as_ref()).map(|(channel, on_channel)| {
            let channel_mac = sha256_all([pki_id.as_slice(), channel.as_bytes()]).to_vec();
            let properties = Some(properties(on_channel));
            let state = StateInfo { timestamp: Some(time), pki_id, channel_mac, properties };
            GossipMessage {
                tag: Tag::ChanOrOrg.into(),
                content: Some(Content::StateInfo(state)),
                ..GossipMessage::default()
            }
        });
        let signed = |message: GossipMessage| {
            let payload = message.encode_to_vec();
            let signature = self.peer.sign(&info.msp_id, &payload);
            Envelope { payload, signature }
        };
        discovery::Peer {
            state_info: state_info.map(signed),
            membership_info: Some(signed(membership_info)),
            identity: info.identity.clone(),
        }
    }
}

fn properties(on_channel: &ChannelPeer) -> Properties {
    let chaincodes = on_channel.chaincodes.iter().map(|running| Chaincode {
        name: running.name.clone(),
        version: running.version.clone(),
        metadata: Vec::new(),
    });
    let chaincodes = chaincodes.collect();
    Properties { ledger_height: on_channel.height, left_channel: false, chaincodes }
}

/// Fabric: `validateCCQuery`.
fn check_interests(interests: &[ChaincodeInterest]) -> Result<(), Unanswered> {
    if interests.is_empty() {
        return Err(Unanswered::NoInterest);
    }
    for interest in interests {
        if interest.chaincodes.is_empty() {
            return Err(Unanswered::NoChaincode);
        }
        if interest.chaincodes.iter().any(|call| call.name.is_empty()) {
            return Err(Unanswered::NoName);
        }
    }
    Ok(())
}

/// Formats an interest as Go prints it.
fn names(interest: &ChaincodeInterest) -> String {
    let calls = interest.chaincodes.iter().map(|call| {
        let collections = call.collection_names.iter();
        let collections = collections.map(|name| format!(" collection_names:{name:?}"));
        format!("chaincodes:{{name:{:?}{}}}", call.name, collections.collect::<String>())
    });
    calls.collect::<Vec<_>>().join(" ")
}
