//! Audits: a channel is followed from its genesis block, and every chaincode transaction runs
//! again.

use std::fs;

use serde_json::{Value, json};
use wasmcc_audit::{Audit, AuditConfig, Component, Kind, Laboratory, LaboratoryConfig, Totals};
use wasmcc_client as client;
use wasmcc_client::ProposalBuilder;
use wasmcc_ledger::LedgerConfig;
use wasmcc_msp::NetworkSpec;
use wasmcc_peer::chaincode::StandIn;
use wasmcc_tests::past::{forged_chain, golden_blocks, with_results, write_blocks};
use wasmcc_tests::program::{Run, Site};
use wasmcc_tests::{Peers, create_channel, deploy, guest, guest_path, process, submit, user};
use wasmcc_types::proto::common::Block;
use wasmcc_types::proto::protos::TxValidationCode;

const CHANNEL: &str = "mychannel";

fn component(name: &str, guest_name: &str) -> String {
    format!("{name}={}", guest_path(guest_name).display())
}

fn laboratory(names: &[&str], ledger: LedgerConfig) -> Laboratory {
    let components = names.iter().map(|name| Component {
        name: (*name).to_owned(),
        version: None,
        code: StandIn::read(guest(name)).unwrap(),
    });
    let config = LaboratoryConfig { ledger, ..LaboratoryConfig::default() };
    Laboratory::new(config, &components.collect::<Vec<_>>()).unwrap()
}

/// Audits blocks; returns the totals, and each finding with block, kind and reasons.
fn audited(
    laboratory: Laboratory,
    blocks: Vec<Block>,
    config: AuditConfig,
) -> (Totals, Vec<(u64, Kind, String)>) {
    let mut audit = Audit::new(laboratory, config, None);
    let (mut totals, mut findings) = (Totals::default(), Vec::new());
    for block in blocks {
        let report = audit.look_at(&block).unwrap();
        audit.add(block).unwrap();
        totals.add(&report.totals);
        findings.extend(report.findings.into_iter().map(|found| {
            let differences = found.differences.iter().map(|it| format!("{}: {}", it.what, it.now));
            let all = found.reasons.iter().cloned().chain(differences).collect::<Vec<_>>();
            (found.block, found.kind, all.join("; "))
        }));
    }
    (totals, findings)
}

fn leveldb() -> LedgerConfig {
    LedgerConfig { rich_queries: false, cache_bytes: 16 << 20, ..LedgerConfig::default() }
}

/// Returns the captured channel with another write by `vec mput` in block 14.
fn forged() -> Vec<Block> {
    let forge = |number, _, entry: Vec<u8>| match number {
        14 => with_results(&entry, |rwset| {
            let writes = rwset.namespaces.get_mut("vec").map(|namespace| &mut namespace.writes);
            if let Some(write) = writes.and_then(|writes| writes.first_mut()) {
                write.value = b"forged".to_vec();
                write.is_delete = false;
            }
        }),
        _ => entry,
    };
    forged_chain(forge)
}

#[test]
fn a_real_peers_channel_is_clean_but_for_what_no_block_holds() {
    let site = Site::new();
    write_blocks(&site.path("golden.blocks"), &golden_blocks());
    let (vec, gocc) = (component("vec", "vec"), component("gocc", "gocc"));
    let words = ["--component", &vec, "--component", &gocc, "--blocks", "golden.blocks"];
    let words = [&["audit", "--no-rich-queries", "--json"][..], &words].concat();
    let report = site.run(&words).ok().json();
    assert_eq!(report["clean"], true, "{report:#}");
    let expected = json!({
        "blocks": 46, "transactions": 57, "of_others": 15,
        "same": 37, "differ": 0, "unknown": 5, "not_run": 0, "wrong_verdicts": 0,
        "reasons": { "transient data": 4, "private data": 1 },
    });
    assert_eq!(report["totals"], expected);
    let functions: Vec<&Value> =
        report["findings"].as_array().unwrap().iter().map(|found| &found["function"]).collect();
    assert_eq!(functions, ["ppriv", "ppriv", "ppriv", "gpriv", "ppriv"]);
    // Without the called chaincode, one more transaction is unknown.
    let words = ["audit", "--no-rich-queries", "--component", &vec, "--blocks", "golden.blocks"];
    let text = site.run(&words).ok().out;
    assert!(text.contains("it calls chaincode gocc, which cannot run here"), "{text}");
    assert!(text.contains("\n35 had the endorsed result, 0 differ, 6 are unknown"), "{text}");
}

