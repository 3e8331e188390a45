//! Contracts in languages other than Rust: all behave the same, and the peer records the same.

use std::collections::BTreeMap;

use prost::Message;
use wasmcc_client::chaincode_action;
use wasmcc_ledger::{NsRwSet, TxRwSet};
use wasmcc_peer::endorser::Processed;
use wasmcc_runtime::{Failure, Limits};
use wasmcc_tests::foreign::{Foreign, NAME, foreign, run_alone};
use wasmcc_types::proto::protos::ChaincodeEvent;
use xtask::languages::Language;

/// The differences between the languages.
struct Expected {
    /// Parts of the text of an uncaught exception or a panic.
    thrown: &'static [&'static str],
    /// Parts of the text of an uncaught refusal by the peer; None: the contract answers.
    uncaught: Option<&'static [&'static str]>,
    /// Parts of the text when memory is used up.
    hog: &'static [&'static str],
    /// The least depth of a recursion.
    depth: u32,
    /// True if random numbers are the same in each transaction, since the generator was seeded at
    /// the build.
    seeded_at_build: bool,
    /// True if the runtime draws random numbers at its start. Its ordering, and the cost of that,
    /// then depend on the transaction's id.
    starts_at_random: bool,
}

const REFUSAL: &str = "key must not be an empty string";

fn recorded(processed: &Processed) -> NsRwSet {
    let action = chaincode_action(&processed.response.payload).unwrap();
    let mut rwset = TxRwSet::decode(&action.results).unwrap();
    rwset.namespaces.remove(NAME).unwrap_or_default()
}

fn contains(text: &str, parts: &[&str]) {
    for part in parts {
        assert!(text.contains(part), "{part:?} is not in {text}");
    }
}

/// Makes the calls that every contract has, in an order in which each finds its data.
fn works(language: Language, expected: &Expected) {
    let guest = Foreign::deploy(language);
    reads_and_writes(&guest);
    keeps_secrets(&guest);
    fails(&guest, expected);
    is_deterministic(&guest, expected);
    stays_within_limits(&guest, language, expected);
    assert_eq!(guest.text(&["get", "a"]), "70", "the peer goes on");
}

fn reads_and_writes(guest: &Foreign) {
    assert_eq!(guest.text(&["noop"]), "");
    for (key, value) in [("a", "100"), ("b", "5"), ("\u{e4}", "\u{1f980}")] {
        guest.submit(&["put", key, value]);
        assert_eq!(guest.text(&["get", key]), value);
    }
    let transfer = guest.simulate(&["transfer", "a", "b", "30"]);
    let recorded_there = recorded(&transfer);
    let reads = recorded_there.reads.iter();
    let reads: Vec<(&str, bool)> =
        reads.map(|read| (read.key.as_str(), read.version.is_some())).collect();
    assert_eq!(reads, [("a", true), ("b", true)]);
    let writes = recorded_there.writes.iter();
    let writes: BTreeMap<&str, &[u8]> =
        writes.map(|write| (write.key.as_str(), write.value.as_slice())).collect();
    assert_eq!(writes, BTreeMap::from([("a", &b"70"[..]), ("b", b"35")]));
    assert_eq!(transfer.response.response.unwrap().payload, b"70 35");
    guest.submit(&["transfer", "a", "b", "30"]);

    let range = guest.simulate(&["range", "a", "c"]);
    assert_eq!(recorded(&range).range_queries.len(), 1);
    assert_eq!(range.response.response.unwrap().payload, b"a=70\nb=35\n");
    assert_eq!(guest.text(&["range", "c", "d"]), "");
    let many: Vec<String> = (100..205).map(|number| format!("row{number}")).collect();
    for key in &many {
        guest.submit(&["put", key, "x"]);
    }
    let all = many.iter().map(|key| format!("{key}=x\n")).collect::<String>();
    assert_eq!(guest.text(&["range", "row", "rox"]), all);

    let event = guest.simulate(&["event", "moved", "a to b"]);
    let action = chaincode_action(&event.response.payload).unwrap();
    let event = ChaincodeEvent::decode(action.events.as_slice()).unwrap();
    assert_eq!((event.event_name.as_str(), event.payload.as_slice()), ("moved", &b"a to b"[..]));
}

fn keeps_secrets(guest: &Foreign) {
    let secret = guest.simulate(&["secret", "secrets", "pin", "1234"]);
    let recorded = recorded(&secret);
    assert_eq!(recorded.writes, []);
    assert_eq!(recorded.collections["secrets"].writes.len(), 1);
    guest.submit(&["secret", "secrets", "pin", "1234"]);
    assert_eq!(guest.text(&["reveal", "secrets", "pin"]), "1234");
    assert_eq!(guest.text(&["reveal", "secrets", "pan"]), "");
}

fn fails(guest: &Foreign, expected: &Expected) {
    for (args, text) in [
        (&["get", "nothing"][..], "nothing does not exist"),
        (&["transfer", "b", "a", "36"], "b has only 35"),
        (&["fail", "in so many words"], "in so many words"),
    ] {
        let response = guest.response(args);
        assert_eq!((response.status, response.message.as_str()), (500, text), "{args:?}");
    }
    let thrown = guest.failure(&["throw", "the asset is gone \u{e4}"]);
    contains(&thrown, &["the asset is gone \u{e4}"]);
    contains(&thrown, expected.thrown);
    match expected.uncaught {
        Some(parts) => contains(&guest.failure(&["put", "", "x"]), parts),
        None => contains(&guest.response(&["put", "", "x"]).message, &[REFUSAL]),
    }
}

