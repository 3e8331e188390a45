//! CouchDB's rules: in simulations, at commit, and when blocks are validated again.

use std::path::Path;
use std::sync::Arc;

use crate::test_support::{
    CHANNEL, commit, leveldb_config, next_block, open_with, puts, simulate, small_config,
    temporary, temporary_with,
};
use crate::{
    CommitTx, Ledger, LedgerConfig, LedgerError, LedgerFolder, Metadata, NoCollections, Simulator,
    TxRwSet,
};
use wasmcc_types::proto::protos::TxValidationCode::{
    self, DuplicateTxid, InvalidWriteset, MvccReadConflict, Valid,
};
use wasmcc_types::{ChannelId, Height};

const EMPTY: &str = "invalid key. Empty string is not supported as a key by couchdb";
const UNDERSCORE: &str = "invalid key [_k], cannot begin with \"_\"";
const FIELD: &str = "field [_id] is not valid for the CouchDB state database";
const VERSION: &str = "field [~version] is not valid for the CouchDB state database";

/// Writes without CouchDB's rules.
fn anything(writes: &[(&str, &str)]) -> TxRwSet {
    let (_ledgers, ledger) = temporary_with(leveldb_config());
    puts(&ledger, writes)
}

/// One call of a simulator with a key and a value.
type Call = fn(&mut Simulator, &str, &[u8]) -> Result<(), LedgerError>;

/// The calls that write. True if the call checks the value, too.
const WRITES: [(Call, bool); 8] = [
    (|sim, key, value| sim.put_state("ns", key, value.to_vec()), true),
    (|sim, key, _| sim.delete_state("ns", key), false),
    (|sim, key, value| sim.put_state_metadata("ns", key, metadata(value)), false),
    (|sim, key, _| sim.put_state_metadata("ns", key, Metadata::new()), false),
    (|sim, key, value| sim.put_private_data("ns", "coll", key, value.to_vec()), true),
    (|sim, key, _| sim.delete_private_data("ns", "coll", key), false),
    (|sim, key, _| sim.purge_private_data("ns", "coll", key), false),
    (|sim, key, value| sim.put_private_data_metadata("ns", "coll", key, metadata(value)), false),
];

const READS: [Call; 4] = [
    |sim, key, _| sim.get_state("ns", key).map(drop),
    |sim, key, _| sim.get_multiple("ns", &[key.to_owned()]).map(drop),
    |sim, key, _| sim.get_state_metadata("ns", key).map(drop),
    |sim, key, _| sim.get_private_data("ns", "coll", key).map(drop),
];

/// These calls do not check the key: it is hashed, a bound, or in the history.
const OTHERS: [Call; 5] = [
    |sim, key, _| sim.get_private_data_hash("ns", "coll", key).map(drop),
    |sim, key, _| sim.get_private_data_metadata("ns", "coll", key).map(drop),
    |sim, key, _| sim.range("ns", key, "").map(drop),
    |sim, key, _| sim.history("ns", key).map(drop),
    |sim, key, value| sim.put_state("ns", &format!("a{key}"), [b"[", value].concat()),
];

fn metadata(value: &[u8]) -> Metadata {
    Metadata::from([("_m".to_owned(), value.to_vec())])
}

fn run(ledger: &Arc<Ledger>, call: Call, key: &str, value: &str) -> Result<(), String> {
    call(&mut ledger.simulator("tx"), key, value.as_bytes()).map_err(|error| error.to_string())
}