#[test]
fn a_forged_result_is_found_by_running_the_transaction_again() {
    let config = AuditConfig { signatures: false, ..AuditConfig::default() };
    let honest = forged_chain(|_, _, entry| entry);
    let (totals, _) = audited(laboratory(&["vec", "gocc"], leveldb()), honest, config);
    assert_eq!((totals.differ, totals.same), (0, 37));
    let (totals, findings) = audited(laboratory(&["vec", "gocc"], leveldb()), forged(), config);
    assert_eq!((totals.differ, totals.same), (1, 36));
    assert!(!totals.is_clean());
    let (block, _, why) = findings.iter().find(|found| found.1 == Kind::Differs).unwrap();
    assert_eq!(*block, 14);
    assert!(why.starts_with("write of vec/"), "{why}");
}

#[test]
fn a_forged_result_has_a_verdict_that_its_signatures_do_not_lead_to() {
    let config = AuditConfig::default();
    let (totals, findings) = audited(laboratory(&["vec", "gocc"], leveldb()), forged(), config);
    assert_eq!((totals.wrong_verdicts, totals.differ), (1, 1));
    let (block, _, why) = findings.iter().find(|found| found.1 == Kind::Verdict).unwrap();
    assert_eq!(*block, 14);
    assert!(why.contains("signatures and policies lead to BAD_CREATOR_SIGNATURE"), "{why}");
}

#[test]
fn an_audit_goes_on_where_it_was_interrupted() {
    let site = Site::new();
    let blocks = golden_blocks();
    write_blocks(&site.path("all.blocks"), &blocks);
    write_blocks(&site.path("some.blocks"), &blocks[..30]);
    let torn = fs::read(site.path("all.blocks")).unwrap();
    fs::write(site.path("torn.blocks"), &torn[..torn.len() - 100]).unwrap();
    let vec = component("vec", "vec");
    let audit = |file: &str, more: &[&str]| {
        let words = ["audit", "--no-rich-queries", "--component", &vec, "--blocks", file];
        site.run(&[&words[..], &["--json"], more].concat())
    };
    let once = audit("all.blocks", &[]).ok().json();
    let some = audit("some.blocks", &["--resume", "work"]).ok().json();
    assert_eq!(some["totals"]["blocks"], 30);
    let torn: Run = audit("torn.blocks", &["--resume", "work"]);
    assert_eq!(torn.code, Some(1));
    let torn = torn.json();
    assert_eq!((&torn["complete"], &torn["totals"]["blocks"]), (&json!(false), &json!(45)));
    let error = torn["error"].as_str().unwrap();
    assert!(error.contains("ends in the middle of it"), "{error}");
    let whole = audit("all.blocks", &["--resume", "work"]).ok().json();
    assert_eq!(whole, once);
    let again = audit("all.blocks", &["--resume", "work"]).ok().json();
    assert_eq!(again, once);
    // An audit with other options is another audit.
    let words = ["--resume", "work", "--skip-signatures", "--memory-mib", "16"];
    let other = audit("all.blocks", &words).failed(1);
    assert!(other.contains("with other components or options"), "{other}");
    let (there, now) =
        other.split_once("\n  there: --component vec=").unwrap().1.split_once('\n').unwrap();
    assert!(there.ends_with(" --no-rich-queries"), "{other}");
    let now = now.lines().next().unwrap();
    assert!(now.ends_with(" --memory-mib 16 --no-rich-queries --skip-signatures"), "{other}");
}

