//! The interface between components and their peer: its versions, its form and its reference.

use std::fs;
use std::path::Path;

use wasmcc_node::sandbox::{Endorsed, Sandbox, SandboxError};
use wasmcc_tests::{call, guest};
use xtask::guest_tools::{self, GuestTools};

/// The probe as the first release built it, for version 0.1. It must not change.
const OF_THE_FIRST_RELEASE: &[u8] = include_bytes!("../components/probe_0_1.wasm");

const COLLECTIONS: &str = r#"[{"name":"open","policy":"OR('Org1MSP.member')","requiredPeerCount":0,
    "maxPeerCount":0,"blockToLive":0}]"#;

/// The calls that both probes commit first.
const BEFORE: [&str; 5] = [
    "then put k v ; mput row 150 ; comp t a x 1 ; comp t b y 2",
    r#"then put json {"a":1} ; put more {"a":2}"#,
    "then pput open p v ; pput open q w",
    "put k v2",
    "then setmeta k Org1MSP ; psetmeta open p Org1MSP",
];

/// Calls that together with those below reach every function of 0.1, and their fuel on the first
/// release's host.
const CALLS: [(&str, u64); 59] = [
    ("noop", 3_401),
    ("get k", 10_358),
    ("get missing", 10_147),
    ("put k w", 10_770),
    ("del k", 9_961),
    ("del missing", 10_117),
    ("empty k", 9_988),
    ("putread k w", 16_896),
    ("rmw k x", 16_878),
    ("mget k missing row00001", 27_395),
    ("mput many 20", 151_926),
    ("batch many 20", 158_005),
    ("getmeta k", 10_579),
    ("getmeta missing", 10_345),
    ("setmeta k Org2MSP", 17_676),
    ("setentry k name value", 12_553),
    ("getentries k", 15_127),
    ("range row rox", 613_237),
    ("range row rox 60", 314_982),
    ("range '' ''", 623_017),
    ("page row rox 10 ''", 64_785),
    ("page row rox 10 row00010", 65_852),
    ("pcomp t", 47_435),
    ("pcomp t a", 41_842),
    ("pcomppage t a 1 ''", 34_569),
    (r#"query {"selector":{"a":1}}"#, 38_052),
    (r#"querypage {"selector":{"a":{"$gt":0}}} 1 ''"#, 33_983),
    (r#"try query {"selector"#, 29_047),
    ("history k", 43_257),
    ("history k 1", 40_936),
    ("history missing", 31_761),
    ("pget open p", 11_423),
    ("pget open missing", 11_142),
    ("phash open p", 40_406),
    ("pput open p w", 11_822),
    ("pdel open p", 10_947),
    ("ppurge open p", 11_008),
    ("prange open p r", 41_502),
    ("ppcomp open t a", 34_257),
    (r#"pquery open {"selector":{"a":1}}"#, 32_909),
    ("pgetmeta open p", 11_517),
    ("psetmeta open p Org2MSP", 18_183),
    ("try pget nosuch p", 14_749),
    ("try pput open '' v", 14_848),
    ("cc2cc other get k", 58_522),
    ("cc2cc other noop", 56_991),
    ("called '' other status 404 gone", 63_574),
    ("called '' nosuch noop", 68_056),
    ("event name payload", 6_075),
    ("try event '' payload", 8_984),
    ("log words", 7_080),
    ("args x", 11_903),
    ("transients", 4_327),
    ("decorations", 4_415),
    ("status 200 words payload", 7_285),
    ("status 500 words", 5_947),
    ("try put '' v", 13_754),
    ("then put k 1 ; get k ; del k", 29_845),
    ("repeat 3 rmw k x", 43_019),
];

/// Calls whose answers and fuel depend on the keys of the network and the id of the transaction.
const OF_THE_PROPOSAL: [&str; 6] =
    ["info", "creator", "binding", "proposal", "signature", "hashmap"];

fn with(component: &[u8]) -> Sandbox {
    let sandbox = Sandbox::new().unwrap();
    sandbox.deploy("other", component).unwrap();
    sandbox.deploy_with_collections("probe", component, COLLECTIONS).unwrap();
    for line in BEFORE {
        sandbox.submit(call("probe", line)).unwrap();
    }
    sandbox
}

/// Removes transaction ids and times, which differ between the sandboxes.
fn without_ids(text: &str) -> String {
    let is_id = |word: &&str| word.len() >= 10 && word.bytes().all(|byte| byte.is_ascii_hexdigit());
    let shown = |word| if is_id(&word) { "ID" } else { word };
    text.split([' ', ':', '\n']).map(shown).collect::<Vec<_>>().join(" ")
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
    for line in OF_THE_PROPOSAL {
        let answered = then.endorse(call("probe", line)).unwrap();
        assert_eq!(answered.response.status, 200, "{line}: {}", answered.response.message);
        assert!(!answered.response.payload.is_empty(), "{line}");
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
                 versions 0.1.0 and 0.2.0 of fabric:chaincode: update wasmcc, or build the \
                 component with an SDK of this version";
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
