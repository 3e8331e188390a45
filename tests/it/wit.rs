//! The interface between components and their peer: its versions, its form and its reference.

use std::fs;
use std::path::Path;

use wasmcc_node::sandbox::{Endorsed, Sandbox, SandboxError};
use wasmcc_tests::{call, guest};
use xtask::guest_tools::{self, GuestTools};

/// The probe as the first release built it, for version 0.1. It stays as it is.
const OF_THE_FIRST_RELEASE: &[u8] = include_bytes!("../components/probe_0_1.wasm");

const COLLECTIONS: &str = r#"[{"name":"open","policy":"OR('Org1MSP.member')","requiredPeerCount":0,
    "maxPeerCount":0,"blockToLive":0}]"#;

/// What both probes commit first.
const BEFORE: [&str; 5] = [
    "then put k v ; mput row 150 ; comp t a x 1 ; comp t b y 2",
    r#"then put json {"a":1} ; put more {"a":2}"#,
    "then pput open p v ; pput open q w",
    "put k v2",
    "then setmeta k Org1MSP ; psetmeta open p Org1MSP",
];

/// Calls that reach every function of 0.1, and the fuel that the first release's host took.
const CALLS: [(&str, u64); 0] = [];

fn with(component: &[u8]) -> Sandbox {
    let sandbox = Sandbox::new().unwrap();
    sandbox.deploy("other", component).unwrap();
    sandbox.deploy_with_collections("probe", component, COLLECTIONS).unwrap();
    for line in BEFORE {
        sandbox.submit(call("probe", line)).unwrap();
    }
    sandbox
}

/// A text without ids of transactions and times, which differ between the sandboxes.
fn without_ids(text: &str) -> String {
    let is_id = |word: &&str| word.len() >= 10 && word.bytes().all(|byte| byte.is_ascii_hexdigit());
    let shown = |word| if is_id(&word) { "ID" } else { word };
    text.split([' ', ':']).map(shown).collect::<Vec<_>>().join(" ")
}

#[test]
fn a_component_of_the_first_release_does_what_it_always_did() {
    let (then, now) = (with(OF_THE_FIRST_RELEASE), with(&guest("probe")));
    for (line, fuel) in CALLS {
        let ask = |sandbox: &Sandbox| sandbox.endorse(call("probe", line)).unwrap();
        let (then, now) = (ask(&then), ask(&now));
        let shown = |of: &Endorsed| {
            let (status, message) = (of.response.status, without_ids(&of.response.message));
            (status, message, without_ids(&of.text()), of.event.clone(), of.rwset.clone())
        };
        assert_eq!(shown(&then), shown(&now), "{line}");
        assert_eq!(then.fuel, fuel, "{line}");
    }
}

#[test]
fn a_component_for_a_later_version_is_refused_with_the_version() {
    let sandbox = Sandbox::new().unwrap();
    let mut later = guest("probe");
    for at in 0..later.len() - 6 {
        if &later[at..at + 6] == b"@0.2.0" && later[..at].ends_with(b"contract") {
            later[at + 3] = b'9';
        }
    }
    let refused = sandbox.deploy("later", &later).unwrap_err();
    let SandboxError::Refused(refused) = refused else { panic!("{refused:?}") };
    let text = String::from_utf8_lossy(&refused.payload).into_owned() + &refused.message;
    let words = "the component was built for fabric:chaincode/contract@0.9.0, this host serves the \
                 versions 0.1 and 0.2 of fabric:chaincode: update wasmcc, or build the component \
                 with an SDK of this version";
    assert!(text.contains(words), "{text}");
}

#[test]
fn the_package_is_valid_in_each_version() {
    let tools = GuestTools::ensure().unwrap();
    for version in ["wit", "wit/0.1"] {
        let binary = Path::new(env!("CARGO_TARGET_TMPDIR")).join("wit.wasm");
        let mut encode = tools.command("wasm-tools");
        encode.args(["component", "wit", "--wasm"]).arg(xtask::root().join(version));
        guest_tools::run(encode.arg("--output").arg(&binary)).unwrap();
        guest_tools::run(tools.command("wasm-tools").arg("validate").arg(&binary)).unwrap();
    }
}

#[test]
fn the_reference_is_what_the_comments_say() {
    let found = fs::read_to_string(xtask::wit::page_path()).unwrap();
    assert!(found == xtask::wit::page().unwrap(), "it is old: cargo xtask wit");
}