#[test]
fn an_audit_goes_on_only_with_the_chain_that_it_began_with() {
    let site = Site::new();
    let blocks = golden_blocks();
    write_blocks(&site.path("all.blocks"), &blocks);
    write_blocks(&site.path("short.blocks"), &blocks[..45]);
    write_blocks(&site.path("other.blocks"), &forged());
    let mut damaged = blocks.clone();
    let entry = &mut damaged[5].data.as_mut().unwrap().data[0];
    *entry = [&entry[..], &[0]].concat().into();
    write_blocks(&site.path("damaged.blocks"), &damaged);
    let mut judged = blocks;
    judged[5].metadata.as_mut().unwrap().metadata[2].fill(7);
    write_blocks(&site.path("judged.blocks"), &judged);
    let vec = component("vec", "vec");
    let audit = |file: &str| {
        let words = ["audit", "--no-rich-queries", "--skip-signatures", "--component", &vec];
        site.run(&[&words[..], &["--blocks", file, "--resume", "work", "--json"]].concat())
    };
    let first = audit("all.blocks").ok().json();
    for (file, expected) in [
        ("short.blocks", "the source has 45 blocks, and 46 of the channel were audited before"),
        ("other.blocks", "block 14 is not the one that was audited before, its header differs"),
        ("damaged.blocks", "the data of block 5 does not match the data hash in its header"),
        ("judged.blocks", "block 5 is not the one that was audited before, its verdicts differ"),
    ] {
        let run = audit(file);
        assert_eq!(run.json().get("clean"), None, "{run:?}");
        let error = run.failed(1);
        assert!(error.contains(expected), "{error}");
    }
    assert_eq!(audit("all.blocks").ok().json(), first);
}

#[test]
fn an_audit_of_a_peer_goes_on_only_with_the_chain_that_it_began_with() {
    let site = Site::new();
    let component = component("probe", "probe");
    let audit = ["audit", "--component", &component, "--resume", "work", "--json"];
    let peer = site.peer(&["--data", "data"]);
    peer.deploy("probe");
    peer.invoke("probe", &["put", "k", "v"]);
    let first = peer.run(&audit).ok().json();
    assert_eq!(peer.run(&audit).ok().json(), first);
    peer.terminate().ok();
    let other = site.peer(&["--data", "other"]);
    other.deploy("probe");
    let follow = [&audit[..], &["--follow"]].concat();
    let error = other.run(&follow).failed(1);
    assert!(error.contains("the source has 2 blocks, and 3 of the channel"), "{error}");
    other.invoke("probe", &["put", "k", "v"]);
    let error = other.run(&audit).failed(1);
    assert!(error.contains("block 2 is not the one that was audited before"), "{error}");
}

#[test]
fn a_refused_audit_leaves_its_folder_to_the_corrected_one() {
    let site = Site::new();
    write_blocks(&site.path("golden.blocks"), &golden_blocks());
    fs::write(site.path("empty.blocks"), "").unwrap();
    let vec = component("vec", "vec");
    let audit = |more: &[&str]| {
        let words = ["audit", "--component", &vec, "--resume", "work"];
        site.run(&[&words[..], more].concat())
    };
    for (source, why) in [
        (["--blocks", "gone.blocks"], "cannot open gone.blocks"),
        (["--blocks", "empty.blocks"], "empty.blocks is empty, without any block"),
        (["--data", "gone"], "there is no ledger in gone/ledger"),
    ] {
        let error = audit(&source).failed(1);
        assert!(error.contains(why), "{error}");
        assert!(!site.path("work").exists());
    }
    audit(&["--blocks", "golden.blocks", "--no-rich-queries"]).ok();
}

#[test]
fn a_running_peer_is_followed_and_its_folder_knows_the_private_data() {
    let site = Site::new();
    let peer = site.peer(&["--data", "data"]);
    peer.deploy_with_collection("probe", "open");
    peer.invoke("probe", &["put", "k", "v"]);
    peer.invoke("probe", &["pput", "open", "secret", "x"]);
    peer.invoke("probe", &["then", "pget", "open", "secret", ";", "put", "seen", "1"]);
    let probe = component("probe", "probe");
    let audit = ["audit", "--component", &probe, "--json"];
    let followed = peer.run(&audit).ok().json();
    let totals = &followed["totals"];
    assert_eq!((&totals["same"], &totals["unknown"]), (&json!(2), &json!(1)), "{followed:#}");
    assert_eq!(totals["reasons"], json!({ "private data": 1 }));

    // Another component would have had other results.
    let other = component("probe", "transfer");
    let other = peer.run(&["audit", "--component", &other, "--json"]);
    assert_eq!(other.code, Some(1));
    assert_eq!(other.json()["totals"]["differ"], 3);
    let in_use = site.run(&[&audit[..], &["--data", "data"]].concat()).failed(1);
    let hint = "\n  hint: a running peer is asked with --network and --peer";
    assert!(in_use.contains(hint), "{in_use}");
    peer.terminate().ok();

    let totals = site.run(&[&audit[..], &["--data", "data"]].concat()).ok().json();
    assert_eq!(totals["totals"]["same"], 3, "{totals:#}");
    let gone = site.start_at("127.0.0.1:1", &audit).end().failed(1);
    assert!(gone.contains("cannot connect") || gone.contains("127.0.0.1:1"), "{gone}");
}

