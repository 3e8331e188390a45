//! Calls of chaincodes for the page, as any user of the organizations of `wasmcc dev`.
//!
//! They go through the peers' gRPC listeners, like those of every client.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::Semaphore;

use crate::hint::Asked;
use crate::progress::Progress;
use crate::session::Session;
use crate::target::{Target, open_network};
use crate::web::bounded::cut_to;
use crate::web::failure::Failure;
use crate::web::params::Params;
use crate::web::payloads::Payloads;
use crate::web::site::{Answer, Site};
use wasmcc_client::ProposalBuilder;
use wasmcc_msp::network::Org;

/// Limit on simultaneous calls.
const CALLS: usize = 16;
/// Time limit for each answer of a peer.
const ANSWER: Duration = Duration::from_secs(60);
/// Limit on one text in an answer, in bytes: larger than elsewhere, because no ledger keeps the
/// result of an evaluation.
const TEXT: usize = 2 << 20;

/// The identities and peers for calls.
pub(crate) struct Calls {
    /// The folder with the identities.
    organizations: PathBuf,
    /// The addresses of the peers by MSP id.
    peers: BTreeMap<String, String>,
    places: Semaphore,
    /// Payloads that were cut in answers.
    payloads: Payloads,
}

/// Whether a call is evaluated or submitted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Evaluate only.
    Evaluate,
    /// Submit a transaction.
    Submit,
}

/// The body of a request for a call.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Call {
    channel: String,
    chaincode: String,
    /// The MSP id of the caller's organization.
    org: String,
    /// The caller's name there.
    user: String,
    /// The function and its arguments.
    args: Vec<Bytes>,
    #[serde(default)]
    transient: BTreeMap<String, Bytes>,
    /// The endorsing organizations; if empty, as few as the policies require.
    #[serde(default)]
    endorsers: Vec<String>,
    #[serde(default)]
    is_init: bool,
}

/// A text, or bytes in base64.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Bytes {
    Text(String),
    Encoded { base64: String },
}

impl Bytes {
    fn read(self) -> Result<Vec<u8>, Failure> {
        match self {
            Self::Text(text) => Ok(text.into_bytes()),
            Self::Encoded { base64 } => {
                let read = BASE64_STANDARD.decode(base64.trim());
                read.map_err(|error| Failure::bad(format!("a value is not base64: {error}")))
            }
        }
    }
}

impl Calls {
    /// Calls as members of the network in this folder, at these peers.
    pub(crate) fn new(organizations: PathBuf, peers: BTreeMap<String, String>) -> Self {
        Self { organizations, peers, places: Semaphore::new(CALLS), payloads: Payloads::default() }
    }

    /// Returns the organizations and their present users.
    pub(super) fn members(&self) -> Result<Value, Failure> {
        let network = open_network(&self.organizations)?;
        let org = |org: &Org| {
            let mut users: Vec<&str> = org.users().collect();
            if !users.contains(&"Admin") && org.identity("Admin").is_some() {
                users.push("Admin");
            }
            json!({ "msp_id": org.msp_id(), "users": users })
        };
        Ok(network.orgs().iter().map(org).collect())
    }

    /// Makes the call that `body` describes and waits for its result.
    pub(super) async fn call(&self, kind: Kind, body: &[u8]) -> Result<Value, Failure> {
        let call: Call = serde_json::from_slice(body).map_err(|error| {
            Failure::bad(format!(
                "a call is {{\"channel\", \"chaincode\", \"org\", \"user\", \"args\": [...], \
                 \"transient\": {{...}}, \"endorsers\": [...], \"is_init\"}}, where a value is a \
                 text or {{\"base64\": ...}}: {error}"
            ))
        })?;
        let Ok(_place) = self.places.try_acquire() else {
            return Err(Failure::busy(format!("{CALLS} calls are running: try again later")));
        };
        let started = Instant::now();
        let session = self.session(&call).await?;
        let Call { channel, chaincode, endorsers, is_init, args, transient, .. } = call;
        let asked = Asked { channel: &channel, chaincode: &chaincode };
        let read = |(name, value): (String, Bytes)| Ok((name, value.read()?));
        let transient = transient.into_iter().map(read).collect::<Result<_, Failure>>()?;
        let args = args.into_iter().map(Bytes::read).collect::<Result<Vec<_>, _>>()?;
        let proposal = ProposalBuilder::new(&channel, &chaincode)
            .args(args)
            .transient(transient)
            .init(is_init);
        let answer = match kind {
            Kind::Evaluate => {
                let evaluated = session.evaluate(proposal, asked).await;
                evaluated.map(|it| (it.as_json(started.elapsed()), it.response.payload))
            }
            Kind::Submit => {
                let progress = Progress::hidden();
                let submitted = session.submit(proposal, &endorsers, asked, &progress).await;
                submitted.map(|it| (it.as_json(started.elapsed()), it.response.payload))
            }
        };
        let (answer, payload) = answer.map_err(|error| Failure::refused(&error))?;
        let mut answer = cut_to(answer, TEXT);
        if answer["payload"]["bytes"].is_u64() {
            answer["payload_id"] = json!(self.payloads.keep(payload));
        }
        Ok(answer)
    }

    /// Opens a session of the caller with the peer of its organization, or with the first peer.
    async fn session(&self, call: &Call) -> Result<Session, Failure> {
        let network = open_network(&self.organizations)?;
        let known = network.org(&call.org).is_some_and(|org| org.identity(&call.user).is_some());
        if !known {
            return Err(Failure::bad(format!(
                "there is no user {:?} of an organization {:?}",
                call.user, call.org
            )));
        }
        let peer = self.peers.get(&call.org).or_else(|| self.peers.values().next());
        let peer = peer.ok_or_else(|| Failure::bad("there is no peer"))?.clone();
        let mut target = Target::of_dev(peer, self.organizations.clone(), ANSWER);
        (target.org, target.user) = (Some(call.org.clone()), Some(call.user.clone()));
        Ok(Session::open(&target, "User1").await?)
    }
}

/// Returns the whole payload of a call whose answer was cut.
pub(super) fn payload(site: &Site, params: &mut Params) -> Result<Answer, Failure> {
    let id = params.text("id")?;
    let found = site.calls.as_ref().and_then(|calls| calls.payloads.get(&id));
    let missing = || Failure::missing("this payload is no longer kept: make the call again");
    found.map(Answer::Bytes).ok_or_else(missing)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_are_texts_or_base64() {
        let read = |json: &str| serde_json::from_str::<Vec<Bytes>>(json).unwrap();
        let read: Vec<_> = read(r#"["caf\u00e9", {"base64":"/wA="}]"#)
            .into_iter()
            .map(|it| it.read().unwrap())
            .collect();
        assert_eq!(read, [b"caf\xc3\xa9".to_vec(), b"\xff\x00".to_vec()]);
        assert!(Bytes::Encoded { base64: "?".into() }.read().is_err());
    }

    #[test]
    fn a_misspelt_member_of_a_call_is_refused() {
        let call =
            r#"{"channel":"c","chaincode":"c","org":"o","user":"u","args":[],"trasient":{}}"#;
        assert!(serde_json::from_str::<Call>(call).is_err());
        assert!(serde_json::from_str::<Call>(&call.replace(",\"trasient\":{}", "")).is_ok());
    }
}
