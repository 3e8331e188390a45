//! Chooses the organization that evaluates a transaction, and collects endorsements (fabric
//! `internal/pkg/gateway/evaluate.go`, `endorse.go` and `registry.go`).
//!
//! The organizations are asked one after the other: they run the same chaincodes.
//!
//! Invariant: a proposal is decoded once; all organizations that are asked borrow it.

use std::collections::HashSet;
use std::sync::Arc;

use tonic::Code;

use crate::peer::{Peer, Standing};
use crate::receipt::Receipt;
use wasmcc_peer::endorser::{NoEndorsers, Processed, Rejected, UnpackedProposal};
use wasmcc_types::Client;
use wasmcc_types::proto::protos;

/// Successful responses; for a transaction, all of them are equal.
#[derive(Default)]
pub(super) struct Collected {
    pub(super) responses: Vec<protos::ProposalResponse>,
    pub(super) receipts: Vec<Receipt>,
}

/// The reason why a peer returned no successful response.
pub(super) enum Failure {
    /// The proposal cannot be decoded.
    Malformed(String),
    /// No organization can be asked: the status code and the reason.
    NoPeer(Code, String),
    /// The endorser refused or failed; the code is that of its response.
    Endorser {
        code: Code,
        message: String,
        receipt: Option<Receipt>,
        /// True if another peer may succeed.
        is_of_one_peer: bool,
    },
}

/// The reason why a transaction was not evaluated.
pub(super) struct NotEvaluated {
    /// The organizations whose peers failed earlier, with their reasons.
    pub(super) earlier: Vec<(String, String)>,
    /// The organization that was asked last.
    pub(super) org: String,
    pub(super) failure: Failure,
}

impl Failure {
    /// Returns the reason if no endorser was asked. Endorsers log their own refusals.
    pub(super) fn unasked(&self) -> Option<&str> {
        match self {
            Self::Malformed(text) | Self::NoPeer(_, text) => Some(text),
            Self::Endorser { .. } => None,
        }
    }

    fn is_of_one_peer(&self) -> bool {
        matches!(self, Self::Endorser { is_of_one_peer: true, .. })
    }

    fn into_text(self) -> String {
        match self {
            Self::Malformed(text) | Self::NoPeer(_, text) => text,
            Self::Endorser { message, .. } => message,
        }
    }
}

/// The reason why there are not enough endorsements.
pub(super) enum Shortage {
    /// The proposal cannot be decoded, or its first endorser, of this organization, refused.
    First(String, Failure),
    /// The reasons of these organizations.
    Others(Vec<(String, String)>),
    /// No organization can be asked.
    NoPeers(Code, String),
}

impl Shortage {
    /// See [`Failure::unasked`].
    pub(super) fn unasked(&self) -> Option<&str> {
        match self {
            Self::First(_, failure) => failure.unasked(),
            Self::NoPeers(_, text) => Some(text),
            Self::Others(_) => None,
        }
    }
}

/// Lets one of the organizations of `wanted` evaluate, or any if it is empty; `own`, the gateway's,
/// is asked first. If a peer fails, the next organization is asked.
pub(super) async fn evaluate(
    peer: &dyn Peer,
    own: &str,
    wanted: &[String],
    (signed, client): (Arc<protos::SignedProposal>, Client),
) -> Result<Collected, NotEvaluated> {
    let ours = |failure| NotEvaluated { earlier: Vec::new(), org: own.to_owned(), failure };
    let proposal = unpack_query(signed).map_err(ours)?;
    let (mut org, mut others) = evaluators(peer, own, wanted, &proposal).map_err(ours)?;
    let mut earlier = Vec::new();
    loop {
        let failure = match ask(peer, &org, &proposal, client.clone()).await {
            Ok(answer) => {
                let mut answers = Collected::default();
                answers.add(answer);
                peer.evaluated(proposal.tx_id());
                return Ok(answers);
            }
            Err(failure) => failure,
        };
        let next = if failure.is_of_one_peer() { others.next() } else { None };
        let Some(next) = next else { return Err(NotEvaluated { earlier, org, failure }) };
        earlier.push((std::mem::replace(&mut org, next), failure.into_text()));
    }
}