#[test]
fn limits_of_the_audit_end_a_component_that_does_too_much() {
    let site = Site::new();
    write_blocks(&site.path("golden.blocks"), &golden_blocks());
    let vec = component("vec", "vec");
    let words = ["audit", "--component", &vec, "--blocks", "golden.blocks", "--fuel", "1000"];
    let report = site.run(&[&words[..], &["--no-rich-queries", "--json"]].concat()).ok().json();
    assert_eq!((&report["totals"]["not_run"], &report["totals"]["same"]), (&json!(41), &json!(0)));
    let now = &report["findings"][0]["differences"][0]["now"];
    assert!(now.as_str().unwrap().contains("more than 1000 units of work"), "{now}");
}

#[test]
fn what_cannot_be_audited_is_refused_with_the_reason() {
    let site = Site::new();
    fs::write(site.path("text.wasm"), "no component").unwrap();
    fs::write(site.path("empty.blocks"), "").unwrap();
    fs::write(site.path("odd.blocks"), [9, 1, 2]).unwrap();
    let vec = component("vec", "vec");
    for (words, expected) in [
        (&["--component", "vec=text.wasm", "--blocks", "empty.blocks"][..], "neither a component"),
        (&["--component", "vec=gone.wasm", "--blocks", "empty.blocks"], "cannot read gone.wasm"),
        (&["--component", &vec, "--blocks", "gone.blocks"], "cannot open gone.blocks"),
        (&["--component", &vec, "--blocks", "odd.blocks"], "the file ends in the middle of it"),
        (&["--component", &vec, "--blocks", "empty.blocks"], "empty.blocks is empty"),
        (&["--component", &vec, "--data", "gone"], "error: there is no ledger in gone/ledger"),
    ] {
        let error = site.run(&[&["audit"][..], words].concat()).failed(1);
        assert!(error.contains(expected), "{words:?}: {error}");
    }
    // The error names the file; no other command can read it, either.
    let odd = site.run(&["audit", "--component", &vec, "--blocks", "odd.blocks"]).failed(1);
    assert!(odd.starts_with("error: odd.blocks cannot be read: block 0 in the file"), "{odd}");
    assert!(!odd.contains("--resume"), "{odd}");
    let replay = site.run(&["replay", "0:0", "--data", "gone"]).failed(1);
    let expected = "error: there is no ledger in gone/ledger: --data is a peer's data folder\n  \
                    hint: a running peer is asked with --network and --peer\n";
    assert_eq!(replay, expected);
    let twice = ["--component", &vec, "--component", &vec, "--blocks", "odd.blocks"];
    for words in [&["--blocks", "empty.blocks"][..], &["--component", "vec"], &twice] {
        site.run(&[&["audit"][..], words].concat()).failed(2);
    }
}

#[test]
fn a_component_of_a_chaincode_that_the_channel_has_not_is_refused() {
    let site = Site::new();
    write_blocks(&site.path("golden.blocks"), &golden_blocks());
    let (vec, nosuch) = (component("vec", "vec"), component("nosuch", "vec"));
    let audit = ["audit", "--no-rich-queries", "--blocks", "golden.blocks", "--json"];
    for components in
        [&["--component", &nosuch][..], &["--component", &vec, "--component", &nosuch]]
    {
        let run = site.run(&[&audit[..], components].concat());
        let report = run.json();
        let error = run.failed(1);
        let text = "has no chaincode nosuch in its 46 blocks, so nothing was audited for it";
        assert!(error.contains(text) && error.contains(", vec"), "{error}");
        assert_eq!(report["clean"], false);
    }
}

