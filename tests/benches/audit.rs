//! Audits a channel with blocks of 500 transfers: every block is validated again, every transfer
//! runs again and is compared. Without signatures, and with them.
#![allow(missing_docs, clippy::unwrap_used, clippy::print_stdout)]

mod support;

use std::time::Instant;

use wasmcc_audit::{Audit, AuditConfig, Component, Laboratory, LaboratoryConfig, Totals};
use wasmcc_client as client;
use wasmcc_client::ProposalBuilder;
use wasmcc_node::sandbox::{CHANNEL, Sandbox};
use wasmcc_peer::chaincode::StandIn;
use wasmcc_tests::measure::median;
use wasmcc_types::proto::common::Block;

const TXS: usize = 500;
const BLOCKS: usize = 20;
const ROUNDS: usize = 5;

/// Returns a channel of transfers between pairs of accounts, without conflicts.
fn channel(wasm: &[u8]) -> Vec<Block> {
    let sandbox = Sandbox::new().unwrap();
    sandbox.deploy("transfer", wasm).unwrap();
    let user = sandbox.identity("User1").unwrap();
    let committer = sandbox.peer().committer(CHANNEL).unwrap();
    let commit = |calls: Vec<Vec<String>>| {
        let envelope = |args: Vec<String>| {
            let signed = ProposalBuilder::new(CHANNEL, "transfer").args(args).sign(&user).signed;
            let response = sandbox.peer().process(signed.clone()).unwrap().response;
            let transaction = client::transaction(&signed, &[response]).unwrap();
            client::sign_envelope(transaction, &user)
        };
        committer.commit_envelopes(calls.into_iter().map(envelope).collect()).unwrap();
    };
    let owned = |words: [&str; 3]| words.map(str::to_owned).to_vec();
    for side in ["from", "to"] {
        let open = |index| owned(["open", &format!("{side}{index}"), "1000000"]);
        commit((0..TXS).map(open).collect());
    }
    for _ in 0..BLOCKS {
        let transfer = |index: usize| {
            let mut args = owned(["transfer", &format!("from{index}"), &format!("to{index}")]);
            args.push("1".into());
            args
        };
        commit((0..TXS).map(transfer).collect());
    }
    let ledger = committer.channel().ledger();
    (0..ledger.height()).map(|number| ledger.block(number).unwrap().unwrap()).collect()
}

/// Returns the transactions per second.
fn audit(wasm: &[u8], blocks: &[Block], signatures: bool) -> f64 {
    let code = StandIn::read(wasm.to_vec()).unwrap();
    let component = Component { name: "transfer".into(), version: None, code };
    let laboratory = Laboratory::new(LaboratoryConfig::default(), &[component]).unwrap();
    let config = AuditConfig { signatures, ..AuditConfig::default() };
    let mut audit = Audit::new(laboratory, config, None);
    let mut totals = Totals::default();
    let blocks = blocks.to_vec();
    let start = Instant::now();
    for block in blocks {
        let report = audit.look_at(&block).unwrap();
        audit.add(block).unwrap();
        totals.add(&report.totals);
    }
    let seconds = start.elapsed().as_secs_f64();
    assert_eq!(totals.same as usize, TXS * (BLOCKS + 2));
    assert!(totals.is_clean());
    totals.transactions as f64 / seconds
}

fn main() {
    let wasm = support::guest("transfer");
    let blocks = channel(&wasm);
    let rate =
        |signatures| median((0..ROUNDS).map(|_| audit(&wasm, &blocks, signatures)).collect());
    println!("audit: tx_per_s {:.0}", rate(false));
    println!("audit: with_signatures_tx_per_s {:.0}", rate(true));
}