/// Decodes a proposal for a query. Reports a malformed proposal only where Fabric's gateway decodes
/// it; otherwise the endorser reports it.
fn unpack_query(signed: Arc<protos::SignedProposal>) -> Result<Arc<UnpackedProposal>, Failure> {
    let malformed =
        |why| Failure::Malformed(format!("failed to unpack transaction proposal: {why}"));
    let Ok(proposal) = UnpackedProposal::unpack(Arc::clone(&signed)) else {
        UnpackedProposal::read_for_gateway(&signed).flatten().map_err(malformed)?;
        return UnpackedProposal::unpack_for_endorser(signed).map_err(|why| refused(&why));
    };
    proposal.check_named().map_err(malformed)?;
    Ok(proposal)
}

/// As for a query, but an endorsement needs no names. `own` is the gateway's organization.
pub(super) fn unpack(
    signed: Arc<protos::SignedProposal>,
    own: &str,
    wanted: &[String],
) -> Result<Arc<UnpackedProposal>, Shortage> {
    let first = |failure| Shortage::First(own.to_owned(), failure);
    let Ok(proposal) = UnpackedProposal::unpack(Arc::clone(&signed)) else {
        let read = UnpackedProposal::read_for_gateway(&signed);
        read.map(drop).map_err(|why| first(Failure::Malformed(why.to_string())))?;
        return UnpackedProposal::unpack_for_endorser(signed).map_err(|why| {
            let said = |org: &str| (org.to_owned(), why.to_string());
            match wanted {
                [] => first(refused(&why)),
                wanted => Shortage::Others(distinct(wanted).into_iter().map(said).collect()),
            }
        });
    };
    Ok(proposal)
}

/// Fabric's text for a channel that the gateway's own peer has not joined.
pub(super) fn no_config(channel: &str) -> String {
    format!(
        "failed to get config for channel [{channel}]: could not get last config for channel \
         {channel}"
    )
}

/// Returns the organization to ask first, and those to ask after it. Transient data is sent only to
/// the gateway's own organization, unless the client names others.
fn evaluators<'a>(
    peer: &'a dyn Peer,
    own: &'a str,
    wanted: &'a [String],
    proposal: &'a UnpackedProposal,
) -> Result<(String, impl Iterator<Item = String>), Failure> {
    let is_guarded = wanted.is_empty() && has_transient(proposal);
    let others = peer.msp_ids().into_iter().filter(move |org| org != own);
    let is_wanted = move |org: &String| match is_guarded {
        true => org == own,
        false => wanted.is_empty() || wanted.contains(org),
    };
    let candidates = std::iter::once(own.to_owned()).chain(others).filter(is_wanted);
    let (name, channel) = (proposal.called(), proposal.channel_id());
    // A gateway knows only the channels of its own peer, not those of other peers in the process.
    let own_standing = peer.standing(own, proposal);
    if own_standing == Standing::NoChannel {
        return Err(Failure::NoPeer(Code::Unavailable, no_config(channel)));
    }
    let is_there = move |org: &String| match org == own {
        true => own_standing == Standing::Here,
        false => peer.standing(org, proposal) == Standing::Here,
    };
    let mut candidates = candidates.filter(is_there);
    if let Some(found) = candidates.next() {
        return Ok((found, candidates));
    }
    let nobody = format!("no peers available to evaluate chaincode {name} in channel {channel}");
    let text = match is_guarded {
        true => format!(
            "no endorsers found in the gateway's organization; retry specifying target \
             organization(s) to protect transient data: {nobody}"
        ),
        false => nobody,
    };
    Err(Failure::NoPeer(Code::FailedPrecondition, text))
}

