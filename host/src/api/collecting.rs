//! Collects the endorsements of a transaction (fabric `internal/pkg/gateway/endorse.go`).
//!
//! The organizations are asked one after the other: they run the same chaincodes.

use tonic::Status;

use crate::api::gateway::{Failure, check, malformed, refused};
use crate::api::peer::Peer;
use crate::endorser::UnpackedProposal;
use crate::proto::protos;
use crate::types::Client;

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
pub(super) async fn collect(
    peer: &dyn Peer,
    own: &str,
    wanted: &[String],
    (signed, client): (&protos::SignedProposal, Client),
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
    let (endorsed, responses, said) = Default::default();
    let mut plan = Plan { peer, signed, client, endorsed, responses, said };
    if !wanted.is_empty() {
        for org in wanted {
            plan.ask(org).await;
        }
        return plan.complete(wanted.len());
    }
    let first = plan.endorse(own).await;
    let first = first.map_err(|why| Shortage::First(own.to_owned(), why))?;
    plan.endorsed.push(own.to_owned());
    plan.responses.push(first);
    let mut failed = Vec::new();
    loop {
        let more = peer
            .further_endorsers(&proposal, &plan.responses[0], &plan.endorsed, &failed)
            .map_err(|why| plan.nobody(why))?;
        let Some(org) = more.first() else { return Ok(plan.responses) };
        if !plan.ask(org).await {
            failed.push(org.clone());
        }
    }
}

struct Plan<'a> {
    peer: &'a dyn Peer,
    signed: &'a protos::SignedProposal,
    client: Client,
    endorsed: Vec<String>,
    responses: Endorsements,
    said: Vec<(String, String)>,
}

impl Plan<'_> {
    /// Whether the organization endorsed what the others did.
    async fn ask(&mut self, org: &str) -> bool {
        let refusal = match self.endorse(org).await {
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

    async fn endorse(&self, org: &str) -> Result<protos::ProposalResponse, Failure> {
        let (signed, client) = (self.signed.clone(), self.client.clone());
        let answer = self.peer.process_proposal(org, signed, client).await;
        answer.map_err(refused).and_then(check)
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