fn is_deterministic(guest: &Foreign, expected: &Expected) {
    let at = |args: &[&str], nonce, seconds| {
        let processed = guest.simulate_at(args, nonce, seconds);
        (processed.response.response.unwrap(), processed.fuel)
    };
    for args in [&["noop"][..], &["transfer", "a", "b", "1"], &["range", "a", "c"], &["clock"]] {
        let first = at(args, "one", 1_700_000_000);
        assert_eq!(first.0.status, 200, "{args:?}");
        assert_eq!(at(args, "one", 1_700_000_000), first, "{args:?}");
        let (answer, fuel) = at(args, "two", 1_700_000_000);
        assert_eq!(answer, first.0, "{args:?}");
        assert!(expected.starts_at_random || fuel == first.1, "{args:?}: {fuel}, {}", first.1);
    }
    let clock = |seconds| String::from_utf8(at(&["clock"], "one", seconds).0.payload).unwrap();
    let digits = |text: &str| text.replace('.', "");
    assert!(digits(&clock(1_700_000_000)).starts_with("1700000000123"), "{}", clock(1_700_000_000));
    assert!(digits(&clock(1_600_000_000)).starts_with("1600000000123"), "{}", clock(1_600_000_000));
    let random = |nonce| at(&["random"], nonce, 1_700_000_000);
    assert_eq!(random("one"), random("one"));
    assert_eq!(random("one").0 == random("two").0, expected.seeded_at_build);
}

fn stays_within_limits(guest: &Foreign, language: Language, expected: &Expected) {
    let depth = expected.depth.to_string();
    assert_eq!(guest.text(&["deep", &depth]), depth);
    let limit = 50_000_000;
    let spin =
        run_alone(&foreign(language), &["spin"], Limits { fuel: limit, ..Limits::default() });
    assert_eq!(spin, Err(Failure::OutOfFuel { limit }));
    let hog = guest.failure(&["hog"]);
    contains(&hog, &["after it was refused more than 268435456 bytes of memory"]);
    contains(&hog, expected.hog);
}

/// A contract has 100 times the fuel that the interpreter needs by itself, and four times its
/// memory.
#[test]
fn the_usual_limits_leave_every_language_room() {
    let usual = Limits::default();
    let tight = Limits { fuel: usual.fuel / 100, memory_bytes: usual.memory_bytes / 4, ..usual };
    for language in Language::ALL {
        let component = foreign(language);
        for args in [&["noop"][..], &["put", "k", "v"], &["range", "a", "c"]] {
            let outcome = run_alone(&component, args, tight.clone());
            let response = outcome.unwrap_or_else(|end| panic!("{language:?}: {end}")).response;
            assert_eq!(response.status, 200, "{language:?} {args:?}: {}", response.message);
        }
    }
}

#[test]
fn a_contract_in_c_works() {
    works(
        Language::C,
        &Expected {
            thrown: &["chaincode trapped: unreachable code (a panic or an abort)"],
            uncaught: None,
            hog: &["out of memory"],
            depth: 1_000,
            seeded_at_build: false,
            starts_at_random: false,
        },
    );
}

#[test]
fn a_contract_in_go_works() {
    works(
        Language::Go,
        &Expected {
            thrown: &["panic: ", "goroutine 1 ", "contract.go"],
            uncaught: None,
            hog: &["fatal error: out of memory", "main.hog("],
            depth: 3_000,
            seeded_at_build: false,
            starts_at_random: true,
        },
    );
}

#[test]
fn a_contract_in_python_works() {
    works(
        Language::Python,
        &Expected {
            thrown: &["ValueError: ", "Traceback (most recent call last)", "in throw"],
            uncaught: Some(&[REFUSAL, "in put"]),
            hog: &["MemoryError", "in hog"],
            depth: 900,
            seeded_at_build: false,
            starts_at_random: false,
        },
    );
}

#[test]
fn a_contract_in_javascript_on_quickjs_works() {
    works(
        Language::QuickJs,
        &Expected {
            thrown: &["at throw (/", "contract.js:"],
            uncaught: None,
            hog: &["out of memory", "at hog ("],
            depth: 300,
            seeded_at_build: true,
            starts_at_random: false,
        },
    );
}

#[test]
fn a_contract_in_javascript_on_starlingmonkey_works() {
    works(
        Language::StarlingMonkey,
        &Expected {
            thrown: &["Stack:", "throw@source.js:"],
            uncaught: None,
            hog: &["out of memory"],
            depth: 3_000,
            seeded_at_build: false,
            starts_at_random: false,
        },
    );
}

#[test]
fn who_wants_the_network_is_refused_by_the_name_of_the_function() {
    let python = Foreign::deploy(Language::Python);
    let said = python.failure(&["connect", "127.0.0.1", "7051"]);
    let function = "it called wasi:sockets/tcp-create-socket@0.2.9#create-tcp-socket, but a \
                    chaincode has no network";
    contains(&said, &["chaincode trapped: ", function]);
}