/// Lets the organizations of `wanted` endorse. If it is empty: `own`, the gateway's, and as many
/// others as the policies need.
pub(super) async fn collect(
    peer: &dyn Peer,
    own: &str,
    wanted: &[String],
    (proposal, client): (&Arc<UnpackedProposal>, Client),
) -> Result<Collected, Shortage> {
    let wanted = distinct(wanted);
    let mut plan = Plan { peer, proposal, client, endorsed: Vec::new(), said: Vec::new() };
    let mut answers = Collected::default();
    if !wanted.is_empty() {
        let here = peer.msp_ids();
        let channel = proposal.channel_id();
        let knows_channel = peer.has_joined(own, channel);
        let is_here = |org: &str| here.iter().any(|known| known == org);
        let is_there = |org: &str| is_here(org) && peer.standing(org, proposal) == Standing::Here;
        let is_missing = |org: &&str| !knows_channel || !is_there(org);
        let missing: Vec<&str> = wanted.iter().copied().filter(is_missing).collect();
        if !missing.is_empty() {
            let missing = missing.join(", ");
            let text = format!("failed to find any endorsing peers for org(s): {missing}");
            return Err(Shortage::NoPeers(Code::Unavailable, text));
        }
        for org in &wanted {
            plan.ask(org, &mut answers).await;
        }
        return plan.complete(answers, wanted.len());
    }
    let first = first_endorser(peer, own, proposal)?;
    let asked = ask(peer, &first, proposal, plan.client.clone()).await;
    answers.add(asked.map_err(|why| Shortage::First(first.clone(), why))?);
    plan.endorsed.push(first);
    let mut failed = Vec::new();
    loop {
        let needed = peer
            .needed_endorsers(proposal, &answers.responses[0], &plan.endorsed, &failed)
            .map_err(|why| plan.nobody(&why))?;
        let Some(org) = needed.iter().find(|org| !plan.endorsed.contains(org)) else {
            return Ok(answers.of(&needed, &plan.endorsed));
        };
        if !plan.ask(org, &mut answers).await {
            failed.push(org.clone());
        }
    }
}

/// Removes repetitions from the client's list of organizations. Fabric: `registry.go`,
/// `planForOrgs`.
fn distinct(wanted: &[String]) -> Vec<&str> {
    let mut seen = HashSet::new();
    wanted.iter().map(String::as_str).filter(|org| seen.insert(*org)).collect()
}

/// Returns the gateway's own organization, or another one if that does not run the chaincode and
/// the proposal has no transient data.
fn first_endorser(
    peer: &dyn Peer,
    own: &str,
    proposal: &UnpackedProposal,
) -> Result<String, Shortage> {
    let nobody = |text: String| Shortage::NoPeers(Code::FailedPrecondition, text);
    let own_standing = peer.standing(own, proposal);
    if own_standing == Standing::Here {
        return Ok(own.to_owned());
    }
    if has_transient(proposal) {
        return Err(nobody(
            "no endorsers found in the gateway's organization; retry specifying endorsing \
             organization(s) to protect transient data"
                .into(),
        ));
    }
    let mut others = peer.msp_ids().into_iter().filter(|org| org != own);
    let is_there = |org: &String| peer.standing(org, proposal) == Standing::Here;
    if let Some(other) = others.find(|org| own_standing != Standing::NoChannel && is_there(org)) {
        return Ok(other);
    }
    let (name, channel) = (proposal.called(), proposal.channel_id());
    let reason = match own_standing {
        Standing::Unknown | Standing::NoChannel => {
            format!("No metadata was found for chaincode {name} in channel {channel}")
        }
        _ => "required chaincodes are not installed on sufficient peers".to_owned(),
    };
    Err(nobody(NoEndorsers::NoPlan { reason }.to_string()))
}

fn has_transient(proposal: &UnpackedProposal) -> bool {
    !proposal.context.transient.is_empty()
}