/// Returns a chain with a transaction that was endorsed one block before its own, with a query that
/// is not recorded.
fn chain_with_a_late_transaction(args: &[&str]) -> Vec<Block> {
    let peers = Peers::new(&NetworkSpec::default());
    let peer = peers.peer(|_| {});
    create_channel(&peer, CHANNEL);
    deploy(&peer, CHANNEL, "probe", "probe");
    let user = user(&peer);
    let put = |value: &str| ProposalBuilder::new(CHANNEL, "probe").args(["put", "k", value]);
    assert_eq!(submit(&peer, CHANNEL, put("1"), &user), Ok(TxValidationCode::Valid));
    let late = ProposalBuilder::new(CHANNEL, "probe").args(args.iter().copied()).sign(&user);
    let endorsed = process(&peer, late.signed.clone()).unwrap().response;
    assert_eq!(submit(&peer, CHANNEL, put("2"), &user), Ok(TxValidationCode::Valid));
    let envelope = client::transaction(&late.signed, &[endorsed]).unwrap();
    let envelope = client::sign_envelope(envelope, &user);
    let committer = peer.committer(CHANNEL).unwrap();
    committer.commit_envelopes(vec![envelope]).unwrap();
    let ledger = committer.channel().ledger();
    (0..ledger.height()).map(|number| ledger.block(number).unwrap().unwrap()).collect()
}

#[test]
fn an_unrecorded_query_is_asked_again_at_the_height_of_the_endorsement() {
    let blocks = chain_with_a_late_transaction(&["then", "history", "k", ";", "put", "x", "1"]);
    let rich = || laboratory(&["probe"], LedgerConfig::default());
    let (totals, findings) = audited(rich(), blocks.clone(), AuditConfig::default());
    assert_eq!((totals.same, findings.len()), (3, 0), "{findings:?}");
    // Without the older height the result is unknown, and the audit reports the reason.
    let config = AuditConfig { heights: 1, ..AuditConfig::default() };
    let (totals, findings) = audited(rich(), blocks, config);
    assert_eq!((totals.same, totals.unknown), (2, 1));
    let (_, _, why) = &findings[0];
    assert!(why.contains("it reads the history of key k of probe, unrecorded"), "{why}");
}

#[test]
fn a_loser_runs_on_the_state_that_it_has_read() {
    let blocks = chain_with_a_late_transaction(&["rmw", "k", "+"]);
    let rich = || laboratory(&["probe"], LedgerConfig::default());
    let (totals, findings) = audited(rich(), blocks.clone(), AuditConfig::default());
    assert_eq!((totals.same, findings.len()), (3, 0), "{findings:?}");
    let config = AuditConfig { heights: 1, ..AuditConfig::default() };
    let (totals, findings) = audited(rich(), blocks, config);
    assert_eq!((totals.same, totals.not_run), (2, 1));
    assert!(findings[0].2.contains("no state of the last 1 blocks fits its reads"));
}

#[test]
fn threads_come_to_what_one_thread_comes_to() {
    let peers = Peers::new(&NetworkSpec::default());
    let peer = peers.peer(|_| {});
    create_channel(&peer, CHANNEL);
    deploy(&peer, CHANNEL, "probe", "probe");
    let user = user(&peer);
    let envelope = |index: usize| {
        let key = format!("k{}", index % 30);
        let call = ProposalBuilder::new(CHANNEL, "probe").args(["rmw", &key, "x"]).sign(&user);
        let endorsed = process(&peer, call.signed.clone()).unwrap().response;
        let envelope = client::transaction(&call.signed, &[endorsed]).unwrap();
        client::sign_envelope(envelope, &user)
    };
    let committer = peer.committer(CHANNEL).unwrap();
    committer.commit_envelopes((0..40).map(envelope).collect()).unwrap();
    let ledger = committer.channel().ledger();
    let blocks: Vec<_> =
        (0..ledger.height()).map(|number| ledger.block(number).unwrap().unwrap()).collect();
    for threads in [0, 1, 3] {
        let config = AuditConfig { threads, ..AuditConfig::default() };
        let (totals, findings) =
            audited(laboratory(&["probe"], LedgerConfig::default()), blocks.clone(), config);
        assert_eq!((totals.same, findings.len()), (40, 0), "{threads}");
    }
}
