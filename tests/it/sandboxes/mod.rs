//! Sandboxes: in the test's own process (`wasmcc::sandbox`), and in the program, driven over a pipe
//! (`wasmcc_test`). Both have the same API, and the same cases run on both.

mod mock;

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, Command, Stdio};

use wasmcc_tests::program::program;

/// In this process.
mod embedded {
    use wasmcc as api;

    fn builder() -> api::SandboxBuilder {
        Sandbox::builder()
    }

    include!("cases.rs");
    include!("deployments.rs");
}

/// In a process of the program.
mod driven {
    use wasmcc_test as api;

    fn builder() -> api::SandboxBuilder {
        assert!(api::use_program(wasmcc_tests::program::program()));
        Sandbox::builder()
    }

    include!("cases.rs");
    include!("deployments.rs");
}

#[test]
fn both_know_the_same_codes_limits_and_networks() {
    for number in 0..=255 {
        let embedded = wasmcc::TxValidationCode::try_from(number).ok();
        let embedded = embedded.map(|code| (code.as_str_name(), format!("{code:?}")));
        let driven = embedded.as_ref().and_then(|(name, _)| {
            let code = wasmcc_test::TxValidationCode::from_str_name(name)?;
            (code as i32 == number).then(|| (code.as_str_name(), format!("{code:?}")))
        });
        assert_eq!(driven, embedded, "{number}");
    }
    let (embedded, driven) = (wasmcc::Limits::default(), wasmcc_test::Limits::default());
    let same = wasmcc_test::Limits {
        fuel: embedded.fuel,
        memory_bytes: embedded.memory_bytes,
        host_call_bytes: embedded.host_call_bytes,
        value_bytes: embedded.value_bytes,
        response_bytes: embedded.response_bytes,
        event_bytes: embedded.event_bytes,
    };
    assert_eq!(driven, same);
    let embedded = format!("{:?}", wasmcc::NetworkSpec::with_orgs(3));
    assert_eq!(format!("{:?}", wasmcc_test::NetworkSpec::with_orgs(3)), embedded);
}

/// Starts the program like `wasmcc-test`.
fn start() -> Child {
    let mut command = Command::new(program());
    command.arg("sandbox").stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command.spawn().unwrap()
}

#[test]
fn the_program_says_which_version_it_speaks_and_ends_with_its_input() {
    let mut child = start();
    let mut out = BufReader::new(child.stdout.take().unwrap());
    let mut greeting = String::new();
    out.read_line(&mut greeting).unwrap();
    let greeting: serde_json::Value = serde_json::from_str(&greeting).unwrap();
    assert_eq!(greeting["sandbox"], 1);
    assert_eq!(greeting["wasmcc"], env!("CARGO_PKG_VERSION"));
    let network = serde_json::json!({ "orgs": [], "orderer": null });
    let new = serde_json::json!({
        "id": 7, "sandbox": 1, "do": "new", "network": network, "orgs": [], "limits": null,
        "execute_timeout_ms": null,
    });
    let input = child.stdin.as_mut().unwrap();
    writeln!(input, "{new}").unwrap();
    let mut answer = String::new();
    out.read_line(&mut answer).unwrap();
    assert!(answer.contains(r#""id":7"#) && answer.contains("no organization"), "{answer}");
    // Closing its input signals that the parent has ended.
    drop(child.stdin.take());
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[test]
fn what_the_program_cannot_read_is_answered_or_ends_it() {
    let mut child = start();
    let mut out = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    out.read_line(&mut line).unwrap();
    for (request, reason) in [
        (r#"{"id":1}"#, "missing field `sandbox`"),
        (r#"{"id":1,"sandbox":1,"do":"dance"}"#, "unknown variant `dance`"),
        (r#"{"id":1,"sandbox":1,"do":"height"}"#, "there is no such sandbox"),
    ] {
        writeln!(child.stdin.as_mut().unwrap(), "{request}").unwrap();
        line.clear();
        out.read_line(&mut line).unwrap();
        assert!(line.contains(reason), "{request}: {line}");
    }
    writeln!(child.stdin.as_mut().unwrap(), "no JSON").unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(1));
    let mut said = String::new();
    child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
    assert!(said.contains("cannot read a request"), "{said}");
}

#[test]
fn a_policy_that_lscc_ignores_is_warned_of() {
    let mut child = start();
    let component = wasmcc_tests::guest("probe");
    let org = serde_json::json!({ "msp_id": "Org1MSP", "domain": "org1.com", "users": [] });
    let network = serde_json::json!({ "orgs": [org], "orderer": null });
    let new = serde_json::json!({
        "id": 1, "sandbox": 1, "do": "new", "network": network, "orgs": [], "limits": null,
        "execute_timeout_ms": null,
    });
    let collections = r#"[{"name":"c","policy":"OR('Org1MSP.member')",
        "endorsementPolicy":{"signaturePolicy":"OR('Org1MSP.peer')"}}]"#;
    let deploy = serde_json::json!({
        "id": 2, "sandbox": 1, "do": "deploy", "name": "probe", "component": 0,
        "collections": collections, "blobs": [component.len()],
    });
    let mut input = child.stdin.take().unwrap();
    writeln!(input, "{new}\n{deploy}").unwrap();
    input.write_all(&component).unwrap();
    // Requests are answered before the end.
    let mut out = BufReader::new(child.stdout.take().unwrap());
    let mut answer = String::new();
    while !answer.contains(r#""id":2"#) {
        answer.clear();
        assert_ne!(out.read_line(&mut answer).unwrap(), 0, "it has ended");
    }
    assert!(answer.contains("VALID"), "{answer}");
    drop((input, out));
    let mut said = String::new();
    child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
    assert!(said.contains("probe: LSCC ignores the endorsementPolicy of collections"), "{said}");
    assert_eq!(child.wait().unwrap().code(), Some(0));
}
