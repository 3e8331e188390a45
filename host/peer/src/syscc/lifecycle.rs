//! `_lifecycle`: packages on the peer, and the definitions that organizations approve and a channel
//! commits (fabric `core/chaincode/lifecycle/scc.go`). It has two arguments: the function, and its
//! serialized `lifecycle.<Function>Args`. Returns its `lifecycle.<Function>Result`.

mod approve;
mod approved;
mod commit;
mod error;
mod input;
mod packages;
mod queries;
mod state;

use std::sync::Arc;

use prost::Message;

use crate::chaincode::{AccessControl, NativeChaincode, NativeError, PackageStore, Stub};
use crate::syscc::lifecycle::error::{CallError, LifecycleError, NoChannelConfig};
use wasmcc_channel::{Channels, Holders};
use wasmcc_msp::ChannelConfig;
use wasmcc_types::{DEFINITION_FIELDS, LIFECYCLE, decode_bounded};

/// The peer's `_lifecycle`. Approves for the organization of the simulating peer.
pub struct Lifecycle {
    packages: Arc<PackageStore>,
    channels: Arc<Channels>,
    access: Arc<dyn AccessControl>,
    holders: Arc<Holders>,
}

type LifecycleResult<M> = Result<M, LifecycleError>;

/// Functions that change this peer, or return facts that may differ between peers.
const OF_THIS_PEER: [&str; 4] = [
    "InstallChaincode",
    "QueryInstalledChaincode",
    "GetInstalledChaincodePackage",
    "QueryInstalledChaincodes",
];

impl Lifecycle {
    /// Makes `_lifecycle` for the packages and channels of a peer; `holders` records the owners of
    /// packages.
    pub fn new(
        packages: Arc<PackageStore>,
        channels: Arc<Channels>,
        access: Arc<dyn AccessControl>,
        holders: Arc<Holders>,
    ) -> Self {
        Self { packages, channels, access, holders }
    }

    fn call(&self, stub: &mut Stub<'_>) -> Result<Vec<u8>, CallError> {
        let [function, input] = stub.args else {
            return Err(match stub.args.len() {
                0 => CallError::NoArguments,
                count => CallError::Arguments(count),
            });
        };
        let function = String::from_utf8_lossy(function);
        self.authorize(stub, &function)?;
        self.dispatch(stub, &function, input).map_err(|error| match error {
            LifecycleError::NotDefined(_) => CallError::NotDefined(error),
            error => {
                let (function, error) = (function.into_owned(), Box::new(error));
                CallError::Function { function, error }
            }
        })
    }

    fn authorize(&self, stub: &Stub<'_>, function: &str) -> Result<(), CallError> {
        let channel = stub.channel_id;
        if !channel.is_empty() && !self.config(stub)?.capabilities().v2_0 {
            return Err(CallError::NotEnabled(channel.to_owned()));
        }
        if stub.called_by_chaincode && OF_THIS_PEER.contains(&function) {
            return Err(CallError::CalledByChaincode(function.to_owned()));
        }
        let resource = format!("{LIFECYCLE}/{function}");
        self.access
            .check(&resource, channel, stub.peer_msp_id, stub.proposal)
            .map_err(CallError::Denied)
    }

    /// Decodes the arguments of a function, calls it and encodes its result.
    fn dispatch(
        &self,
        stub: &mut Stub<'_>,
        function: &str,
        input: &[u8],
    ) -> LifecycleResult<Vec<u8>> {
        let input = FunctionInput { function, bytes: input };
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
            _ => Err(LifecycleError::UnknownFunction(function.to_owned())),
        }
    }

    /// Returns the configuration of the channel of a call.
    fn config(&self, stub: &Stub<'_>) -> Result<Arc<ChannelConfig>, NoChannelConfig> {
        let found = self.channels.get(stub.channel_id).map(|found| found.config());
        found.ok_or_else(|| NoChannelConfig(stub.channel_id.to_owned()))
    }
}

impl NativeChaincode for Lifecycle {
    fn invoke(&self, stub: &mut Stub<'_>) -> Result<Vec<u8>, NativeError> {
        Ok(self.call(stub)?)
    }
}

/// The serialized arguments of a function.
struct FunctionInput<'a> {
    function: &'a str,
    bytes: &'a [u8],
}

impl FunctionInput<'_> {
    fn call<A, R>(&self, function: impl FnOnce(A) -> LifecycleResult<R>) -> LifecycleResult<Vec<u8>>
    where
        A: Message + Default,
        R: Message,
    {
        let args = decode_bounded(self.bytes, DEFINITION_FIELDS).map_err(|error| {
            let function = self.function.to_owned();
            LifecycleError::Input { function, error }
        })?;
        Ok(function(args)?.encode_to_vec())
    }
}
