//! The fuel costs of calls of the peer: they are the same in every way of running a chaincode.

use wasmcc_client::ProposalBuilder;
use wasmcc_node::sandbox::{CHANNEL, Sandbox};
use wasmcc_tests::bridged::FUEL;
use wasmcc_tests::conformance::Doors;
use wasmcc_tests::{call, guest};

/// The calls that `hostile` makes in a loop, as `calls-NAME`.
pub(crate) const CALLS: [&str; 14] = [
    "read",
    "write",
    "refused",
    "args",
    "event",
    "large-event",
    "log",
    "query",
    "rows",
    "history",
    "chaincode",
    "clock",
    "random",
    "print",
];

/// Returns the fuel of this many calls, in a peer's own process.
fn fuel(sandbox: &Sandbox, which: &str, turns: u64) -> u64 {
    sandbox.evaluate(call("hostile", &format!("calls-{which} {turns}"))).unwrap().fuel
}

#[test]
fn loops_of_calls_end_by_fuel_at_the_same_call_everywhere() {
    let sandbox = Sandbox::new().unwrap();
    sandbox.deploy("hostile", &guest("hostile")).unwrap();
    let doors = Doors::with(&[("hostile", "hostile")], &[CHANNEL]);
    let out_of_fuel = format!("chaincode used up its fuel of {FUEL} units");
    for which in CALLS {
        let [ten, twenty] = [10, 20].map(|turns| fuel(&sandbox, which, turns));
        let each = (twenty - ten) / 10;
        assert!(each >= 500, "{which}: {each}");
        // All peers are asked and must give the same answer.
        let ends = |turns: u64| {
            let args = [format!("calls-{which}"), turns.to_string()];
            let answer = doors.propose(ProposalBuilder::new(CHANNEL, "hostile").args(args));
            let text = answer.response.message;
            assert!(text.is_empty() || text.ends_with(&out_of_fuel), "{which} {turns}: {text}");
            !text.is_empty()
        };
        let mut turns = 20 + (FUEL - twenty) / each;
        while ends(turns) {
            turns -= 1;
        }
        while !ends(turns + 1) {
            turns += 1;
        }
    }
}