async fn ask(
    peer: &dyn Peer,
    org: &str,
    proposal: &Arc<UnpackedProposal>,
    client: Client,
) -> Result<(protos::ProposalResponse, Option<Receipt>), Failure> {
    let processing = peer.process_proposal(org, Arc::clone(proposal), client);
    let processed = processing.await.map_err(|why| refused(&why))?;
    let receipt = Receipt::of(org, &processed);
    check(processed, receipt)
}

impl Collected {
    fn add(&mut self, (response, receipt): (protos::ProposalResponse, Option<Receipt>)) {
        self.responses.push(response);
        self.receipts.extend(receipt);
    }

    /// Keeps only the responses of the organizations of `needed`; `endorsed` has the organization
    /// of each response.
    fn of(mut self, needed: &[String], endorsed: &[String]) -> Self {
        let mut endorsed = endorsed.iter();
        self.responses.retain(|_| endorsed.next().is_some_and(|org| needed.contains(org)));
        self.receipts.retain(|receipt| needed.contains(&receipt.msp_id));
        self
    }
}

struct Plan<'a> {
    peer: &'a dyn Peer,
    proposal: &'a Arc<UnpackedProposal>,
    client: Client,
    endorsed: Vec<String>,
    said: Vec<(String, String)>,
}

impl Plan<'_> {
    /// Lets an organization endorse. Returns true if its endorsement equals the others.
    async fn ask(&mut self, org: &str, answers: &mut Collected) -> bool {
        let asked = ask(self.peer, org, self.proposal, self.client.clone()).await;
        let refusal = match asked {
            Err(failure) => failure.into_text(),
            Ok(answer) => match answers.responses.first() {
                Some(first) if first.payload != answer.0.payload => {
                    tracing::warn!(org, "ProposalResponsePayloads do not match");
                    "ProposalResponsePayloads do not match".to_owned()
                }
                _ => {
                    self.endorsed.push(org.to_owned());
                    answers.add(answer);
                    return true;
                }
            },
        };
        self.said.push((org.to_owned(), refusal));
        false
    }

    fn complete(self, answers: Collected, wanted: usize) -> Result<Collected, Shortage> {
        match answers.responses.len() == wanted {
            true => Ok(answers),
            false => Err(Shortage::Others(self.said)),
        }
    }

    /// Returns the error when no organization is left: the reasons of those that refused, if any
    /// did.
    fn nobody(&mut self, why: &NoEndorsers) -> Shortage {
        match self.said.is_empty() {
            true => Shortage::NoPeers(Code::FailedPrecondition, why.to_string()),
            false => Shortage::Others(std::mem::take(&mut self.said)),
        }
    }
}

/// Returns the failure of a refused proposal. A busy peer has its own code; all other refusals
/// before the execution are the client's fault.
fn refused(why: &Rejected) -> Failure {
    let code = if why.is_busy() { Code::ResourceExhausted } else { Code::FailedPrecondition };
    Failure::Endorser { code, message: why.to_string(), receipt: None, is_of_one_peer: false }
}

/// Separates endorsements from refusals (fabric `internal/pkg/gateway/apiutils.go`,
/// `responseStatus`).
fn check(
    processed: Processed,
    receipt: Option<Receipt>,
) -> Result<(protos::ProposalResponse, Option<Receipt>), Failure> {
    let is_of_one_peer = processed.is_of_this_peer;
    let response = processed.response;
    let (status, text) = match &response.response {
        Some(said) => (said.status, said.message.as_str()),
        None => (0, ""),
    };
    let (code, message) = match status {
        200..400 => return Ok((response, receipt)),
        // Without a payload the text is the peer's own, not the chaincode's.
        500 if response.payload.is_empty() => (Code::Aborted, text.to_owned()),
        _ => (Code::Unknown, format!("chaincode response {status}, {text}")),
    };
    Err(Failure::Endorser { code, message, receipt, is_of_one_peer })
}
