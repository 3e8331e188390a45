//! The organization of a listener, and the errors of its gateway (fabric
//! `internal/pkg/gateway/apiutils.go`).

use std::collections::BTreeMap;
use std::sync::Arc;

use tonic::{Code, Status};

use crate::collecting::{Failure, NotEvaluated, Shortage};
use crate::peer_error::OrderError;
use crate::status::with_details;
use wasmcc_types::proto::gateway::ErrorDetail;

/// A listener's organization, and the addresses of all organizations' peers for clients.
pub(super) struct Door {
    org: Arc<str>,
    /// The address at which it listens.
    address: String,
    /// By MSP id.
    advertised: BTreeMap<String, String>,
}

impl Door {
    pub(super) fn new(
        org: Arc<str>,
        address: String,
        advertised: BTreeMap<String, String>,
    ) -> Self {
        Self { org, address, advertised }
    }

    /// Returns the MSP id of the gateway's own organization.
    pub(super) fn org(&self) -> &str {
        &self.org
    }

    fn failed(&self, org: &str, code: Code, text: &str, message: impl Into<String>) -> Status {
        self.failed_all(code, text, vec![(org.to_owned(), message.into())])
    }

    /// Returns an error with the reason of each organization and the address that it advertises, as
    /// Fabric's `peer.gossip.externalEndpoint`.
    fn failed_all(&self, code: Code, text: &str, said: Vec<(String, String)>) -> Status {
        let detail = |(msp_id, message): (String, String)| {
            let address = self.advertised.get(&msp_id).unwrap_or(&self.address).clone();
            ErrorDetail { address, msp_id, message }
        };
        with_details(code, text, said.into_iter().map(detail))
    }

    /// Returns the error of an evaluation. Failures that another peer might not have are ABORTED;
    /// others keep their code.
    pub(super) fn evaluate_failed(&self, failed: NotEvaluated) -> Status {
        let NotEvaluated { earlier: mut said, org, failure } = failed;
        match failure {
            Failure::Malformed(text) => Status::invalid_argument(text),
            Failure::NoPeer(code, text) => Status::new(code, text),
            Failure::Endorser { code: Code::Aborted, message, .. } => {
                let text = "failed to evaluate transaction, see attached details for more info";
                said.push((org, message));
                self.failed_all(Code::Aborted, text, said)
            }
            Failure::Endorser { code, message, receipt, .. } => {
                let text = format!("evaluate call to endorser returned error: {message}");
                said.push((org, message));
                let mut status = self.failed_all(code, &text, said);
                receipt.iter().for_each(|receipt| receipt.add_to(status.metadata_mut()));
                status
            }
        }
    }

    pub(super) fn not_endorsed(&self, shortage: Shortage) -> Status {
        match shortage {
            Shortage::First(org, failure) => self.endorse_failed(&org, failure),
            Shortage::NoPeers(code, text) => Status::new(code, text),
            Shortage::Others(said) => {
                let text = "failed to collect enough transaction endorsements, see attached \
                            details for more info";
                self.failed_all(Code::Aborted, text, said)
            }
        }
    }

    fn endorse_failed(&self, org: &str, failure: Failure) -> Status {
        match failure {
            Failure::Malformed(text) => Status::invalid_argument(text),
            Failure::NoPeer(code, text) => Status::new(code, text),
            Failure::Endorser { message, receipt, .. } => {
                let text = "failed to endorse transaction, see attached details for more info";
                let mut status = self.failed(org, Code::Aborted, text, message);
                receipt.iter().for_each(|receipt| receipt.add_to(status.metadata_mut()));
                status
            }
        }
    }

    pub(super) fn submit_failed(&self, error: &OrderError) -> Status {
        let status = error.status().as_str_name();
        let message =
            format!("received unsuccessful response from orderer: status={status}, info={error}");
        match error {
            OrderError::Unavailable(_) => {
                let text = "no orderers could successfully process transaction";
                self.failed(&self.org, Code::Unavailable, text, message)
            }
            _ => Status::aborted(message),
        }
    }
}
