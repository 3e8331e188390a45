//! `_lifecycle`: packages on the peer, and the definitions that organizations approve and a channel
//! commits (fabric `core/chaincode/lifecycle/scc.go`). Two arguments: the function, and its
//! serialized `lifecycle.<Function>Args`; the answer is its `lifecycle.<Function>Result`.

mod approve;
mod approved;
mod commit;
mod input;
mod packages;
mod queries;
mod state;

use std::sync::Arc;

use prost::Message;

use crate::chaincode::{AccessControl, NativeChaincode, PackageStore, Stub};
use wasmcc_channel::{Channels, Holders};
use wasmcc_msp::ChannelConfig;
use wasmcc_types::{LIFECYCLE, Response};

/// The peer's `_lifecycle`. Approvals are those of the organization whose peer is asked.
pub struct Lifecycle {
    packages: Arc<PackageStore>,
    channels: Arc<Channels>,
    access: Arc<dyn AccessControl>,
    holders: Arc<Holders>,
}

/// Why a function gives no result.
#[derive(Debug, PartialEq, Eq)]
enum Failure {
    /// Status 404, with the text as it is.
    NotFound(String),
    /// Status 500, with the function's name before the text.
    Failed(String),
}

impl From<String> for Failure {
    fn from(text: String) -> Self {
        Self::Failed(text)
    }
}

type Answer<M> = Result<M, Failure>;

/// What changes this peer, or tells of it what other peers need not agree with.
const OF_THIS_PEER: [&str; 4] = [
    "InstallChaincode",
    "QueryInstalledChaincode",
    "GetInstalledChaincodePackage",
    "QueryInstalledChaincodes",
];

impl Lifecycle {
    /// Works on the packages and channels of a peer; `holders` knows whose packages they are.
    pub fn new(
        packages: Arc<PackageStore>,
        channels: Arc<Channels>,
        access: Arc<dyn AccessControl>,
        holders: Arc<Holders>,
    ) -> Self {
        Self { packages, channels, access, holders }
    }

    fn call(&self, stub: &mut Stub<'_>) -> Response {
        let args = stub.args;
        let [function, input] = args else {
            return Response::error(match args.len() {
                0 => "lifecycle scc must be invoked with arguments".into(),
                n => format!(
                    "lifecycle scc operations require exactly two arguments but received {n}"
                ),
            });
        };
        let function = String::from_utf8_lossy(function);
        if let Err(text) = self.authorize(stub, &function) {
            return Response::error(text);
        }
        match self.dispatch(stub, &function, input) {
            Ok(payload) => Response::success(payload),
            Err(Failure::NotFound(message)) => {
                Response { status: 404, message, payload: Vec::new() }
            }
            Err(Failure::Failed(why)) => Response::error(format!(
                "failed to invoke backing implementation of '{function}': {why}"
            )),
        }
    }

    fn authorize(&self, stub: &Stub<'_>, function: &str) -> Result<(), String> {
        let channel = stub.channel_id;
        if !channel.is_empty() {
            let found = self.channels.get(channel);
            let found = found
                .ok_or_else(|| format!("could not get channelconfig for channel '{channel}'"))?;
            if !found.config().capabilities().v2_0 {
                return Err(format!(
                    "cannot use new lifecycle for channel '{channel}' as it does not have the \
                     required capabilities enabled"
                ));
            }
        }
        if stub.called_by_chaincode && OF_THIS_PEER.contains(&function) {
            return Err(format!("a chaincode may not call {function} of {LIFECYCLE}"));
        }
        let resource = format!("{LIFECYCLE}/{function}");
        self.access
            .check(&resource, channel, stub.peer_msp_id, stub.proposal)
            .map_err(|why| format!("Failed to authorize invocation due to failed ACL check: {why}"))
    }

    /// Decodes the arguments of a function, calls it and encodes its result.
    fn dispatch(&self, stub: &mut Stub<'_>, function: &str, input: &[u8]) -> Answer<Vec<u8>> {
        let input = Input { function, bytes: input };
        match function {
            "InstallChaincode" => input.call(|args| self.install(stub, args)),
            "QueryInstalledChaincode" => input.call(|args| self.query_installed(stub, args)),
            "GetInstalledChaincodePackage" => input.call(|args| self.installed_package(stub, args)),
            "QueryInstalledChaincodes" => input.call(|args| self.query_all_installed(stub, args)),
            "ApproveChaincodeDefinitionForMyOrg" => input.call(|args| self.approve(stub, args)),
            "QueryApprovedChaincodeDefinition" => {
                input.call(|args| self.query_approved(stub, args))
            }
            "QueryApprovedChaincodeDefinitions" => {
                input.call(|args| self.query_all_approved(stub, args))
            }
            "CheckCommitReadiness" => input.call(|args| self.check_readiness(stub, args)),
            "CommitChaincodeDefinition" => input.call(|args| self.commit(stub, args)),
            "QueryChaincodeDefinition" => input.call(|args| self.query_definition(stub, args)),
            "QueryChaincodeDefinitions" => input.call(|args| self.query_definitions(stub, args)),
            _ => Err(Failure::Failed(format!(
                "receiver *lifecycle.Invocation.{function} does not exist"
            ))),
        }
    }

    /// The configuration of the channel of a call.
    fn config(&self, stub: &Stub<'_>) -> Result<Arc<ChannelConfig>, String> {
        let channel = stub.channel_id;
        let found = self.channels.get(channel);
        found
            .map(|found| found.config())
            .ok_or_else(|| format!("could not get channelconfig for channel '{channel}'"))
    }
}

impl NativeChaincode for Lifecycle {
    fn invoke(&self, stub: &mut Stub<'_>) -> Response {
        self.call(stub)
    }
}

/// The serialized arguments of a function.
struct Input<'a> {
    function: &'a str,
    bytes: &'a [u8],
}

impl Input<'_> {
    fn call<A, R>(&self, function: impl FnOnce(A) -> Answer<R>) -> Answer<Vec<u8>>
    where
        A: Message + Default,
        R: Message,
    {
        let args = A::decode(self.bytes).map_err(|error| {
            let function = self.function;
            Failure::Failed(format!(
                "could not decode input arg for *lifecycle.Invocation.{function}: {error}"
            ))
        })?;
        Ok(function(args)?.encode_to_vec())
    }
}
