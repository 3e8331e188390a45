//! Contracts in Go that read and write much data. While the host passes a result, Go allocates;
//! neither its collector nor another goroutine may call the host then.

use std::sync::LazyLock;

use wasmcc_node::sandbox::{Call, Sandbox};
use wasmcc_tests::built::component;
use wasmcc_tests::call;

/// `tests/go-chaincode`.
static PROBE: LazyLock<Vec<u8>> = LazyLock::new(|| component("tests/go-chaincode"));

const MB: usize = 1_000_000;

fn deployed() -> Sandbox {
    let sandbox = Sandbox::new().unwrap();
    sandbox.deploy("probe", &PROBE).unwrap();
    sandbox
}

fn number(sandbox: &Sandbox, line: &str) -> usize {
    sandbox.evaluate(call("probe", line)).unwrap().text().parse().unwrap()
}

#[test]
fn a_transaction_reads_more_than_it_has_memory_for() {
    let sandbox = deployed();
    for (key, size) in [("kb", 100_000), ("mb", MB), ("large", 20 * MB)] {
        sandbox.submit(call("probe", &format!("put-large {key} 1 {size}"))).unwrap();
    }
    for (line, size) in [
        ("read kb 2", 200_000),
        ("read kb 300", 30 * MB),
        ("read mb 300", 300 * MB),
        ("read large 15", 300 * MB),
        ("read-together kb 8 40", 32 * MB),
    ] {
        assert_eq!(number(&sandbox, line), size, "{line}");
    }
    let whole = sandbox.evaluate(call("probe", "get large")).unwrap();
    assert_eq!(whole.response.payload.len(), 20 * MB);
}

#[test]
fn a_range_has_20_megabytes() {
    let sandbox = deployed();
    sandbox.submit(call("probe", "put-large few 200 100000")).unwrap();
    sandbox.submit(call("probe", "put-large many 5000 4000")).unwrap();
    // More than the memory, unless the memory of earlier ranges is freed.
    let sizes = sandbox.evaluate(call("probe", "repeat 15 read-range few fez")).unwrap();
    assert_eq!(sizes.text(), (20 * MB).to_string().repeat(15));
    assert_eq!(number(&sandbox, "read-range many maz"), 20 * MB);
}

#[test]
fn arguments_and_events_may_be_large() {
    let sandbox = deployed();
    let argument = "a".repeat(5 * MB);
    let size = sandbox.evaluate(Call::new("probe", "size").args([argument])).unwrap();
    assert_eq!(size.text(), (5 * MB).to_string());
    let endorsed = sandbox.endorse(call("probe", "event-large e 20000000")).unwrap();
    assert_eq!(endorsed.event.unwrap().payload.len(), 20 * MB);
}

/// The last memory is requested while the host passes a value: nothing can be printed then.
#[test]
fn a_transaction_that_keeps_more_is_told_that_memory_is_out() {
    let sandbox = deployed();
    sandbox.submit(call("probe", "put-large large 1 20000000")).unwrap();
    let said = sandbox.endorse(call("probe", "keep large 20")).unwrap().response.message;
    let expected = "unreachable code (a panic or an abort) after it was refused more than \
                    268435456 bytes of memory";
    assert!(said.contains(expected), "{said}");
}
