//! LSCC's install: who may install, and refused packages.

use prost::Message;
use wasmcc_client::{ProposalBuilder, lscc};
use wasmcc_msp::NetworkSpec;
use wasmcc_node::sandbox::Sandbox;
use wasmcc_runtime::Limits;
use wasmcc_tests::{deployment_spec, guest};
use wasmcc_types::Response;
use wasmcc_types::proto::protos;

fn install_as(sandbox: &Sandbox, user: &str, name: &str, version: &str, code: &[u8]) -> Response {
    let signer = sandbox.identity(user).unwrap();
    let proposal = lscc::install(name, version, code.to_vec());
    let endorsed = sandbox.endorse_as(proposal, &signer).unwrap();
    assert!(
        endorsed.proposal_response.endorsement.is_none(),
        "nothing without channel is endorsed"
    );
    endorsed.response
}

fn install(sandbox: &Sandbox, name: &str, version: &str, code: &[u8]) -> Response {
    install_as(sandbox, "Admin", name, version, code)
}

fn installed(sandbox: &Sandbox) -> Vec<String> {
    let admin = sandbox.identity("Admin").unwrap();
    let answer = sandbox.endorse_as(lscc::installed(), &admin).unwrap().accepted().unwrap();
    let list = protos::ChaincodeQueryResponse::decode(answer.response.payload.as_slice()).unwrap();
    list.chaincodes.iter().map(|found| format!("{}:{}", found.name, found.version)).collect()
}

fn refusal(response: &Response) -> &str {
    assert_eq!(response.status, 500);
    &response.message
}

#[test]
fn an_admin_installs_a_version_once() {
    let sandbox = Sandbox::new().unwrap();
    assert_eq!(install(&sandbox, "probe", "1.0", &guest("probe")), Response::success("OK"));
    let again = install(&sandbox, "probe", "1.0", &guest("hostile"));
    assert_eq!(refusal(&again), "chaincode probe:1.0 exists");
    assert_eq!(install(&sandbox, "probe", "1.1", &guest("hostile")), Response::success("OK"));
    assert_eq!(installed(&sandbox), ["probe:1.0", "probe:1.1"]);
}

#[test]
fn only_admins_of_the_peers_own_organization_install() {
    let sandbox = Sandbox::builder().network(NetworkSpec::with_orgs(2)).build().unwrap();
    let refused = install_as(&sandbox, "User1", "probe", "1.0", &guest("probe"));
    assert_eq!(
        refusal(&refused),
        "access denied for [install]: Failed verifying that proposal's creator satisfies local MSP \
         principal during channelless check policy with policy [Admins]: [The identity is not an \
         admin under this MSP [Org1MSP]: The identity does not contain OU [ADMIN], MSP: [Org1MSP]]"
    );
    let list = sandbox.endorse_as(lscc::installed(), &sandbox.identity("User1").unwrap()).unwrap();
    let denied = "access denied for [getinstalledchaincodes]: Failed verifying";
    assert!(list.response.message.starts_with(denied), "{}", list.response.message);

    // Another organization's admin has no rights here, even on a channel of both.
    let other = sandbox.identity_of("Org2MSP", "Admin").unwrap();
    let proposal = || lscc::install("probe", "1.0", guest("probe"));
    let refused = sandbox.endorse_as(proposal(), &other).unwrap_err();
    assert_eq!(
        refused.to_string(),
        "the peer rejected the proposal: error validating proposal: access denied: channel [] \
         creator org unknown, creator is malformed"
    );
    let spec = deployment_spec("probe", "1.0", guest("probe"));
    let on_channel =
        ProposalBuilder::new("mychannel", "lscc").args([b"install".to_vec(), spec.encode_to_vec()]);
    let refused = sandbox.endorse_as(on_channel, &other).unwrap();
    let text = "access denied for [install]: Failed deserializing proposal creator during \
                channelless check policy with policy [Admins]: [expected MSP ID Org1MSP, received \
                Org2MSP]";
    assert_eq!(refusal(&refused.response), text);
    assert!(installed(&sandbox).is_empty());
}

#[test]
fn what_is_no_chaincode_is_refused_with_a_reason() {
    let sandbox = Sandbox::new().unwrap();
    let probe = guest("probe");
    let half = &probe[..probe.len() / 2];
    let mut damaged = probe.clone();
    for byte in &mut damaged[probe.len() / 2..][..64] {
        *byte ^= 0xff;
    }
    for (code, reason) in [
        (&b"garbage"[..], "this is not a WebAssembly file (it does not begin with \\0asm)"),
        (
            b"\0asm\x01\0\0\0",
            "this is a core WebAssembly module, not a component: build it for the target \
             wasm32-wasip2",
        ),
        (
            b"\0asm\x0d\0\x01\0",
            "the component does not export fabric:chaincode/contract: is it a chaincode? \
             (with the Rust SDK: is there a `chaincode!` line?)",
        ),
        (half, "this is not a valid component: "),
        (&damaged, "this is not a valid component: "),
    ] {
        let refused = install(&sandbox, "bad", "1.0", code);
        let beginning = format!("the component of chaincode bad:1.0 is refused: {reason}");
        let text = refusal(&refused);
        assert!(text.starts_with(&beginning), "{text}");
        assert!(text == beginning || reason.ends_with(": "), "{text}");
    }
    let refused = install(&sandbox, "bad", "1.0", b"");
    assert_eq!(refusal(&refused), "invalid deployment spec: it holds no code");
    assert!(installed(&sandbox).is_empty(), "nothing of it stays");
    assert_eq!(install(&sandbox, "bad", "1.0", &probe).status, 200, "and the name is still free");
}

