//! The limits in a package apply to its chaincode.

use wasmcc_client::lifecycle::{self, ChaincodeDefinition};
use wasmcc_node::sandbox::{CHANNEL, Sandbox};
use wasmcc_runtime::Limits;
use wasmcc_tests::{call, package};

/// Installs, approves and commits `hostile` under this name.
fn define(sandbox: &Sandbox, name: &str, more: &[&str]) {
    let admin = sandbox.identity("Admin").unwrap();
    let package = package("hostile", name, more);
    let id = wasmcc_peer::chaincode::package_id(&package).unwrap();
    let install = lifecycle::install(package);
    sandbox.endorse_as(install, &admin).unwrap().accepted().unwrap();
    let definition = ChaincodeDefinition {
        channel_id: CHANNEL.into(),
        name: name.into(),
        version: "1".into(),
        sequence: 1,
        ..Default::default()
    };
    for proposal in
        [lifecycle::approve(definition.clone(), Some(&id)), lifecycle::commit(definition)]
    {
        let endorsed = sandbox.endorse_as(proposal, &admin).unwrap().accepted().unwrap();
        sandbox.commit(vec![endorsed]).unwrap();
    }
}

fn failure(sandbox: &Sandbox, name: &str, misbehaviour: &str) -> String {
    sandbox.endorse(call(name, misbehaviour)).unwrap().response.message
}

#[test]
fn a_package_bounds_fuel_memory_and_time() {
    let sandbox = Sandbox::new().unwrap();
    define(&sandbox, "usual", &[]);
    define(&sandbox, "fuel", &["--fuel", "1000000"]);
    define(&sandbox, "memory", &["--memory-mib", "4"]);
    define(&sandbox, "time", &["--timeout", "100ms"]);
    // An empty call uses the same fuel with and without limits.
    let fuel = |name: &str| sandbox.evaluate(call(name, "''")).unwrap().fuel;
    assert_eq!(fuel("fuel"), fuel("usual"));

    let text = failure(&sandbox, "fuel", "loop");
    assert!(text.ends_with("chaincode used up its fuel of 1000000 units"), "{text}");
    let refused = "after it was refused more than 4194304 bytes of memory";
    let text = failure(&sandbox, "memory", "grow");
    assert!(text.contains(refused), "{text}");
    let text = failure(&sandbox, "usual", "grow");
    assert!(text.contains("refused more than 268435456 bytes"), "{text}");
    let text = failure(&sandbox, "time", "loop");
    assert!(text.ends_with("timeout expired while executing transaction"), "{text}");
}

#[test]
fn a_package_that_asks_for_more_than_the_peer_gives_is_refused() {
    let limits = Limits { memory_bytes: 16 << 20, fuel: 1_000_000_000, ..Limits::default() };
    let sandbox = Sandbox::builder().limits(limits).build().unwrap();
    let admin = sandbox.identity("Admin").unwrap();
    for (more, text) in [
        (
            ["--memory-mib", "17"],
            "the package asks for 17825792 bytes of memory, this peer allows 16777216",
        ),
        (
            ["--fuel", "1000000001"],
            "the package asks for 1000000001 units of fuel, this peer allows 1000000000",
        ),
    ] {
        let install = lifecycle::install(package("hostile", "h", &more));
        let refused = sandbox.endorse_as(install, &admin).unwrap().response.message;
        assert!(refused.ends_with(&format!("could not build chaincode: {text}")), "{refused}");
    }
    let install = lifecycle::install(package("hostile", "h", &["--memory-mib", "1"]));
    let refused = sandbox.endorse_as(install, &admin).unwrap().response.message;
    assert!(refused.contains("the component begins with "), "{refused}");
}
