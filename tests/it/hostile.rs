//! A chaincode that attacks its host: each misbehaviour ends with a clear error, and the peer
//! continues.

use std::sync::{Arc, LazyLock};
use std::thread;
use std::time::Duration;

use wasmcc_client::lscc::{self, Definition};
use wasmcc_client::{ClientError, ClientProposal, ProposalBuilder, transaction};
use wasmcc_msp::{NetworkSpec, SigningIdentity};
use wasmcc_node::sandbox::CHANNEL;
use wasmcc_node::{Peer, PeerConfig};
use wasmcc_runtime::Limits;
use wasmcc_tests::{Peers, guest, process, submit};
use wasmcc_types::proto::protos;

use crate::conformance_fuel::CALLS;

pub(crate) struct Setup {
    peer: Arc<Peer>,
    user: SigningIdentity,
}

const KIB: usize = 1 << 10;
pub(crate) const MIB: usize = 1 << 20;

impl Setup {
    pub(crate) fn new(adjust: impl FnOnce(&mut PeerConfig)) -> Self {
        let peer = Peers::new(&NetworkSpec::default()).peer(adjust);
        let org = peer.network().org("Org1MSP").unwrap();
        let (admin, user) = (org.admin().unwrap(), org.user("User1").unwrap());
        peer.create_channel(CHANNEL).unwrap();
        for name in ["hostile", "probe"] {
            let install = lscc::install(name, "1.0", guest(name)).sign(&admin);
            process(&peer, install.signed).unwrap();
            let definition = Definition {
                channel_id: CHANNEL.into(),
                name: name.into(),
                version: "1.0".into(),
                ..Definition::default()
            };
            submit(&peer, CHANNEL, lscc::deploy(definition), &admin).unwrap();
        }
        let writes = ProposalBuilder::new(CHANNEL, "hostile").args(["many-writes", "3"]);
        submit(&peer, CHANNEL, writes, &user).unwrap();
        let put = ProposalBuilder::new(CHANNEL, "probe").args(["put", "k", "good"]);
        submit(&peer, CHANNEL, put, &user).unwrap();
        Self { peer, user }
    }

    pub(crate) fn propose(&self, chaincode: &str, line: &str) -> ClientProposal {
        ProposalBuilder::new(CHANNEL, chaincode).args(line.split(' ')).sign(&self.user)
    }

    pub(crate) fn answer(&self, proposal: &ClientProposal) -> protos::ProposalResponse {
        process(&self.peer, proposal.signed.clone()).unwrap().response
    }

    pub(crate) fn hostile(&self, line: &str) -> protos::ProposalResponse {
        self.answer(&self.propose("hostile", line))
    }

    pub(crate) fn is_fine(&self) {
        let response = self.answer(&self.propose("probe", "get k"));
        assert_eq!(response.response.unwrap().payload, b"good");
    }

    /// Returns the text of a transaction without an answer.
    pub(crate) fn death(&self, line: &str) -> String {
        let response = self.hostile(line);
        assert_eq!((&response.endorsement, response.payload.len()), (&None, 0), "{line}");
        let said = response.response.unwrap();
        assert_eq!((said.status, said.payload.len()), (500, 0), "{line}");
        self.is_fine();
        let beginning = "error in simulation: transaction returned with failure: chaincode ";
        let text = said.message.strip_prefix(beginning);
        text.unwrap_or_else(|| panic!("{line}: {}", said.message)).to_owned()
    }

    /// Returns the text of a refusal by the chaincode itself.
    pub(crate) fn refusal(&self, line: &str) -> String {
        let proposal = self.propose("hostile", line);
        let response = self.answer(&proposal);
        assert_eq!(response.endorsement, None, "{line}");
        let said = response.response.unwrap();
        assert_eq!(said.status, 500, "{line}");
        self.is_fine();
        said.message.replace(proposal.tx_id.as_str(), "TX")
    }