#[test]
fn a_component_that_wants_the_network_is_refused_by_the_name_of_its_import() {
    let sandbox = Sandbox::new().unwrap();
    let refused = install(&sandbox, "sockets", "1.0", &guest("sockets"));
    let text = refusal(&refused);
    let beginning = "the component of chaincode sockets:1.0 is refused: the component imports \
                     wasi:sockets/";
    assert!(text.starts_with(beginning), "{text}");
    let end = ", which a chaincode may not use: transactions are deterministic and have no \
               network, files or threads";
    assert!(text.ends_with(end), "{text}");
    assert!(installed(&sandbox).is_empty());
}

#[test]
fn a_component_over_a_limit_is_refused_and_one_at_it_is_not() {
    let probe = guest("probe");
    let size = probe.len();
    let with = |limits: Limits| {
        let sandbox = Sandbox::builder().limits(limits).build().unwrap();
        install(&sandbox, "probe", "1.0", &probe)
    };
    let at = Limits { component_bytes: size, ..Limits::default() };
    assert_eq!(with(at.clone()).status, 200);
    let below = with(Limits { component_bytes: size - 1, ..at });
    assert_eq!(
        refusal(&below),
        format!(
            "the component of chaincode probe:1.0 is refused: the file has {size} bytes, the \
             limit is {}: leave out packages that it does not need, and in Rust debug information \
             (release mode, `strip = true`), or raise the limit with --component-mib, the same on \
             all peers",
            size - 1
        )
    );
    let few = with(Limits { functions: 10, ..Limits::default() });
    assert_eq!(
        refusal(&few),
        "the component of chaincode probe:1.0 is refused: the component has more than 10 \
         functions, the limit is 10"
    );
    let small = with(Limits { memory_bytes: 64 << 10, ..Limits::default() });
    let text = refusal(&small);
    assert!(text.ends_with(" bytes of memory at the start, the limit is 65536"), "{text}");
}

#[test]
fn names_and_versions_follow_fabric() {
    let sandbox = Sandbox::new().unwrap();
    let long = "n".repeat(250);
    for name in ["", "-a", "_a", "a b", "a/b", "a:b", "a.b", "é", "a\0", &long] {
        let refused = install(&sandbox, name, "1.0", &guest("probe"));
        assert_eq!(
            refusal(&refused),
            format!(
                "invalid chaincode name '{name}'. Names must start with an alphanumeric character \
                 and can only consist of alphanumerics, '_', and '-'"
            )
        );
    }
    for version in ["", "1:0", "1/0", "1 0", &long] {
        let refused = install(&sandbox, "probe", version, &guest("probe"));
        assert_eq!(
            refusal(&refused),
            format!(
                "invalid chaincode version '{version}'. Versions must not be empty and can only \
                 consist of alphanumerics, '_',  '-', '+', and '.'"
            )
        );
    }
    for (name, version) in [("A_b-1", "1.0"), ("0", "v1_2-3+4")] {
        assert_eq!(install(&sandbox, name, version, &guest("probe")).status, 200);
    }
}

#[test]
fn the_names_of_system_chaincodes_are_taken() {
    let sandbox = Sandbox::new().unwrap();
    for name in ["cscc", "escc", "lscc", "qscc", "vscc"] {
        let refused = install(&sandbox, name, "1.0", &guest("probe"));
        let text = format!("cannot install: {name} is the name of a system chaincode");
        assert_eq!(refusal(&refused), text);
    }
    assert!(installed(&sandbox).is_empty());
}

#[test]
fn bytes_that_are_no_deployment_spec_are_refused() {
    let sandbox = Sandbox::new().unwrap();
    let admin = sandbox.identity("Admin").unwrap();
    let install = |args: Vec<Vec<u8>>| {
        sandbox.endorse_as(ProposalBuilder::new("", "lscc").args(args), &admin).unwrap().response
    };
    let garbage = install(vec![b"install".to_vec(), vec![0xff; 20]]);
    let text = refusal(&garbage);
    assert!(text.starts_with("invalid deployment spec: failed to decode"), "{text}");
    let nothing = install(vec![b"install".to_vec(), Vec::new()]);
    assert_eq!(refusal(&nothing), "invalid deployment spec: it names no chaincode");
    for args in [vec![], vec![b"install".to_vec()], vec![b"install".to_vec(); 3]] {
        let count = args.len();
        let refused = install(args);
        assert_eq!(refusal(&refused), format!("invalid number of arguments to lscc: {count}"));
    }
}
