//! The samples as components on a whole peer, in the sequences that fabric-samples documents for
//! them.

mod abac;
mod application;
mod auction;
mod calls;
mod commercial_paper;
mod events;
mod ledger_queries;
mod pages;
mod private_data;
mod sbe;
mod secured_agreement;
mod tokens;

use serde_json::Value;
use wasmcc_msp::NetworkSpec;
use wasmcc_node::sandbox::{Call, Endorsed, Sandbox, SandboxError};
use wasmcc_tests::guest;

const ORG1: &str = "Org1MSP";
const ORG2: &str = "Org2MSP";
/// One organization is enough.
const EITHER: Option<&str> = Some("OR('Org1MSP.peer','Org2MSP.peer')");

/// Two organizations with a peer each, and a sample in Rust.
fn two_organizations(sample: &str, name: &str, policy: Option<&str>) -> Sandbox {
    two_organizations_with(&guest(sample), name, policy)
}

/// Two organizations with a peer each, and a component that is deployed by `_lifecycle`, as
/// fabric-samples does it. Without a policy, both organizations endorse.
fn two_organizations_with(component: &[u8], name: &str, policy: Option<&str>) -> Sandbox {
    let builder = Sandbox::builder().network(NetworkSpec::with_orgs(2)).orgs([ORG1, ORG2]);
    let sandbox = builder.build().unwrap();
    sandbox.deploy_by_lifecycle(name, component, policy).unwrap();
    sandbox
}

/// A call of a client of an organization.
fn call(name: &str, org: &str, function: &str, args: &[&str]) -> Call {
    Call::new(name, function).args(args.iter().copied()).org(org)
}

/// Commits, with as many organizations as the call needs.
#[track_caller]
fn submit(sandbox: &Sandbox, call: Call) -> Endorsed {
    sandbox.submit(call).unwrap_or_else(|error| panic!("{error}")).endorsed
}

/// Commits what the peer of one organization alone endorses. Returns why that is not valid.
fn submit_by(sandbox: &Sandbox, call: Call) -> Option<&'static str> {
    let endorsed = sandbox.endorse(call).unwrap().accepted().unwrap();
    let code = sandbox.commit(vec![endorsed]).unwrap()[0].code;
    (code != wasmcc_types::proto::protos::TxValidationCode::Valid).then(|| code.as_str_name())
}

/// The payload of a query.
#[track_caller]
fn text(sandbox: &Sandbox, call: Call) -> String {
    sandbox.evaluate(call).unwrap_or_else(|error| panic!("{error}")).text()
}

/// The same as JSON.
#[track_caller]
fn json(sandbox: &Sandbox, call: Call) -> Value {
    let text = text(sandbox, call);
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

/// The message with which the contract refuses a call.
#[track_caller]
fn refusal(sandbox: &Sandbox, call: Call) -> String {
    match sandbox.submit(call) {
        Err(SandboxError::Refused(answer)) => answer.message,
        Err(other) => panic!("{other}"),
        Ok(done) => panic!("it is committed: {}", done.endorsed.text()),
    }
}
