//! Tests that definitions are cached until a block changes the state that they come from.

use std::sync::Arc;

use crate::Committer;
use crate::definitions::NamespaceDefinition;
use crate::tests::endorsements::{ORG_1, define};
use crate::tests::support::{CC, Draft, Fixture, yes};
use wasmcc_channel::Channel;
use wasmcc_ledger::Snapshot;

fn definition(
    committer: &Committer,
    snapshot: Snapshot,
    channel: &Channel,
    name: &str,
) -> Arc<NamespaceDefinition> {
    committer.definitions().at(snapshot, channel.config()).get(name).unwrap()
}

#[test]
fn a_definition_is_read_again_after_a_block_that_may_change_it() {
    let fixture = Fixture::new();
    fixture.define_basic();
    let committer = fixture.committer(yes());
    let (channel, ledger) = (&fixture.channel, fixture.channel.ledger());
    let now = || definition(&committer, ledger.snapshot(), channel, CC);
    let commit = |draft: Draft| committer.commit_envelopes(vec![draft.envelope()]).unwrap();
    let first = now();
    commit(fixture.draft(CC).put(CC, "key", b"value"));
    assert!(Arc::ptr_eq(&first, &now()), "the block wrote no definition");
    let old = ledger.snapshot();
    fixture.define(CC, "OR('Org2MSP.member')");
    let second = now();
    assert_ne!(first.policy, second.policy);
    // A reader of the previous height still finds the old definition.
    assert_eq!(definition(&committer, old, channel, CC).policy, first.policy);
    assert_eq!(now().policy, second.policy);
    // A definition of `_lifecycle` takes precedence over one of LSCC.
    define(&fixture, CC, ORG_1, &[]);
    let third = now();
    assert_ne!(second.policy, third.policy);
    commit(fixture.draft(CC).put(CC, "key", b"value"));
    assert!(Arc::ptr_eq(&third, &now()));
    let other = Fixture::new();
    let elsewhere = definition(&committer, ledger.snapshot(), &other.channel, CC);
    assert!(!Arc::ptr_eq(&third, &elsewhere), "policies refer to the configuration");
}

#[test]
fn names_that_clients_make_up_are_forgotten() {
    let fixture = Fixture::new();
    fixture.define_basic();
    let committer = fixture.committer(yes());
    let now = || {
        let snapshot = fixture.channel.ledger().snapshot();
        committer.definitions().at(snapshot, fixture.channel.config())
    };
    let first = now().get(CC).unwrap();
    for number in 0..1_000 {
        assert!(now().get(&format!("none{number}")).is_err());
    }
    assert!(!Arc::ptr_eq(&first, &now().get(CC).unwrap()));
}
