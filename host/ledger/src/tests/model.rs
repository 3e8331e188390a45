//! Compares random blocks with a model that keeps the whole state in a map. A transaction is valid
//! exactly if its reads are unchanged in the state after its predecessors.

use std::collections::BTreeMap;

use proptest::prelude::*;

use crate::test_support::{commit, temporary};
use crate::{Simulator, Snapshot, TxRwSet};
use wasmcc_types::Height;
use wasmcc_types::proto::protos::TxValidationCode;

type Model = BTreeMap<String, (Vec<u8>, Height)>;

#[derive(Clone, Debug)]
enum Step {
    Get(String),
    Put(String, u8),
    Delete(String),
    /// Start, end, limit on the rows.
    Scan(String, String, usize),
}

/// The keys and versions that a transaction saw, for each step that read.
type Seen = Vec<Vec<(String, Option<Height>)>>;

struct Tx {
    steps: Vec<Step>,
    seen: Seen,
    rwset: TxRwSet,
}

fn key() -> impl Strategy<Value = String> {
    prop::sample::select(vec!["\0", "a", "a\0", "ab", "b", "c", "d", "\u{10ffff}"])
        .prop_map(str::to_owned)
}

/// A bound of a range may be open. A key is never empty: Fabric treats a range query that stops at
/// the key "" as one that was never read.
fn bound() -> impl Strategy<Value = String> {
    prop_oneof![1 => Just(String::new()), 4 => key()]
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        key().prop_map(Step::Get),
        (key(), 1..9_u8).prop_map(|(key, value)| Step::Put(key, value)),
        key().prop_map(Step::Delete),
        (bound(), bound(), 1..5_usize).prop_map(|(start, end, rows)| Step::Scan(start, end, rows)),
    ]
}

/// The reads that the model expects.
fn expected(steps: &[Step], state: &Model) -> Seen {
    let read = |step: &Step| match step {
        Step::Get(key) => Some(vec![(key.clone(), state.get(key).map(|(_, version)| *version))]),
        Step::Scan(start, end, rows) => {
            let inside = |key: &&String| end.is_empty() || *key < end;
            let range = state.range(start.clone()..).take_while(|(key, _)| inside(key));
            let rows = range.take(*rows).map(|(key, (_, version))| (key.clone(), Some(*version)));
            Some(rows.collect())
        }
        Step::Put(..) | Step::Delete(..) => None,
    };
    steps.iter().filter_map(read).collect()
}

fn run(steps: &[Step], mut simulator: Simulator) -> Tx {
    let mut seen = Vec::new();
    let version = |snapshot: &Snapshot, key: &str| {
        snapshot.get("ns", key).unwrap().map(|value| value.version)
    };
    for step in steps {
        match step {
            Step::Get(key) => {
                simulator.get_state("ns", key).unwrap();
                seen.push(vec![(key.clone(), version(simulator.snapshot(), key))]);
            }
            Step::Put(key, value) => simulator.put_state("ns", key, vec![*value]).unwrap(),
            Step::Delete(key) => simulator.delete_state("ns", key).unwrap(),
            Step::Scan(start, end, rows) => {
                let id = simulator.range("ns", start, end).unwrap();
                let mut found = Vec::new();
                while found.len() < *rows
                    && let Some(row) = simulator.next_row(id).unwrap()
                {
                    let at = version(simulator.snapshot(), &row.key);
                    found.push((row.key, at));
                }
                seen.push(found);
            }
        }
    }
    Tx { steps: steps.to_vec(), seen, rwset: simulator.finish().public }
}

/// True if each step would see the same again. A scan that stopped at a row saw nothing after it.
fn still_valid(tx: &Tx, state: &Model) -> bool {
    expected(&tx.steps, state) == tx.seen
}

fn apply(tx: &Tx, state: &mut Model, height: Height) {
    for step in &tx.steps {
        match step {
            Step::Put(key, value) => {
                state.insert(key.clone(), (vec![*value], height));
            }
            Step::Delete(key) => {
                state.remove(key);
            }
            Step::Get(_) | Step::Scan(..) => {}
        }
    }
}

/// In Fabric, a read of a key is stale if the block wrote the key at all, even if it is absent
/// before and after.
fn touched(tx: &Tx, written: &[String]) -> bool {
    tx.steps.iter().any(|step| matches!(step, Step::Get(key) if written.contains(key)))
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 64,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn verdicts_and_state_are_those_of_the_model(
        blocks in prop::collection::vec(
            prop::collection::vec(prop::collection::vec(step(), 1..5), 1..5),
            1..8,
        ),
    ) {
        let (_ledgers, ledger) = temporary();
        let mut state = Model::new();
        // One block in three is simulated on the state before the last block.
        let mut stale = (ledger.snapshot(), state.clone());
        for (number, block) in (1_u64..).zip(blocks) {
            let on = if number % 3 == 0 {
                stale.clone()
            } else {
                (ledger.snapshot(), state.clone())
            };
            stale = (ledger.snapshot(), state.clone());
            let mut txs = Vec::new();
            for steps in &block {
                let tx = run(steps, Simulator::new(on.0.clone(), "tx"));
                prop_assert_eq!(&tx.seen, &expected(steps, &on.1));
                txs.push(tx);
            }
            let ids: Vec<_> = (0..txs.len()).map(|index| format!("{number}-{index}")).collect();
            let list: Vec<_> =
                ids.iter().zip(&txs).map(|(id, tx)| (id.as_str(), tx.rwset.clone())).collect();
            let codes = commit(&ledger, &list).codes();
            let mut written = Vec::new();
            for (index, (tx, code)) in txs.iter().zip(codes).enumerate() {
                let valid = still_valid(tx, &state) && !touched(tx, &written);
                prop_assert_eq!(code == TxValidationCode::Valid, valid, "{:?}", tx.steps);
                if valid {
                    apply(tx, &mut state, Height::new(number, index as u64));
                    written.extend(tx.rwset.namespaces.values().flat_map(|ns| {
                        ns.writes.iter().map(|write| write.key.clone())
                    }));
                }
            }
            let snapshot = ledger.snapshot();
            let rows: Model = snapshot
                .range("ns", "", "")
                .map(|row| row.unwrap())
                .map(|(key, value)| (key, (value.value, value.version)))
                .collect();
            prop_assert_eq!(&rows, &state);
        }
    }
}
