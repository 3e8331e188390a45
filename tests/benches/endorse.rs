//! The overhead of an endorsement over its lower bound: the signature check, the signature and the
//! same component on wasmtime alone. One transfer (two reads, two writes of JSON records) by
//! `ProcessProposal`, from the signed proposal's bytes to the endorsed response.
#![allow(missing_docs, clippy::unwrap_used)]

mod support;

use std::collections::BTreeMap;
use std::hint::black_box;
use std::sync::{Arc, Mutex};

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use prost::Message;
use wasmcc_client::ProposalBuilder;
use wasmcc_msp::{Msp, MspManager, forget_signatures};
use wasmcc_node::sandbox::{CHANNEL, Call, Sandbox};
use wasmcc_types::proto::protos::{ProposalResponse, SignedProposal};

use crate::support::bare::Bare;

fn endorse(c: &mut Criterion) {
    let wasm = support::guest("transfer");
    let sandbox = Sandbox::new().unwrap();
    sandbox.deploy("transfer", &wasm).unwrap();
    for name in ["alice", "bob"] {
        sandbox.submit(Call::new("transfer", "open").args([name, "1000000000"])).unwrap();
    }
    let user = sandbox.identity("User1").unwrap();
    let args = ["transfer", "alice", "bob", "1"];
    let proposal = ProposalBuilder::new(CHANNEL, "transfer").args(args).sign(&user).signed;
    let bytes = proposal.encode_to_vec();
    let mut group = c.benchmark_group("endorse");

    let org = sandbox.peer().network().orgs().first().unwrap().msp_config().clone();
    let msps = MspManager::new([Msp::from_config(&org).unwrap()]);
    let peer = sandbox.peer().network().orgs().first().unwrap().peer().unwrap();
    let creator = msps.deserialize(user.serialized()).unwrap();
    group.bench_function("verify", |b| {
        // A peer has not cached a client's signature.
        b.iter_batched(
            forget_signatures,
            |()| creator.verify(&proposal.proposal_bytes, &proposal.signature).unwrap(),
            BatchSize::PerIteration,
        );
    });
    group.bench_function("sign", |b| b.iter(|| black_box(peer.sign(&proposal.proposal_bytes))));

    let bare = Bare::new(&wasm);
    let record = |name: &str| {
        let record = format!(r#"{{"owner":"{name}","balance":1000000000}}"#);
        (name.to_owned(), record.into_bytes())
    };
    let state = Arc::new(Mutex::new(BTreeMap::from([record("alice"), record("bob")])));
    group.bench_function("bare_wasmtime", |b| {
        b.iter(|| {
            let args = args.iter().map(|arg| arg.as_bytes().to_vec()).collect();
            assert_eq!(bare.invoke(args, Arc::clone(&state)), 200);
        });
    });

    let answer = |bytes: &[u8]| -> ProposalResponse {
        sandbox.peer().process(SignedProposal::decode(bytes).unwrap()).unwrap().response
    };
    assert!(answer(&bytes).endorsement.is_some());
    group.bench_function("process_proposal", |b| {
        b.iter_batched(forget_signatures, |()| answer(&bytes), BatchSize::PerIteration);
    });
    group.finish();
}

criterion_group!(benches, endorse);
criterion_main!(benches);
