//! Limits of a transaction's messages, memory and reads: each at the limit and one beyond it.

use crate::hostile::{MIB, SETUP, Setup};

#[test]
fn answers_are_bounded() {
    for answer in ["huge-result", "huge-message"] {
        let at = SETUP.hostile(&format!("{answer} {MIB}")).response.unwrap();
        assert_eq!(at.message.len() + at.payload.len(), MIB);
        let text = SETUP.death(&format!("{answer} {}", MIB + 1));
        let over = "passed a limit: response of 1048577 bytes is over the limit of 1048576 bytes";
        assert_eq!(text, over);
        assert_eq!(SETUP.death(&format!("{answer} {}", 5 * MIB)), CARRIED);
    }
}

const CARRIED: &str =
    "passed a limit: more than 4194304 bytes in one call between chaincode and peer";

#[test]
fn keys_values_and_events_are_bounded() {
    for (at, over, text) in [
        (
            "huge-key 1024",
            "huge-key 1025",
            "PUT_STATE failed: transaction ID: TX: a key of 1025 bytes is longer than the limit of \
             1024 bytes",
        ),
        (
            "huge-value 1048576",
            "huge-value 1048577",
            "PUT_STATE failed: transaction ID: TX: a value of 1048577 bytes is longer than the \
             limit of 1048576 bytes",
        ),
        (
            "huge-event 65531",
            "huge-event 65532",
            "event of 65537 bytes is over the limit of 65536 bytes",
        ),
    ] {
        SETUP.survives(at);
        assert_eq!(SETUP.refusal(over), text);
    }
    for what in ["huge-key", "huge-read-key", "huge-value", "huge-event", "huge-log"] {
        assert_eq!(SETUP.death(&format!("{what} {}", 5 * MIB)), CARRIED, "{what}");
    }
}

#[test]
fn all_that_is_read_and_written_together_is_bounded() {
    let text = "a transaction may read and write keys and values of at most 2097152 bytes together";
    SETUP.survives(&format!("huge-read-key {MIB}"));
    let refused = SETUP.refusal(&format!("huge-read-key {}", 3 * MIB));
    assert_eq!(refused, format!("GET_STATE failed: transaction ID: TX: {text}"));

    let value = "v".repeat(700_000);
    let put = |key: &str| format!("put {key} {value}");
    let probe = |line: &str| {
        let proposal = SETUP.propose("probe", line);
        let response = SETUP.answer(&proposal).response.unwrap();
        (response.status, response.message.replace(proposal.tx_id.as_str(), "TX"))
    };
    let [a, b, c] = ["a", "b", "c"].map(put);
    assert_eq!(probe(&format!("then {a} ; {b}")), (200, String::new()));
    let refused = (500, format!("PUT_STATE failed: transaction ID: TX: {text}"));
    assert_eq!(probe(&format!("then {a} ; {b} ; {c}")), refused);
    let nested = format!("then {a} ; {b} ; cc2cc hostile huge-value 700000");
    assert_eq!(probe(&nested), refused, "a callee writes into the same set");
    // The last write of a key counts.
    assert_eq!(probe(&format!("repeat 20 {a}")), (200, String::new()));
}

#[test]
fn iterators_are_bounded() {
    let setup = Setup::new(|config| {
        config.runtime = None;
        config.support.queries.batch_rows = 2;
    });
    setup.survives("many-iterators 100");
    assert_eq!(setup.death("many-iterators 101"), "passed a limit: more than 100 open iterators");
    // As with Fabric, iterators that have returned all rows no longer count as open.
    SETUP.survives("many-iterators 2000");
}

#[test]
fn chatter_is_not_an_error() {
    for line in ["spam-log 5000", "spam-stdout 20000", "huge-log 3000000"] {
        SETUP.survives(line);
        SETUP.is_fine();
    }
}