#[test]
fn calls_with_a_key_or_value_that_couchdb_does_not_take_are_refused() {
    let (_ledgers, ledger) = temporary();
    for (key, text) in [("", EMPTY), ("_k", UNDERSCORE)] {
        let writes = WRITES.iter().map(|(call, _)| *call);
        for (at, call) in writes.chain(READS).enumerate() {
            // The key is checked before the value.
            let refused = run(&ledger, call, key, r#"{"_id":1}"#);
            assert_eq!(refused, Err(text.to_owned()), "call {at}");
        }
        for (at, call) in OTHERS.into_iter().enumerate() {
            assert_eq!(run(&ledger, call, key, r#"{"_id":1}"#), Ok(()), "call {at}");
        }
    }
    for (value, text) in [(r#"{"_id":1}"#, FIELD), (r#"{"a":1,"~version":""}"#, VERSION)] {
        for (at, (call, minds_values)) in WRITES.into_iter().enumerate() {
            let expected = if minds_values { Err(text.to_owned()) } else { Ok(()) };
            assert_eq!(run(&ledger, call, "k", value), expected, "call {at}");
        }
    }
}

#[test]
fn leveldb_takes_every_key_and_value() {
    let (_ledgers, ledger) = temporary_with(leveldb_config());
    for (call, _) in WRITES {
        for key in ["", "_k", "k"] {
            assert_eq!(run(&ledger, call, key, r#"{"_id":1}"#), Ok(()));
        }
    }
    for call in READS.into_iter().chain(OTHERS) {
        assert_eq!(run(&ledger, call, "", ""), Ok(()));
        assert_eq!(run(&ledger, call, "_k", ""), Ok(()));
    }
    let set = puts(&ledger, &[("_k", r#"{"_id":1}"#)]);
    assert_eq!(commit(&ledger, &[("t1", set)]).codes(), [Valid]);
    assert_eq!(ledger.snapshot().get("ns", "_k").unwrap().unwrap().value, br#"{"_id":1}"#);
}

#[test]
fn what_is_refused_is_not_recorded_but_counts_as_a_write() {
    let (_ledgers, ledger) = temporary();
    let set = simulate(&ledger, |sim| {
        for (call, _) in WRITES {
            assert!(call(sim, "_k", b"1").is_err());
        }
        for call in READS {
            assert!(call(sim, "_k", b"").is_err());
        }
        let page = sim.range_page("ns", "", "", 1, "", 1_000).unwrap_err();
        assert!(matches!(page, LedgerError::PaginatedQueryAfterWrite { .. }), "{page}");
    });
    assert_eq!(set, TxRwSet::default());
    // An error that forbids every write takes precedence.
    let mut sim = ledger.simulator("tx");
    sim.range_page("ns", "", "", 1, "", 1_000).unwrap();
    let late = sim.put_state("ns", "_k", Vec::new()).unwrap_err();
    assert!(matches!(late, LedgerError::WriteAfterPaginatedQuery { .. }), "{late}");
}

#[test]
fn transactions_of_endorsers_without_these_rules_are_invalid() {
    let (_ledgers, ledger) = temporary();
    commit(&ledger, &[("t1", puts(&ledger, &[("k", "1")]))]);
    let stale = |key: &str| {
        let mut set = anything(&[(key, "2")]);
        let read = simulate(&ledger, |sim| drop(sim.get_state("ns", "k").unwrap()));
        set.namespaces.get_mut("ns").unwrap().reads = read.namespaces["ns"].reads.clone();
        set
    };
    let hashed = |sim: &mut Simulator| {
        sim.put_private_data("ns", "coll", "_k", br#"{"_id":1}"#.to_vec()).unwrap();
        sim.put_state_metadata("ns", "_k", metadata(b"1")).unwrap();
    };
    let (_others, other) = temporary_with(leveldb_config());
    let committed = commit(
        &ledger,
        &[
            ("key", anything(&[("a", "1"), ("_k", "1")])),
            ("delete", anything(&[("_k", "")])),
            ("value", anything(&[("a", r#"{"_id":1}"#)])),
            ("twice", anything(&[("", "1")])),
            // It was still valid when duplicates were searched.
            ("twice", puts(&ledger, &[("b", "1")])),
            ("hashed", simulate(&other, hashed)),
            ("good", puts(&ledger, &[("k", "2")])),
            // Writes are checked before reads.
            ("stale", stale("_k")),
            ("late", stale("a")),
        ],
    );
    let codes = [
        InvalidWriteset,
        InvalidWriteset,
        InvalidWriteset,
        InvalidWriteset,
        DuplicateTxid,
        Valid,
        Valid,
        InvalidWriteset,
        MvccReadConflict,
    ];
    assert_eq!(committed.codes(), codes);
    let why = |index: usize| committed.txs[index].conflict.as_ref().unwrap().to_string();
    assert_eq!(why(0), "CouchDB does not accept key \"_k\" of ns: it may not begin with \"_\"");
    let value = "CouchDB does not accept key \"a\" of ns: its value may not have the field \"_id\"";
    assert_eq!(why(2), value);
    for key in ["a", "_k", "", "b"] {
        assert_eq!(ledger.snapshot().get("ns", key).unwrap(), None, "{key:?}");
    }
}

fn folder(dir: &Path, config: LedgerConfig) -> LedgerFolder {
    LedgerFolder::open(dir, config).unwrap()
}

fn channel() -> ChannelId {
    ChannelId::parse(CHANNEL).unwrap()
}

fn faults(dir: &Path, config: LedgerConfig) -> Vec<String> {
    let found = folder(dir, config).verify(&channel(), &mut |_| {}).unwrap();
    found.faults.into_iter().map(|fault| fault.reason).collect()
}

/// Blocks do not record the rules of their peer, so validating them again must work without knowing
/// the rules.
#[test]
fn blocks_of_both_kinds_of_peers_are_judged_again_as_they_were() {
    let dir = tempfile::tempdir().unwrap();
    let write = || anything(&[("_k", "1")]);
    for (config, tx_ids, codes) in [
        (leveldb_config(), ["t1", "t2", "t2"], [Valid, Valid, DuplicateTxid]),
        (small_config(), ["t3", "t4", "t4"], [InvalidWriteset, InvalidWriteset, DuplicateTxid]),
    ] {
        let (_ledgers, ledger) = open_with(dir.path(), config);
        let block = commit(&ledger, &tx_ids.map(|tx_id| (tx_id, write())));
        assert_eq!(block.codes(), codes);
    }
    let file = tempfile::tempdir().unwrap();
    let file = file.path().join("blocks");
    folder(dir.path(), small_config()).export(&channel(), &file, &mut |_| {}).unwrap();
    for config in [leveldb_config(), small_config()] {
        assert_eq!(faults(dir.path(), config.clone()), Vec::<String>::new());
        folder(dir.path(), config.clone()).rebuild(&mut |_, _| {}).unwrap();
        let (ledgers, ledger) = open_with(dir.path(), config.clone());
        let stored = ledger.snapshot().get("ns", "_k").unwrap().unwrap();
        assert_eq!(stored.version, Height::new(1, 1));
        drop((ledger, ledgers));
        let made = folder(dir.path(), config.clone());
        let (before, _) = made.before_block(&channel(), 2, &mut |_| {}).unwrap();
        let before = before.get(CHANNEL).unwrap().snapshot().get("ns", "_k").unwrap();
        assert_eq!(before.unwrap(), stored);
        let found = made.inspect_tx(&channel(), "t3", &mut |_| {}).unwrap();
        assert_eq!(found[0].code, InvalidWriteset);
        let why = found[0].conflict.as_ref().unwrap().to_string();
        assert_eq!(why, "CouchDB does not accept key \"_k\" of ns: it may not begin with \"_\"");
        drop(made);
        let other = tempfile::tempdir().unwrap();
        drop(crate::Ledgers::open(other.path(), config.clone()).unwrap());
        let imported = folder(other.path(), config).import(&file, &mut |_| {}).unwrap();
        assert_eq!(imported.blocks, 3);
    }
}

#[test]
fn a_verdict_without_such_a_write_is_found() {
    let dir = tempfile::tempdir().unwrap();
    let (ledgers, ledger) = open_with(dir.path(), small_config());
    let (block, txs) = next_block(&ledger, &[("t1", puts(&ledger, &[("k", "1")]))]);
    let code: TxValidationCode = InvalidWriteset;
    let txs = txs.into_iter().map(|tx| CommitTx { code, ..tx }).collect();
    ledger.commit(block, txs, &NoCollections).unwrap();
    drop((ledger, ledgers));
    let reason = "the verdict on transaction 0 is INVALID_WRITESET, but must be VALID";
    assert_eq!(faults(dir.path(), small_config()), [reason]);
}
