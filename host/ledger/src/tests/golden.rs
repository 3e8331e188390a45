//! Compares the ledger with bytes of real Fabric peers.

use std::collections::BTreeSet;
use std::path::Path;

use prost::Message;

use crate::test_support::{
    CHANNEL, commit_tx, envelopes, golden_blocks, golden_dir, leveldb_config, simulate,
};
use crate::{CommittedTx, Ledger, Ledgers, NoCollections, TxEnvelope, TxRwSet, block};
use wasmcc_types::proto::common::Block;
use wasmcc_types::proto::kvrwset::RangeQueryInfo;
use wasmcc_types::proto::kvrwset::range_query_info::ReadsInfo;
use wasmcc_types::proto::protos::{
    ChaincodeAction, ProposalResponse, ProposalResponsePayload, TxValidationCode,
};

/// Commits a golden block without verdicts and commit hash, and expects the same block with them.
fn replay(ledger: &Ledger, golden: &Block) {
    let number = golden.header.as_ref().unwrap().number;
    let mut body = golden.clone();
    block::set_outcome(&mut body, &[], None);
    // Policies are evaluated above the ledger; this is the only block with such a verdict.
    let code = if number == 37 {
        TxValidationCode::EndorsementPolicyFailure
    } else {
        TxValidationCode::Valid
    };
    let txs = envelopes(golden).iter().map(|envelope| commit_tx(envelope, code)).collect();
    let committed = ledger.commit(body, txs, &NoCollections).unwrap();
    let codes: Vec<_> = committed.codes().iter().map(|code| *code as i32 as u8).collect();
    assert_eq!(codes, block::tx_filter(golden), "verdicts of block {number}");
    for CommittedTx { code, conflict } in &committed.txs {
        let lost = matches!(
            code,
            TxValidationCode::MvccReadConflict | TxValidationCode::PhantomReadConflict
        );
        assert_eq!(conflict.is_some(), lost, "block {number}: {conflict:?}");
    }
    let hash = block::commit_hash(golden).unwrap_or_default();
    assert_eq!(committed.commit_hash, hash, "commit hash of block {number}");
    assert_eq!(&committed.block, golden, "block {number}");
}

#[test]
fn data_hashes_and_header_chain_are_recomputed() {
    let mut previous = Vec::new();
    for golden in golden_blocks() {
        let header = golden.header.unwrap();
        assert_eq!(block::data_hash(&golden.data.unwrap())[..], header.data_hash);
        assert_eq!(header.previous_hash, previous, "block {}", header.number);
        previous = block::header_hash(&header).to_vec();
    }
}

#[test]
fn all_blocks_replay_to_the_same_verdicts_and_commit_hashes() {
    let dir = tempfile::tempdir().unwrap();
    let golden = golden_blocks();
    let (first, second) = golden.split_at(23);

    let ledgers = Ledgers::open(dir.path(), leveldb_config()).unwrap();
    let ledger = ledgers.create(&first[0]).unwrap();
    assert_eq!(ledger.block(0).unwrap().unwrap(), first[0], "genesis block");
    for golden in &first[1..] {
        replay(&ledger, golden);
    }
    let info = ledger.info();
    drop(ledger);
    drop(ledgers);

    let ledgers = Ledgers::open(dir.path(), leveldb_config()).unwrap();
    let ledger = ledgers.get(CHANNEL).unwrap();
    assert_eq!(ledger.info(), info);
    for golden in second {
        replay(&ledger, golden);
    }
    drop(ledger);
    drop(ledgers);

    // The blocks alone are sufficient.
    std::fs::remove_dir_all(dir.path().join("state")).unwrap();
    let ledgers = Ledgers::open(dir.path(), leveldb_config()).unwrap();
    let ledger = ledgers.get(CHANNEL).unwrap();
    assert_eq!(ledger.height(), 46);
    for (number, golden) in golden.iter().enumerate() {
        assert_eq!(ledger.block(number as u64).unwrap().as_ref(), Some(golden));
        let hash = block::header_hash(golden.header.as_ref().unwrap());
        assert_eq!(ledger.block_by_hash(&hash).unwrap().as_ref(), Some(golden));
        for (index, envelope) in envelopes(golden).iter().enumerate() {
            let parsed = TxEnvelope::parse(envelope).unwrap();
            let tx_id = &parsed.channel_header.tx_id;
            if tx_id.is_empty() {
                continue;
            }
            let (code, block) = ledger.tx_validation(tx_id).unwrap().unwrap();
            assert_eq!(
                (code as i32 as u8, block),
                (block::tx_filter(golden)[index], number as u64)
            );
            let tx = ledger.transaction_by_id(tx_id).unwrap().unwrap();
            assert_eq!(tx.transaction_envelope.unwrap().encode_to_vec(), *envelope);
            assert_eq!(ledger.block_by_tx_id(tx_id).unwrap().as_ref(), Some(golden));
        }
    }
}

