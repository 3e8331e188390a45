//! Decodes real files and rows as `docs/ledger-format.md` describes them, without the code that
//! wrote them.

use std::collections::{BTreeMap, BTreeSet};

use prost::Message;

use crate::block::header_hash;
use crate::private::test_support::{
    commit_private, commit_public, held_by, keep, private_purge, private_puts, rules,
};
use crate::rich::IndexDefinition;
use crate::store::Table;
use crate::test_support::{CHANNEL, commit, open_with, puts, small_config, temporary};
use wasmcc_types::proto::common::{BlockHeader, BlockMetadata};
use wasmcc_types::proto::kvrwset::KvrwSet;
use wasmcc_types::proto::rwset::TxPvtReadWriteSet;
use wasmcc_types::sha256;

/// Reads bytes from the front.
struct Bytes<'a>(&'a [u8]);

impl<'a> Bytes<'a> {
    fn take(&mut self, count: usize) -> &'a [u8] {
        let (taken, rest) = self.0.split_at(count);
        self.0 = rest;
        taken
    }

    fn u32(&mut self) -> usize {
        self.take(4).iter().fold(0, |number, byte| number << 8 | usize::from(*byte))
    }

    fn u64(&mut self) -> u64 {
        self.take(8).iter().fold(0, |number, byte| number << 8 | u64::from(*byte))
    }
}

/// A name as the document describes it: its length, then its bytes.
fn name(text: impl AsRef<[u8]>) -> Vec<u8> {
    let text = text.as_ref();
    [&(text.len() as u32).to_be_bytes(), text].concat()
}

fn rows(table: &Table) -> BTreeMap<Vec<u8>, Vec<u8>> {
    table.rows().map(|row| row.unwrap()).collect()
}

/// The first letters of the rows.
fn kinds(rows: &BTreeMap<Vec<u8>, Vec<u8>>) -> String {
    let kinds: BTreeSet<char> = rows.keys().map(|row| char::from(row[0])).collect();
    kinds.into_iter().collect()
}

#[test]
fn the_block_file_is_a_row_of_records() {
    let folder = tempfile::tempdir().unwrap();
    let (_ledgers, ledger) = open_with(folder.path(), small_config());
    commit(
        &ledger,
        &[("one", puts(&ledger, &[("k", "v")])), ("two", puts(&ledger, &[("l", "w")]))],
    );
    let file = std::fs::read(folder.path().join("channels").join(CHANNEL).join("blocks")).unwrap();
    let mut bytes = Bytes(&file);
    let mut verdicts = Vec::new();
    for number in 0..2 {
        let head = &bytes.0[..20];
        let [body, entries, header, metadata] = [(); 4].map(|()| bytes.u32());
        assert_eq!(bytes.take(4), &sha256(&head[..16])[..4]);
        let end = bytes.0.len() - body;
        let lengths = &bytes.0[..entries * 4];
        let of_entries: Vec<usize> = (0..entries).map(|_| bytes.u32()).collect();
        let header = bytes.take(header);
        let data = of_entries.into_iter().map(|length| bytes.take(length)).collect::<Vec<_>>();
        let metadata = bytes.take(metadata);
        assert_eq!(bytes.take(8), &sha256(&[head, lengths, header, metadata].concat())[..8]);
        assert_eq!(bytes.0.len(), end);
        let header = BlockHeader::decode(header).unwrap();
        assert_eq!((header.number, header.data_hash), (number, sha256(&data.concat()).to_vec()));
        verdicts.push(BlockMetadata::decode(metadata).unwrap().metadata[2].clone());
    }
    assert!(bytes.0.is_empty());
    assert_eq!(verdicts, [vec![0], vec![0, 0]]);
}

