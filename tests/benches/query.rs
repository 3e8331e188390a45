//! A rich query that finds 10 of 100,000 documents: by reading all of them, and with an index.
#![allow(missing_docs, clippy::unwrap_used)]

mod support;

use std::sync::Arc;
use std::time::Duration;

use criterion::{Criterion, criterion_group, criterion_main};
use wasmcc_ledger::{
    CommitTx, IndexDefinition, Ledger, LedgerConfig, Ledgers, NoCollections, header_hash, new_block,
};
use wasmcc_msp::{Network, NetworkSpec};
use wasmcc_types::ChannelId;
use wasmcc_types::proto::protos::TxValidationCode;

const BLOCKS: usize = 20;
const DOCUMENTS: usize = 5000;
const OWNERS: usize = 10_000;

const QUERY: &str = r#"{"selector": {"docType": "asset", "owner": "owner00042"}}"#;

/// Commits a block of one transaction that writes documents.
fn commit(ledger: &Arc<Ledger>, block: usize) {
    let tx_id = format!("tx{block}");
    let mut simulator = ledger.simulator(&tx_id);
    for index in 0..DOCUMENTS {
        let number = block * DOCUMENTS + index;
        let owner = number % OWNERS;
        let document = format!(
            concat!(
                r#"{{"docType":"asset","ID":"a{:06}","color":"blue","#,
                r#""size":{},"owner":"owner{:05}"}}"#
            ),
            number, owner, owner
        );
        simulator.put_state("cc", &format!("a{number:06}"), document.into_bytes()).unwrap();
    }
    let number = ledger.height();
    let tip = ledger.block(number - 1).unwrap().unwrap().header.unwrap();
    let rwset = simulator.finish().public;
    let block = new_block(number, header_hash(&tip).to_vec(), vec![rwset.encode()]);
    let tx = CommitTx { tx_id: Some(tx_id), code: TxValidationCode::Valid, rwset: Some(rwset) };
    let committed = ledger.commit(block, vec![tx], &NoCollections).unwrap();
    assert_eq!(committed.codes(), [TxValidationCode::Valid]);
}

fn query(ledger: &Arc<Ledger>) {
    let mut simulator = ledger.simulator("tx");
    let rows = simulator.rich_query("cc", QUERY).unwrap();
    let found = std::iter::from_fn(|| simulator.next_row(rows).unwrap()).count();
    assert_eq!(found, BLOCKS * DOCUMENTS / OWNERS);
}

fn benches(c: &mut Criterion) {
    let ledgers = Ledgers::temporary(LedgerConfig::default()).unwrap();
    let network = Network::in_memory(&NetworkSpec::default()).unwrap();
    let genesis = network.genesis(ChannelId::parse("mychannel").unwrap()).block().unwrap();
    let ledger = ledgers.create(&genesis).unwrap();
    (0..BLOCKS).for_each(|block| commit(&ledger, block));

    let mut group = c.benchmark_group("query");
    group.sample_size(10).measurement_time(Duration::from_secs(5));
    group.bench_function("full_scan", |b| b.iter(|| query(&ledger)));
    let definition = br#"{"index": {"fields": ["owner"]}, "ddoc": "owner", "name": "owner"}"#;
    let definition = IndexDefinition::parse(definition).unwrap();
    assert_eq!(ledger.define_indexes("cc", "", &[definition]).unwrap(), 1);
    group.sample_size(50);
    group.bench_function("indexed", |b| b.iter(|| query(&ledger)));
    group.finish();
}

criterion_group!(query_benches, benches);
criterion_main!(query_benches);