    pub(crate) fn survives(&self, line: &str) {
        let response = self.hostile(line);
        assert!(response.endorsement.is_some(), "{line}: {:?}", response.response);
    }
}

pub(crate) static SETUP: LazyLock<Setup> = LazyLock::new(|| {
    Setup::new(|config| {
        config.runtime = None;
        config.limits = Limits {
            instances: 24,
            fuel: 100_000_000,
            memory_bytes: 32 * MIB,
            response_bytes: MIB,
            event_bytes: 64 * KIB,
            host_call_bytes: 4 * MIB,
            ..Limits::default()
        };
        config.ledger.max_key_bytes = KIB;
        config.ledger.max_value_bytes = MIB;
        config.ledger.max_rwset_bytes = 2 * MIB;
    })
});

#[test]
fn an_endless_loop_runs_out_of_fuel() {
    assert_eq!(SETUP.death("loop"), "used up its fuel of 100000000 units");
}

#[test]
fn an_endless_loop_of_calls_runs_out_of_fuel() {
    for call in CALLS {
        let text = SETUP.death(&format!("calls-{call}"));
        assert_eq!(text, "used up its fuel of 100000000 units", "{call}");
    }
}

#[test]
fn calls_may_be_bounded_on_top_of_their_cost() {
    let setup = Setup::new(|config| {
        config.runtime = None;
        config.limits.host_calls = 1_000;
    });
    // Reading its arguments and taking the result cost one call each.
    setup.survives("many-writes 990");
    let text = "passed a limit: more than 1000 calls to the peer";
    assert_eq!(setup.death("many-writes 1000"), text);
    assert_eq!(setup.death("calls-event"), text);
}

#[test]
fn memory_ends_at_its_limit() {
    let limit = "trapped: unreachable code (a panic or an abort) after it was refused more than \
                 33554432 bytes of memory";
    assert_eq!(SETUP.death("grow"), format!("{limit}: memory allocation of 1048576 bytes failed"));
    assert_eq!(SETUP.death("allocate"), limit);
    assert_eq!(
        SETUP.death("allocate-at-once"),
        format!("{limit}: memory allocation of 1073741824 bytes failed")
    );
}

#[test]
fn a_guest_does_not_take_the_memory_of_all() {
    let setup = Setup::new(|config| {
        config.runtime = None;
        config.limits = Limits { instances: 16, ..Limits::default() };
        // 2 MiB for each of 16, and as much in a shared pool, half of it for one client.
        config.memory_of_all = Some(64 * MIB);
    });
    let refused = || {
        let answer = setup.answer(&setup.propose("hostile", "grow"));
        assert_eq!(answer.endorsement, None);
        let text = answer.response.unwrap().message;
        let (_, reason) = text.split_once("cannot run chaincode: ").unwrap();
        reason.to_owned()
    };
    let reason = refused();
    let share = " bytes of memory for guests, and may have 16777216 of them";
    assert!(reason.starts_with("the peer is busy: the client has 1"), "{reason}");
    assert!(reason.contains(share), "{reason}");
    assert_eq!(refused(), reason, "it has given all of it back");
    setup.is_fine();
}

#[test]
fn recursion_ends_with_the_stack() {
    let text = "passed a limit: call stack exhausted (recursion too deep)";
    let response = SETUP.hostile("recurse");
    assert_eq!((&response.endorsement, response.payload.len()), (&None, 0));
    let said = response.response.unwrap();
    // The possible depth is not an answer: peers would disagree, so no caller may continue.
    assert!(said.message.starts_with("error in simulation: failed to execute transaction "));
    assert!(said.message.ends_with(&format!("chaincode {text}")), "{}", said.message);
    SETUP.is_fine();
}