/// Repeats every range query that the golden transactions recorded, on the same state and with as
/// many reads. The records are the same: raw reads and Merkle summaries.
#[test]
fn recorded_ranges_are_made_again() {
    let ledgers = Ledgers::temporary(leveldb_config()).unwrap();
    let golden = golden_blocks();
    let ledger = ledgers.create(&golden[0]).unwrap();
    let mut levels = BTreeSet::new();
    for golden in &golden[1..] {
        let number = golden.header.as_ref().unwrap().number;
        for (envelope, code) in envelopes(golden).iter().zip(block::tx_filter(golden)) {
            let Some(rwset) = TxEnvelope::parse(envelope).unwrap().rwset().unwrap() else {
                continue;
            };
            for (namespace, ns) in &rwset.namespaces {
                for query in &ns.range_queries {
                    // The third transaction of block 20 saw a state without a key that an earlier
                    // transaction of the block puts. That is also the state before the block.
                    assert!(*code == 0 || number == 20);
                    let again = scan_again(&ledger, namespace, query);
                    assert_eq!(&again, query, "block {number}");
                    levels.insert(match &query.reads_info {
                        None => (0, 0),
                        Some(ReadsInfo::RawReads(_)) => (0, 1),
                        Some(ReadsInfo::ReadsMerkleHashes(tree)) => (tree.max_level, 2),
                    });
                }
            }
        }
        replay(&ledger, golden);
    }
    assert!(levels.contains(&(0, 1)) && levels.contains(&(1, 2)) && levels.contains(&(2, 2)));
}

fn scan_again(
    ledger: &std::sync::Arc<Ledger>,
    namespace: &str,
    query: &RangeQueryInfo,
) -> RangeQueryInfo {
    let end = if query.itr_exhausted { query.end_key.as_str() } else { "" };
    let again = simulate(ledger, |simulator| {
        let id = simulator.range(namespace, &query.start_key, end).unwrap();
        while let Some(row) = simulator.next_row(id).unwrap() {
            if !query.itr_exhausted && row.key == query.end_key {
                break;
            }
        }
    });
    again.namespaces[namespace].range_queries[0].clone()
}

#[test]
fn all_golden_rwsets_encode_to_the_same_bytes() {
    let mut sets = Vec::new();
    for golden in golden_blocks() {
        for envelope in envelopes(&golden) {
            let parsed = TxEnvelope::parse(envelope).unwrap();
            if parsed.is_endorser_tx() {
                sets.push(parsed.action().unwrap().results.to_vec());
            }
        }
    }
    let in_blocks = sets.len();
    responses(&golden_dir(), &mut sets);
    assert!(in_blocks > 50 && sets.len() > 120, "{in_blocks} of {}", sets.len());
    for bytes in sets {
        let set = TxRwSet::decode(&bytes).unwrap();
        assert_eq!(set.encode(), bytes);
    }
}

/// The read-write sets of all stored proposal responses below a folder.
fn responses(dir: &Path, sets: &mut Vec<Vec<u8>>) {
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_dir() {
            responses(&path, sets);
        } else if name.ends_with(".proposalresponse") || name.ends_with(".proposal_response.bin") {
            let bytes = std::fs::read(&path).unwrap();
            let response = ProposalResponse::decode(bytes.as_slice()).unwrap();
            let payload = ProposalResponsePayload::decode(response.payload.as_slice()).unwrap();
            let action = ChaincodeAction::decode(payload.extension.as_slice()).unwrap();
            if !action.results.is_empty() {
                sets.push(action.results);
            }
        }
    }
}
