//! Tests of several samples: their READMEs, Fabric's client libraries, and the same sequences in
//! Rust and in TypeScript. Tests of a single Rust sample are in its own folder.

mod application;
mod erc_20;
mod pages;
mod private_data;

use serde_json::Value;
use wasmcc_msp::NetworkSpec;
use wasmcc_node::sandbox::{Call, Endorsed, Sandbox, SandboxError};

const ORG1: &str = "Org1MSP";
const ORG2: &str = "Org2MSP";

/// Returns two organizations with a peer each.
fn two_organizations() -> Sandbox {
    let builder = Sandbox::builder().network(NetworkSpec::with_orgs(2)).orgs([ORG1, ORG2]);
    builder.build().unwrap()
}

/// Returns a call of a client of an organization.
fn call(name: &str, org: &str, function: &str, args: &[&str]) -> Call {
    Call::new(name, function).args(args.iter().copied()).org(org)
}

/// Commits with as many organizations as the call needs.
#[track_caller]
fn submit(sandbox: &Sandbox, call: Call) -> Endorsed {
    sandbox.submit(call).unwrap_or_else(|error| panic!("{error}")).endorsed
}

/// Returns the payload of a query.
#[track_caller]
fn text(sandbox: &Sandbox, call: Call) -> String {
    sandbox.evaluate(call).unwrap_or_else(|error| panic!("{error}")).text()
}

/// Returns the payload of a query, read as JSON.
#[track_caller]
fn json(sandbox: &Sandbox, call: Call) -> Value {
    let text = text(sandbox, call);
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

/// Returns the message with which the contract refuses a call.
#[track_caller]
fn refusal(sandbox: &Sandbox, call: Call) -> String {
    match sandbox.submit(call) {
        Err(SandboxError::Refused(answer)) => answer.message,
        Err(other) => panic!("{other}"),
        Ok(done) => panic!("it is committed: {}", done.endorsed.text()),
    }
}