#[test]
fn traps_and_panics_reach_the_client() {
    let trap = "trapped: unreachable code (a panic or an abort)";
    assert_eq!(SETUP.death("trap"), trap);
    let text = SETUP.death("panic the-asset-is-gone");
    assert!(text.starts_with(&format!("{trap}: thread ")), "{text}");
    assert!(text.contains("panicked at tests/chaincodes/hostile/src/lib.rs:"), "{text}");
    assert!(text.ends_with("\nthe-asset-is-gone"), "{text}");
    assert_eq!(SETUP.death("exit 0"), "trapped: exit with status 0");
    assert_eq!(SETUP.death("exit 3"), "trapped: exit with status 1", "WASI has no other");
    let sleep = "trapped: it tried to sleep, but a transaction's clock stands still";
    assert_eq!(SETUP.death("sleep 1"), sleep);
}

#[test]
fn odd_statuses_follow_fabrics_thresholds() {
    for status in ["0", "-1", "-2147483648", "199"] {
        let proposal = SETUP.propose("hostile", &format!("status {status}"));
        let response = SETUP.answer(&proposal);
        let said = response.response.as_ref().unwrap();
        assert_eq!(
            (said.status.to_string().as_str(), said.payload.as_slice()),
            (status, &b"payload"[..])
        );
        // Fabric's peer endorses all statuses below 400; its clients want at least 200.
        assert!(response.endorsement.is_some());
        let assembled = transaction(&proposal.signed, &[response]);
        assert!(matches!(assembled, Err(ClientError::Unsuccessful { .. })));
    }
    let response = SETUP.hostile("status 2147483647");
    assert_eq!(response.response.as_ref().unwrap().status, i32::MAX);
    assert!(response.endorsement.is_none() && !response.payload.is_empty());
    SETUP.is_fine();
}

#[test]
fn a_chaincode_cannot_call_itself() {
    let proposal = SETUP.propose("hostile", "call-itself hostile");
    let response = SETUP.answer(&proposal).response.unwrap();
    let tx_id = &proposal.tx_id;
    let text = format!(
        "INVOKE_CHAINCODE failed: transaction ID: {tx_id}: execute failed: error sending: txid: \
         {tx_id}(mychannel) exists"
    );
    assert_eq!((response.status, String::from_utf8(response.payload).unwrap()), (500, text));
    SETUP.is_fine();
}

#[test]
fn a_failed_init_harms_nobody() {
    let admin = SETUP.peer.network().org("Org1MSP").unwrap().admin().unwrap();
    let install = lscc::install("late", "1.0", guest("hostile")).sign(&admin);
    process(&SETUP.peer, install.signed).unwrap();
    let definition = Definition {
        channel_id: CHANNEL.into(),
        name: "late".into(),
        version: "1.0".into(),
        init_args: vec![b"loop".to_vec()],
        policy: None,
        collections: None,
    };
    let response = SETUP.answer(&lscc::deploy(definition).sign(&admin)).response.unwrap();
    assert_eq!(response.status, 500);
    assert!(response.message.ends_with("used up its fuel of 100000000 units"), "{response:?}");
    SETUP.is_fine();
}

#[test]
fn what_iterators_hold_together_is_bounded() {
    let setup = Setup::new(|config| {
        config.runtime = None;
        // One row per call, so that the host keeps the rest of a batch.
        config.limits.query_batch_bytes = 1;
        config.limits.iterator_bytes = 10_000;
    });
    for (chaincode, args) in
        [("hostile", &["huge-value", "4000"][..]), ("probe", &["big", "l", "4000"])]
    {
        let write = ProposalBuilder::new(CHANNEL, chaincode).args(args.iter().copied());
        submit(&setup.peer, CHANNEL, write, &setup.user).unwrap();
    }
    setup.survives("many-iterators 2");
    // Rows that were read and queries that were closed do not count.
    for line in ["repeat 5 range a z 1", "repeat 5 range a z"] {
        let response = setup.answer(&setup.propose("probe", line));
        assert!(response.endorsement.is_some(), "{line}: {:?}", response.response);
    }
    let text = "passed a limit: more than 10000 bytes of rows in open iterators: close those that \
                are read, or read pages";
    assert_eq!(setup.death("many-iterators 3"), text);
}

