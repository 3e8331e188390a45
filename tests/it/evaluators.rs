//! The organizations that the Gateway asks for the answer to a query.

use std::net::TcpListener;

use tonic::{Code, Status};
use wasmcc_api::{Listener, Receipt, ServerConfig};
use wasmcc_client::ProposalBuilder;
use wasmcc_client::lifecycle::{self, ChaincodeDefinition};
use wasmcc_msp::NetworkSpec;
use wasmcc_node::sandbox::{CHANNEL, Sandbox};
use wasmcc_tests::{Served, package, process};
use wasmcc_types::proto::gateway::EvaluateRequest;
use wasmcc_types::proto::gateway::gateway_client::GatewayClient;
use wasmcc_workers::Workers;

const ORGS: [&str; 2] = ["Org1MSP", "Org2MSP"];

/// Defines a chaincode for which each organization has its own package.
fn define(sandbox: &Sandbox, name: &str, packages: [Vec<u8>; 2]) {
    let definition = ChaincodeDefinition {
        channel_id: CHANNEL.into(),
        name: name.into(),
        version: "1".into(),
        sequence: 1,
        ..Default::default()
    };
    let endorsed_by_all = |org: &str, proposal| {
        let admin = sandbox.identity_of(org, "Admin").unwrap();
        sandbox.endorse_at(org, proposal, &admin).unwrap().accepted().unwrap()
    };
    for (org, package) in ORGS.into_iter().zip(packages) {
        let id = wasmcc_peer::chaincode::package_id(&package).unwrap();
        endorsed_by_all(org, lifecycle::install(package));
        let approved = endorsed_by_all(org, lifecycle::approve(definition.clone(), Some(&id)));
        sandbox.commit(vec![approved]).unwrap();
    }
    let mut committed = endorsed_by_all(ORGS[0], lifecycle::commit(definition));
    sandbox.endorse_also(ORGS[1], &mut committed).unwrap();
    sandbox.commit(vec![committed]).unwrap();
}

/// Returns the package of a service without a listener.
fn service_of_nobody(label: &str) -> Vec<u8> {
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    package("probe", label, &["--type", "ccaas", "--address", &closed, "--dial-timeout", "1ms"])
}

/// Evaluates at the gateway of an organization; returns whose peer answered.
fn evaluate(
    sandbox: &Sandbox,
    served: &Served,
    gateway: usize,
    name: &str,
) -> Result<String, Status> {
    let user = sandbox.identity_of(ORGS[gateway], "User1").unwrap();
    let proposal = ProposalBuilder::new(CHANNEL, name).args(["noop"]).sign(&user);
    let request = EvaluateRequest {
        transaction_id: proposal.tx_id.to_string(),
        channel_id: CHANNEL.to_owned(),
        proposed_transaction: Some(proposal.signed),
        target_organizations: Vec::new(),
    };
    let mut gateway = GatewayClient::new(served.connect_to(gateway));
    let answer = served.wait(gateway.evaluate(request))?;
    Ok(Receipt::read_all(answer.metadata())[0].msp_id.clone())
}

#[test]
fn another_organization_answers_where_the_service_of_one_is_down() {
    let builder = Sandbox::builder().network(NetworkSpec::with_orgs(2));
    let sandbox = builder.orgs(ORGS).build().unwrap();
    let listeners = ORGS.map(|org| Listener::peer_of("127.0.0.1:0", org)).to_vec();
    let (peer, workers) = (sandbox.peer().clone(), Workers::new(1, 8).unwrap());
    let served = Served::at(listeners, peer, ServerConfig::default(), workers);
    define(&sandbox, "half", [service_of_nobody("half"), package("probe", "probe", &[])]);
    for gateway in [0, 1] {
        assert_eq!(evaluate(&sandbox, &served, gateway, "half").unwrap(), ORGS[1]);
    }
    define(&sandbox, "none", [service_of_nobody("one"), service_of_nobody("two")]);
    let status = evaluate(&sandbox, &served, 1, "none").unwrap_err();
    assert_eq!(status.code(), Code::Aborted);
    let details = String::from_utf8_lossy(status.details()).into_owned();
    assert!(ORGS.iter().all(|org| details.contains(org)), "{details}");
}

/// A second attempt would cost as much and fail in the same way.
#[test]
fn nobody_else_is_asked_after_a_timeout_or_a_trap() {
    let sandbox = Sandbox::builder().network(NetworkSpec::with_orgs(2)).orgs(ORGS).build().unwrap();
    let hostile = package("hostile", "hostile", &["--timeout", "100ms"]);
    define(&sandbox, "hostile", [hostile.clone(), hostile]);
    let probe = package("probe", "caller", &[]);
    define(&sandbox, "caller", [probe.clone(), probe]);
    let user = sandbox.identity("User1").unwrap();
    for (name, args) in [
        ("hostile", &["loop"][..]),
        ("hostile", &["trap"]),
        ("caller", &["cc2cc", "hostile", "loop"]),
    ] {
        let proposal = ProposalBuilder::new(CHANNEL, name).args(args.iter().copied()).sign(&user);
        let processed = process(sandbox.peer(), proposal.signed).unwrap();
        assert!(processed.response.payload.is_empty(), "{processed:?}");
        assert!(!processed.is_of_this_peer, "{name} {args:?}: {processed:?}");
    }
}
