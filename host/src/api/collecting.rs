//! Collects the endorsements of a transaction (fabric `internal/pkg/gateway/endorse.go`).
//!
//! The organizations are asked one after the other: they run the same chaincodes.

use tonic::{Code, Status};

use crate::api::gateway::{Failure, check, malformed};
use crate::api::peer::Peer;
use crate::endorser::{Rejected, UnpackedProposal};
use crate::proto::protos;

/// Endorsements that are enough and all the same.
pub(super) type Endorsements = Vec<protos::ProposalResponse>;

/// Why there are not enough.
pub(super) enum Shortage {
    /// The proposal cannot be read, or its first endorser, of this organization, refused.
    First(String, Failure),
    /// What these organizations said.
    Others(Vec<(String, String)>),
    /// There is nobody to ask.
    Nobody(Status),
}

/// Has the organizations of `wanted` endorse, or if it is empty, `own` and as many others as need
/// be.
pub(super) fn collect(
    peer: &dyn Peer,
    own: &str,
    wanted: &[String],
    signed: &protos::SignedProposal,
) -> Result<Endorsements, Shortage> {
    let proposal = UnpackedProposal::unpack(signed.clone())
        .map_err(|why| Shortage::First(own.to_owned(), malformed(why)))?;
    let here = peer.msp_ids();
    let missing: Vec<&str> =
        wanted.iter().map(String::as_str).filter(|org| !here.iter().any(|o| o == org)).collect();
    if !missing.is_empty() {
        let text = format!("failed to find any endorsing peers for org(s): {}", missing.join(", "));
        return Err(Shortage::Nobody(Status::unavailable(text)));
    }
    let mut plan = Plan { peer, signed, endorsed: Vec::new(), responses: Vec::new(), said: vec![] };
    if !wanted.is_empty() {
        for org in wanted {
            plan.ask(org);
        }
        return plan.complete(wanted.len());
    }
    let first = endorse(peer, own, signed).map_err(|why| Shortage::First(own.to_owned(), why))?;
    plan.endorsed.push(own.to_owned());
    plan.responses.push(first);
    let mut failed = Vec::new();
    loop {
        let more = peer
            .further_endorsers(&proposal, &plan.responses[0], &plan.endorsed, &failed)
            .map_err(|why| plan.nobody(why))?;
        let Some(org) = more.first() else { return Ok(plan.responses) };
        if !plan.ask(org) {
            failed.push(org.clone());
        }
    }
}

struct Plan<'a> {
    peer: &'a dyn Peer,
    signed: &'a protos::SignedProposal,
    endorsed: Vec<String>,
    responses: Endorsements,
    said: Vec<(String, String)>,
}

impl Plan<'_> {
    /// Whether the organization endorsed what the others did.
    fn ask(&mut self, org: &str) -> bool {
        let refusal = match endorse(self.peer, org, self.signed) {
            Err(Failure::Malformed(text) | Failure::Endorser(_, text)) => text,
            Ok(response) => match self.responses.first() {
                Some(first) if first.payload != response.payload => {
                    tracing::warn!(org, "ProposalResponsePayloads do not match");
                    "ProposalResponsePayloads do not match".to_owned()
                }
                _ => {
                    self.endorsed.push(org.to_owned());
                    self.responses.push(response);
                    return true;
                }
            },
        };
        self.said.push((org.to_owned(), refusal));
        false
    }

    fn complete(self, wanted: usize) -> Result<Endorsements, Shortage> {
        match self.responses.len() == wanted {
            true => Ok(self.responses),
            false => Err(Shortage::Others(self.said)),
        }
    }

    /// Nobody is left; that some refused is the better reason.
    fn nobody(&mut self, why: String) -> Shortage {
        match self.said.is_empty() {
            true => Shortage::Nobody(Status::failed_precondition(why)),
            false => Shortage::Others(std::mem::take(&mut self.said)),
        }
    }
}

fn endorse(
    peer: &dyn Peer,
    org: &str,
    signed: &protos::SignedProposal,
) -> Result<protos::ProposalResponse, Failure> {
    let refused = |why: Rejected| Failure::Endorser(Code::FailedPrecondition, why.to_string());
    peer.process_proposal(org, signed.clone()).map_err(refused).and_then(check)
}