const MISDEEDS: [&str; 9] = [
    "loop",
    "calls-large-event",
    "grow",
    "recurse",
    "trap",
    "panic words",
    "exit 0",
    "huge-result 5000000",
    "huge-message 5000000",
];

#[test]
fn nothing_of_a_failed_instance_stays() {
    // Many more calls than instances.
    for misdeed in MISDEEDS.iter().filter(|line| **line != "loop").cycle().take(300) {
        let status = SETUP.hostile(misdeed).response.unwrap().status;
        assert_eq!(status, 500, "{misdeed}");
    }
    SETUP.is_fine();
    SETUP.survives("huge-result 1000");
}

#[test]
fn good_calls_beside_hostile_ones_are_not_harmed() {
    thread::scope(|scope| {
        for index in 0..8 {
            scope.spawn(move || {
                for turn in 0..10 {
                    let misdeed = MISDEEDS[(index + turn) % MISDEEDS.len()];
                    assert_eq!(SETUP.hostile(misdeed).response.unwrap().status, 500);
                    SETUP.is_fine();
                }
            });
        }
    });
}

#[test]
fn one_proposal_sent_many_times_at_once_runs_one_at_a_time() {
    let proposal = SETUP.propose("probe", "get k");
    // It is refused where it conflicts with the other one: at the look-up, in the chaincode or at
    // the signature.
    let busy = format!("error sending: txid: {}(mychannel) exists", proposal.tx_id);
    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                for _ in 0..10 {
                    let response = SETUP.answer(&proposal).response.unwrap();
                    match response.status {
                        200 => assert_eq!(response.payload, b"good"),
                        _ => assert!(response.message.ends_with(&busy), "{response:?}"),
                    }
                }
            });
        }
    });
    assert_eq!(SETUP.answer(&proposal).response.unwrap().payload, b"good");
}

#[test]
fn what_takes_too_long_is_stopped_and_never_endorsed() {
    // In effect no fuel limit, so only the time limit can end it.
    let setup = Setup::new(|config| {
        config.runtime = None;
        config.limits.fuel = u64::MAX;
        config.support.execute_timeout = Duration::from_secs(1);
    });
    let proposal = setup.propose("hostile", "loop");
    let expired = "error sending: timeout expired while executing transaction";
    let tx_id = &proposal.tx_id;
    // The second round shows that the first transaction has ended.
    for _ in 0..2 {
        let response = setup.answer(&proposal);
        assert_eq!((&response.endorsement, response.payload.len()), (&None, 0));
        assert_eq!(
            response.response.unwrap().message,
            format!("error in simulation: failed to execute transaction {tx_id}: {expired}")
        );
        setup.is_fine();
    }
    // The caller is stopped, too: on another peer the callee might have been fast enough.
    let proposal = setup.propose("probe", "try cc2cc hostile loop");
    let response = setup.answer(&proposal);
    let tx_id = &proposal.tx_id;
    assert_eq!(response.endorsement, None);
    assert_eq!(
        response.response.unwrap().message,
        format!(
            "error in simulation: failed to execute transaction {tx_id}: INVOKE_CHAINCODE failed: \
             transaction ID: {tx_id}: execute failed: {expired}"
        )
    );
    setup.is_fine();
}

#[test]
fn a_callee_out_of_fuel_is_an_answer() {
    let proposal = SETUP.propose("probe", "try cc2cc hostile loop");
    let response = SETUP.answer(&proposal);
    assert!(response.endorsement.is_some(), "every endorser comes to the same");
    let text = String::from_utf8(response.response.unwrap().payload).unwrap();
    assert!(text.ends_with("chaincode used up its fuel of 100000000 units\n"), "{text}");
}
