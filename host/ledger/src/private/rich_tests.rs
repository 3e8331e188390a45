//! Rich queries over private data, and the indexes of collections.

use std::sync::Arc;

use crate::private::test_support::{
    commit_empty, commit_private, held_by, private_purge, private_puts, rules, simulate_private,
};
use crate::rich::IndexDefinition;
use crate::test_support::{CHANNEL, open_with, small_config, temporary};
use crate::{Ledger, LedgerError, LedgerFolder, Simulator};
use wasmcc_types::ChannelId;

pub(crate) fn define_index(ledger: &Ledger, collection: &str, json: &str) -> usize {
    let definition = IndexDefinition::parse(json.as_bytes()).unwrap();
    ledger.define_indexes("ns", collection, &[definition]).unwrap()
}

/// Returns the keys that a query over a collection of "ns" finds.
pub(crate) fn rich_keys(sim: &mut Simulator, collection: &str, query: &str) -> Vec<String> {
    let rows = sim.private_rich_query("ns", collection, query).unwrap();
    let keys = std::iter::from_fn(|| sim.next_row(rows).unwrap()).map(|row| row.key).collect();
    sim.close_range(rows);
    keys
}

/// The number of entries of all indexes together.
pub(crate) fn index_entries(ledger: &Ledger) -> usize {
    ledger.table.range(b"i", b"j").count()
}

fn found(ledger: &Arc<Ledger>, org: &str, query: &str) -> Vec<String> {
    rich_keys(&mut ledger.simulator_for("tx", org), "c", query)
}

const BY_OWNER: &str = r#"{"index": {"fields": ["owner"]}, "ddoc": "d", "name": "owner"}"#;
const TOM: &str = r#"{"owner": "tom"}"#;
const EVE: &str = r#"{"owner": "eve"}"#;
const TOMS: &str = r#"{"selector": {"owner": "tom"}}"#;
/// A query that needs the index.
const SORTED: &str =
    r#"{"selector": {"owner": {"$gt": null}}, "sort": [{"owner": "desc"}], "use_index": "d"}"#;

#[test]
fn queries_find_what_the_organization_has_and_record_nothing() {
    let (_ledgers, ledger) = temporary();
    let puts = private_puts(&ledger, &[("a", TOM), ("b", EVE), ("c", TOM), ("d", "7")]);
    commit_private(&ledger, &held_by(&["A"], 0), vec![("t1", puts)]);
    assert_eq!(found(&ledger, "A", TOMS), ["a", "c"]);
    assert!(found(&ledger, "B", TOMS).is_empty());
    assert!(rich_keys(&mut ledger.simulator("tx"), "c", TOMS).is_empty());
    let mut sim = ledger.simulator_for("tx", "A");
    assert!(rich_keys(&mut sim, "other", TOMS).is_empty());
    assert_eq!(rich_keys(&mut sim, "c", TOMS).len(), 2);
    let rows = sim.rich_query("ns", TOMS).unwrap();
    assert!(sim.next_row(rows).unwrap().is_none(), "private documents are not public ones");
    let results = sim.finish();
    assert!(results.public.namespaces.is_empty() && results.private.is_none());
    let mut sim = ledger.simulator_for("tx", "A");
    let malformed = sim.private_rich_query("ns", "c", "{");
    assert!(matches!(malformed, Err(LedgerError::Query(_))));
}

#[test]
fn queries_and_writes_exclude_each_other() {
    let (_ledgers, ledger) = temporary();
    let mut sim = ledger.simulator_for("tx", "A");
    rich_keys(&mut sim, "c", TOMS);
    let refused = sim.put_state("ns", "k", b"v".to_vec());
    assert!(matches!(refused, Err(LedgerError::WriteAfterPrivateQuery { .. })));
    let mut sim = ledger.simulator_for("tx", "A");
    sim.put_private_data("ns", "c", "k", b"v".to_vec()).unwrap();
    let refused = sim.private_rich_query("ns", "c", TOMS);
    assert!(matches!(refused, Err(LedgerError::PrivateQueryAfterWrite { .. })));
}

#[test]
fn an_index_has_the_documents_of_every_organization() {
    let dir = tempfile::tempdir().unwrap();
    let (ledgers, ledger) = open_with(dir.path(), small_config());
    let both = rules(&[("c", &["A", "B"], 0), ("b", &["B"], 0)]);
    let puts = private_puts(&ledger, &[("a", TOM), ("b", EVE), ("c", TOM)]);
    let elsewhere = simulate_private(&ledger, |sim| {
        sim.put_private_data("ns", "b", "x", TOM.into()).unwrap();
    });
    commit_private(&ledger, &both, vec![("t1", puts), ("t2", elsewhere)]);
    // Values from before and after the index was defined, also of an organization that had none.
    assert_eq!(define_index(&ledger, "c", BY_OWNER), 1);
    assert_eq!(index_entries(&ledger), 6);
    let all = held_by(&["A", "B", "C"], 0);
    let puts = private_puts(&ledger, &[("d", TOM), ("b", TOM), ("c", "")]);
    commit_private(&ledger, &all, vec![("t3", puts)]);
    for (org, toms) in [("A", &["a", "b", "d"][..]), ("B", &["a", "b", "d"]), ("C", &["b", "d"])] {
        assert_eq!(found(&ledger, org, TOMS), toms, "{org}");
        assert_eq!(found(&ledger, org, SORTED).len(), toms.len(), "{org}");
    }
    assert_eq!(index_entries(&ledger), 8);
    commit_private(&ledger, &all, vec![("t4", private_purge(&ledger, "b"))]);
    assert_eq!(index_entries(&ledger), 5);
    assert_eq!(found(&ledger, "C", SORTED), ["d"]);
    drop((ledger, ledgers));
    // The tools make the same entries.
    let folder = || LedgerFolder::open(dir.path(), small_config()).unwrap();
    let verified = || folder().verify(&ChannelId::parse(CHANNEL).unwrap(), &mut |_| {}).unwrap();
    assert!(verified().is_good(), "{:?}", verified().faults);
    folder().rebuild(&mut |_, _| {}).unwrap();
    assert!(verified().is_good(), "{:?}", verified().faults);
    let (_ledgers, ledger) = open_with(dir.path(), small_config());
    assert_eq!(index_entries(&ledger), 5);
    assert_eq!(found(&ledger, "B", SORTED), ["d", "a"]);
}

#[test]
fn entries_go_with_values_that_have_had_their_time() {
    let (_ledgers, ledger) = temporary();
    let rules = held_by(&["A"], 1);
    define_index(&ledger, "c", BY_OWNER);
    commit_private(&ledger, &rules, vec![("t1", private_puts(&ledger, &[("a", TOM)]))]);
    let mut before = ledger.simulator_for("tx", "A");
    commit_private(&ledger, &rules, vec![("t2", private_puts(&ledger, &[("b", TOM)]))]);
    assert_eq!(found(&ledger, "A", SORTED), ["b", "a"]);
    commit_empty(&ledger, &rules, 1);
    assert_eq!(found(&ledger, "A", SORTED), ["b"]);
    assert_eq!(rich_keys(&mut before, "c", SORTED), ["a"], "as it was then");
    commit_empty(&ledger, &rules, 1);
    assert_eq!((found(&ledger, "A", SORTED).len(), index_entries(&ledger)), (0, 0));
}
