//! Organizations that a definition adds to a collection.

use wasmcc_msp::NetworkSpec;
use wasmcc_node::sandbox::{Sandbox, SandboxError};
use wasmcc_tests::{call, guest};

const ONE: &str = r#"[{"name":"c","policy":"OR('Org1MSP.member')","blockToLive":0}]"#;
const BOTH: &str =
    r#"[{"name":"c","policy":"OR('Org1MSP.member','Org2MSP.member')","blockToLive":0}]"#;

#[test]
fn a_new_member_reads_what_was_written_before() {
    for by_lifecycle in [false, true] {
        let builder = Sandbox::builder().network(NetworkSpec::with_orgs(2));
        let sandbox = builder.orgs(["Org1MSP", "Org2MSP"]).build().unwrap();
        let component = guest("probe");
        let deploy = |collections: &str| {
            let deployment = sandbox.deployment("probe", &component).collections(collections);
            let deployment = deployment.policy("OR('Org1MSP.peer','Org2MSP.peer')");
            let deployment = if by_lifecycle { deployment.lifecycle() } else { deployment };
            deployment.deploy().unwrap();
        };
        let read = |line: &str| -> Result<String, SandboxError> {
            Ok(sandbox.evaluate(call("probe", line).org("Org2MSP"))?.text())
        };
        deploy(ONE);
        sandbox.submit(call("probe", "pput c k old")).unwrap();
        sandbox.submit(call("probe", "pput c k value")).unwrap();
        sandbox.submit(call("probe", "pput c gone value")).unwrap();
        sandbox.submit(call("probe", "pdel c gone")).unwrap();
        let refused = read("pget c k").unwrap_err().to_string();
        assert!(refused.contains("private data matching public hash version"), "{refused}");
        deploy(BOTH);
        assert_eq!(read("pget c k").unwrap(), "value");
        let rows =
            |org: &str| sandbox.evaluate(call("probe", "prange c a z").org(org)).unwrap().text();
        assert_eq!(rows("Org2MSP"), rows("Org1MSP"));
        // Both endorse a transaction that reads it.
        sandbox.submit(call("probe", "pget c k").org("Org2MSP")).unwrap();
    }
}
