//! Commit of 500-transaction blocks to a ledger on disk: versions checked, block and state flushed.
//! Each transaction reads two keys and writes two, none of them in conflict. No signatures.
#![allow(missing_docs, clippy::unwrap_used)]

use std::sync::Arc;
use std::time::{Duration, Instant};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use prost::Message;
use wasmcc::client::{self, ProposalBuilder};
use wasmcc::ledger::{
    CommitTx, Ledger, LedgerConfig, Ledgers, NoCollections, TxEnvelope, header_hash, new_block,
};
use wasmcc::msp::{Network, NetworkSpec, SigningIdentity};
use wasmcc::proto::common::Block;
use wasmcc::proto::protos;
use wasmcc::types::ChannelId;

const TXS: usize = 500;

/// A transaction as a client submits it; the signature is no one's, since none is checked.
fn envelope(ledger: &Arc<Ledger>, user: &SigningIdentity, block: u64, index: usize) -> Vec<u8> {
    let proposal = ProposalBuilder::new("mychannel", "cc").args(["transfer"]).sign(user);
    let mut simulator = ledger.simulator(&proposal.tx_id);
    for account in ["from", "to"] {
        let key = format!("{account}{:06}", (block as usize % 20) * TXS + index);
        let balance = simulator.get_state("cc", &key).unwrap().map_or(0, |value| value.len());
        let record = format!(r#"{{"owner":"{key}","balance":{:<40}}}"#, balance + index);
        simulator.put_state("cc", &key, record.into_bytes()).unwrap();
    }
    let action = protos::ChaincodeAction {
        results: simulator.finish().public.encode(),
        events: Vec::new(),
        response: Some(protos::Response { status: 200, ..Default::default() }),
        chaincode_id: Some(protos::ChaincodeId { name: "cc".into(), ..Default::default() }),
    };
    let payload = protos::ProposalResponsePayload {
        proposal_hash: vec![0; 32],
        extension: action.encode_to_vec(),
    };
    let response = protos::ProposalResponse {
        version: 1,
        response: action.response.clone(),
        payload: payload.encode_to_vec(),
        endorsement: Some(protos::Endorsement {
            endorser: user.serialized().to_vec(),
            signature: vec![0; 71],
        }),
        ..Default::default()
    };
    let mut envelope = client::transaction(&proposal.signed, &[response]).unwrap();
    envelope.signature = vec![0; 71];
    envelope.encode_to_vec()
}

fn next_block(ledger: &Arc<Ledger>, user: &SigningIdentity) -> Block {
    let number = ledger.height();
    let tip = ledger.block(number - 1).unwrap().unwrap().header.unwrap();
    let envelopes = (0..TXS).map(|index| envelope(ledger, user, number, index)).collect();
    new_block(number, header_hash(&tip).to_vec(), envelopes)
}

/// What the committer does besides signatures and policies: read, judge, store.
fn commit(ledger: &Ledger, block: Block) -> usize {
    let txs = block.data.as_ref().unwrap().data.iter().map(|bytes| {
        let envelope = TxEnvelope::parse(bytes).unwrap();
        CommitTx {
            tx_id: Some(envelope.channel_header.tx_id.clone()),
            code: protos::TxValidationCode::Valid,
            rwset: envelope.rwset().unwrap(),
        }
    });
    let txs = txs.collect();
    let committed = ledger.commit(block, txs, &NoCollections).unwrap();
    committed.codes.iter().filter(|code| **code == protos::TxValidationCode::Valid).count()
}

fn benches(c: &mut Criterion) {
    let dir = tempfile::tempdir().unwrap();
    let ledgers = Ledgers::open(dir.path(), LedgerConfig::default()).unwrap();
    let network = Network::in_memory(&NetworkSpec::default()).unwrap();
    let genesis = network.genesis(ChannelId::parse("mychannel").unwrap()).block().unwrap();
    let ledger = ledgers.create(&genesis).unwrap();
    let user = network.orgs().first().unwrap().user("User1").unwrap();
    assert_eq!(commit(&ledger, next_block(&ledger, &user)), TXS);

    let mut group = c.benchmark_group("commit");
    group.throughput(Throughput::Elements(TXS as u64)).sample_size(20);
    group.measurement_time(Duration::from_secs(10));
    group.bench_function("block_of_500", |b| {
        b.iter_custom(|blocks| {
            let mut spent = Duration::ZERO;
            for _ in 0..blocks {
                let block = next_block(&ledger, &user);
                let start = Instant::now();
                let valid = commit(&ledger, block);
                spent += start.elapsed();
                assert_eq!(valid, TXS);
            }
            spent
        });
    });
    group.finish();
}

criterion_group!(commit_benches, benches);
criterion_main!(commit_benches);