#[test]
fn rows_of_the_state_have_the_bytes_of_the_document() {
    let (_ledgers, ledger) = temporary();
    let index = br#"{"index": {"fields": ["f"]}, "ddoc": "d", "name": "n"}"#;
    ledger.define_indexes("ns", "", &[IndexDefinition::parse(index).unwrap()]).unwrap();
    commit(&ledger, &[("one", puts(&ledger, &[("gone", "v"), ("kept", r#"{"f":7}"#)]))]);
    commit(&ledger, &[("two", puts(&ledger, &[("gone", "")]))]);
    let rows = rows(&ledger.table);
    assert_eq!(kinds(&rows), "bdikmstx");
    let row = |key: &[&[u8]]| rows.get(&key.concat()).map(Vec::as_slice);

    // Version 1:0, one write at 1:0, no metadata, the content.
    let kept = [&[1, 1, 0, 3, 1, 1, 0, 0], r#"{"f":7}"#.as_bytes()].concat();
    assert_eq!(row(&[b"s", &name("ns"), b"kept"]), Some(kept.as_slice()));
    assert_eq!(row(&[b"s", &name("ns"), b"gone"]), None);
    let history = [1, 1, 0, 1, 2, 0];
    assert_eq!(row(&[b"k", &name("ns"), &name("gone"), &[1, 2, 0]]), Some(&history[..]));
    assert_eq!(row(&[b"t", &sha256(b"two")[..20]]), Some(&[1, 2, 0, 0][..]));
    assert_eq!(row(&[b"m"]), Some(&2_u64.to_be_bytes()[..]));
    let header = ledger.block(2).unwrap().unwrap().header.unwrap();
    assert_eq!(row(&[b"d", &header_hash(&header)]), Some(&2_u64.to_be_bytes()[..]));

    // Blocks follow each other without a gap.
    let mut end = 0;
    for number in 0..3_u64 {
        let mut place = Bytes(row(&[b"b", &number.to_be_bytes()]).unwrap());
        assert_eq!(place.u64(), end);
        end += place.u64();
        assert!(place.0.is_empty());
    }
    assert_eq!(end, ledger.blocks.length().unwrap());

    let (id, definition) = rows.iter().find(|(key, _)| key[0] == b'x').unwrap();
    let definition: serde_json::Value = serde_json::from_slice(definition).unwrap();
    assert_eq!((&definition["namespace"], &definition["state"]), (&"ns".into(), &"built".into()));
    let seven = (7.0_f64.to_bits() ^ 1 << 63).to_be_bytes();
    assert_eq!(row(&[b"i", &id[1..], &[5], &seven, b"kept"]), Some(&[][..]));
}

#[test]
fn rows_of_private_data_have_the_bytes_of_the_document() {
    let (_ledgers, ledger) = temporary();
    let holders = rules(&[("c", &["A", "B"], 9)]);
    commit_private(&ledger, &holders, vec![("one", private_puts(&ledger, &[("k", "v")]))]);
    let (ns, c, key) = (name("ns"), name("c"), sha256(b"k"));

    let state = rows(&ledger.table);
    assert_eq!(kinds(&state), "bdehmnpst");
    let row = |key: &[&[u8]]| state.get(&key.concat()).map(Vec::as_slice);
    assert_eq!(row(&[b"p", &name("B"), &ns, &c, b"k"]), Some(&[1, 1, 0, 0, 0, b'v'][..]));
    let hashed = [&[1, 1, 0, 0, 0], &sha256(b"v")[..]].concat();
    assert_eq!(row(&[b"h", &ns, &c, &key]), Some(hashed.as_slice()));
    assert_eq!(row(&[b"n", &ns, &c, &name(key), b"A"]), Some(&b"k"[..]));
    let [expiring, writing] = [11_u64, 1].map(u64::to_be_bytes);
    assert_eq!(row(&[b"e", &expiring, &writing, &ns, &c, &key]), Some(&[][..]));

    let store = rows(&ledger.private.table);
    let row = |key: &[&[u8]]| store.get(&key.concat()).map(Vec::as_slice);
    let place = [&1_u64.to_be_bytes()[..], &0_u64.to_be_bytes(), &ns, &c].concat();
    let mut record = Bytes(row(&[b"d", &place]).unwrap());
    assert_eq!((record.u64(), record.u64(), record.take(1)), (9, 0, &b"w"[..]));
    assert_eq!((record.u64(), record.take(10)), (2, &[name("A"), name("B")].concat()[..]));
    assert_eq!(KvrwSet::decode(record.0).unwrap().writes[0].key, "k");
    assert_eq!(row(&[b"k", &ns, &c, &name(key), &place[..16]]), Some(&[][..]));
    assert_eq!(row(&[b"x", &expiring, &place]), Some(&[][..]));
    let genesis = ledger.block(0).unwrap().unwrap().header.unwrap();
    assert_eq!(row(&[b"c"]), Some(&header_hash(&genesis)[..]));
}

#[test]
fn purges_and_missing_sets_have_rows_of_their_own() {
    let (_ledgers, ledger) = temporary();
    let holders = held_by(&["A"], 0);
    commit_private(&ledger, &holders, vec![("one", private_puts(&ledger, &[("k", "v")]))]);
    commit_private(&ledger, &holders, vec![("two", private_purge(&ledger, "k"))]);
    let lost = private_puts(&ledger, &[("l", "w")]).public;
    commit_public(&ledger, &holders, &[("three".into(), lost)]);
    let store = rows(&ledger.private.table);
    let row = |key: &[&[u8]]| store.get(&key.concat()).map(Vec::as_slice);
    let (ns, c) = (name("ns"), name("c"));
    assert_eq!(row(&[b"g", &ns, &c, &name(sha256(b"k"))]), Some(&[1, 2, 0][..]));
    let place = [&3_u64.to_be_bytes()[..], &0_u64.to_be_bytes(), &ns, &c].concat();
    assert_eq!(row(&[b"m", &place]), Some(&[][..]));
    assert_eq!(row(&[b"d", &place]).map(|record| record[16]), Some(b'm'));
}

#[test]
fn a_set_that_waits_has_two_rows() {
    let (_ledgers, ledger) = temporary();
    keep(&ledger, vec![("tx", private_puts(&ledger, &[("k", "v")]))]);
    let store = rows(ledger.transient.table());
    assert_eq!(kinds(&store), "as");
    let (key, set) = store.iter().find(|(key, _)| key[0] == b's').unwrap();
    let mut set = Bytes(set);
    assert_eq!(set.u64(), 1, "the height");
    assert!(TxPvtReadWriteSet::decode(set.0).is_ok());
    let hash = sha256(set.0);
    assert_eq!(key, &[&b"s"[..], &name("tx"), &hash].concat());
    let age = [&b"a"[..], &1_u64.to_be_bytes(), &name("tx"), &hash].concat();
    let mut age = Bytes(&store[&age]);
    assert_eq!(age.u64(), set.0.len() as u64);
    assert!(age.u64() > 0, "seconds since 1970");
    assert_eq!(age.0, sha256(b"client"));
}
