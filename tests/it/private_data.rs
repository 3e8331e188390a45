//! Private data on a peer of Org1MSP, on a channel that also has clients of Org2MSP.

use std::sync::Arc;

use prost::Message;
use wasmcc_channel::collections::package_from_json;
use wasmcc_client::{ProposalBuilder, lscc};
use wasmcc_msp::{NetworkSpec, SigningIdentity};
use wasmcc_node::sandbox::{CHANNEL, Endorsed, Sandbox};
use wasmcc_tests::{call, guest};
use wasmcc_types::proto::kvrwset::KvrwSet;
use wasmcc_types::proto::protos::{ChaincodeCall, CollectionConfigPackage, TxValidationCode};
use wasmcc_types::sha256;

/// Every organization may read `open`, only Org1MSP `closed`; `short` expires soon.
const COLLECTIONS: &str = r#"[
    {"name":"open","policy":"OR('Org1MSP.member')"},
    {"name":"closed","policy":"OR('Org1MSP.member')","memberOnlyRead":true,"memberOnlyWrite":true},
    {"name":"readers","policy":"OR('Org1MSP.member')","memberOnlyWrite":true},
    {"name":"short","policy":"OR('Org1MSP.member')","blockToLive":2},
    {"name":"theirs","policy":"OR('Org2MSP.member')"},
    {"name":"many","policy":"OR('Org1MSP.member','Org2MSP.member')","requiredPeerCount":1}]"#;

const COLLECTIONS_OF_ONE: &str = r#"[{"name":"open","policy":"OR('Org1MSP.member')"}]"#;

fn definition(name: &str, init: &[&str], collections: &str) -> lscc::Definition {
    lscc::Definition {
        channel_id: CHANNEL.into(),
        name: name.into(),
        version: "1.0".into(),
        init_args: init.iter().map(|word| word.as_bytes().to_vec()).collect(),
        collections: Some(package_from_json(collections).unwrap()),
        ..Default::default()
    }
}

fn sandbox() -> Sandbox {
    let sandbox = Sandbox::builder().network(NetworkSpec::with_orgs(2)).build().unwrap();
    sandbox.deploy_with_collections("probe", &guest("probe"), COLLECTIONS).unwrap();
    sandbox
}

fn submit(sandbox: &Sandbox, line: &str) -> Endorsed {
    sandbox.submit(call("probe", line)).unwrap_or_else(|e| panic!("{line}: {e}")).endorsed
}

fn evaluate(sandbox: &Sandbox, line: &str) -> Endorsed {
    sandbox.evaluate(call("probe", line)).unwrap_or_else(|e| panic!("{line}: {e}"))
}

/// Returns the peer's own text for a proposal that it does not endorse.
fn refused(sandbox: &Sandbox, line: &str) -> String {
    let answer = sandbox.endorse(call("probe", line)).unwrap();
    assert!(answer.proposal_response.endorsement.is_none(), "{line}");
    answer.response.message
}

/// Returns the cause after Fabric's prefix, for a refusal that the chaincode forwards.
fn cause(sandbox: &Sandbox, signer: &Arc<SigningIdentity>, line: &str) -> String {
    let proposal = ProposalBuilder::new(CHANNEL, "probe").args(line.split(' '));
    let answer = sandbox.endorse_as(proposal, signer).unwrap();
    assert_eq!(answer.response.status, 500, "{line}");
    let text = answer.response.message;
    let beginning = format!("failed: transaction ID: {}: ", answer.tx_id);
    let (_, cause) = text.split_once(&beginning).unwrap_or_else(|| panic!("{line}: {text}"));
    cause.to_owned()
}

#[test]
fn values_are_kept_from_the_transaction_on_and_only_hashes_are_public() {
    let sandbox = sandbox();
    let put = submit(&sandbox, "then pput open k secret ; pput open a x");
    let rwset = put.rwset.unwrap();
    let bytes = rwset.encode();
    for word in ["secret", "open/k"] {
        assert!(!bytes.windows(word.len()).any(|bytes| bytes == word.as_bytes()), "{word}");
    }
    let set = &rwset.namespaces["probe"].collections["open"];
    let hashes: Vec<_> = set.writes.iter().map(|write| write.key_hash.as_slice()).collect();
    assert_eq!(hashes, [sha256(b"a"), sha256(b"k")]);
    let kept = sandbox.ledger().private_data("Org1MSP", 2, 0).unwrap().unwrap();
    let kept = &kept.ns_pvt_rwset[0].collection_pvt_rwset[0];
    assert_eq!(sha256(&kept.rwset).as_slice(), set.pvt_rwset_hash);
    let values = KvrwSet::decode(kept.rwset.as_slice()).unwrap().writes;
    assert_eq!(values[1].value, b"secret");
    // The definition's keys are among the reads, as on a Fabric peer.
    let read = |ns: &str| -> Vec<&str> {
        rwset.namespaces[ns].reads.iter().map(|read| read.key.as_str()).collect()
    };
    let asked = ["namespaces/fields/probe/Sequence", "namespaces/metadata/probe"];
    assert_eq!(read("_lifecycle"), asked);
    assert_eq!(read("lscc"), ["probe", "probe~collection"]);

    assert_eq!(evaluate(&sandbox, "pget open k").text(), "secret");
    assert_eq!(evaluate(&sandbox, "pget open nothing").text(), "");
    let hash: String = sha256(b"secret").iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(evaluate(&sandbox, "phash open k").text(), hash);
    assert_eq!(evaluate(&sandbox, "get k").text(), "", "another key than the public one");
    submit(&sandbox, "pdel open k");
    assert_eq!(evaluate(&sandbox, "then pget open k ; phash open k").text(), "");
}

#[test]
fn what_was_simulated_is_no_data_until_it_is_committed() {
    let sandbox = sandbox();
    let endorsed = sandbox.evaluate(call("probe", "pput open k v")).unwrap();
    assert_eq!(evaluate(&sandbox, "pget open k").text(), "");
    let done = sandbox.commit(vec![endorsed]).unwrap();
    assert_eq!(done[0].code, TxValidationCode::Valid);
    assert_eq!(evaluate(&sandbox, "pget open k").text(), "v");
}

#[test]
fn private_data_of_invalid_transactions_are_kept_for_their_block_alone() {
    let sandbox = sandbox();
    let simulate = |value: &str| {
        let line = format!("then get k ; put k x ; pput open k {value}");
        sandbox.evaluate(call("probe", &line)).unwrap()
    };
    let (first, late, mut forged) = (simulate("first"), simulate("late"), simulate("forged"));
    let endorsement = forged.proposal_response.endorsement.as_mut().unwrap();
    endorsement.signature = b"forged".to_vec();
    let done = sandbox.commit(vec![first, late, forged]).unwrap();
    let codes: Vec<_> = done.iter().map(|done| done.code).collect();
    let expected = [
        TxValidationCode::Valid,
        TxValidationCode::MvccReadConflict,
        TxValidationCode::EndorsementPolicyFailure,
    ];
    assert_eq!(codes, expected);
    let block = done[0].block;
    let sets = sandbox.ledger().private_data_of_block("Org1MSP", block).unwrap();
    let values = sets.values().map(|set| {
        let set = &set.ns_pvt_rwset[0].collection_pvt_rwset[0].rwset;
        KvrwSet::decode(set.as_slice()).unwrap().writes[0].value.clone()
    });
    assert_eq!(values.collect::<Vec<_>>(), [&b"first"[..], b"late", b"forged"]);
    // The state has only the valid value, also after later purges.
    assert_eq!(evaluate(&sandbox, "pget open k").text(), "first");
    assert!(sandbox.ledger().missing_private_data(10).unwrap().is_empty());
    submit(&sandbox, "ppurge open k");
    let sets = sandbox.ledger().private_data_of_block("Org1MSP", block).unwrap();
    assert!(sets.values().all(|set| {
        let set = &set.ns_pvt_rwset[0].collection_pvt_rwset[0].rwset;
        KvrwSet::decode(set.as_slice()).unwrap().writes.is_empty()
    }));
}

#[test]
fn private_input_comes_in_the_transient_map() {
    let sandbox = sandbox();
    let input = call("probe", "pput-transient open k price").transient("price", "100");
    let put = sandbox.submit(input).unwrap().endorsed;
    let bytes = put.proposal_response.payload;
    assert!(!bytes.windows(3).any(|bytes| bytes == b"100"), "it stays with the peer");
    assert_eq!(evaluate(&sandbox, "pget open k").text(), "100");
}

#[test]
fn members_only_means_the_creator() {
    let sandbox = sandbox();
    submit(&sandbox, "then pput open k v ; pput closed k v ; pput readers k v");
    let member = sandbox.identity("User1").unwrap();
    let other = sandbox.identity_of("Org2MSP", "User1").unwrap();
    let denied = |what: &str, collection: &str| {
        format!(
            "tx creator does not have {what} access permission on privatedata in \
             chaincodeName:probe collectionName: {collection}"
        )
    };
    for line in ["pget closed k", "prange closed a z", "pgetmeta closed k"] {
        assert_eq!(cause(&sandbox, &other, line), denied("read", "closed"), "{line}");
    }
    for collection in ["closed", "readers"] {
        for line in ["pput C k v", "pdel C k", "ppurge C k", "psetmeta C k p"] {
            let line = line.replace('C', collection);
            assert_eq!(cause(&sandbox, &other, &line), denied("write", collection), "{line}");
        }
    }
    let evaluate = |signer: &Arc<SigningIdentity>, line: &str| {
        let proposal = ProposalBuilder::new(CHANNEL, "probe").args(line.split(' '));
        let answer = sandbox.endorse_as(proposal, signer).unwrap();
        assert_eq!(answer.response.status, 200, "{line}: {}", answer.response.message);
        answer.text()
    };
    assert_eq!(evaluate(&other, "pget open k"), "v");
    assert_eq!(evaluate(&other, "pget readers k"), "v");
    assert_eq!(evaluate(&other, "phash closed k").len(), 64);
    assert_eq!(evaluate(&member, "pget closed k"), "v");
    evaluate(&other, "pput open k w");
}

#[test]
fn collections_must_be_defined() {
    let sandbox = sandbox();
    let user = sandbox.identity("User1").unwrap();
    for line in ["pget none k", "pput none k v", "ppurge none k", "prange none a b", "pget _x k"] {
        let name = line.split(' ').nth(1).unwrap();
        let text = format!("collection mychannel/probe/{name} could not be found");
        assert_eq!(cause(&sandbox, &user, line), text);
    }
    // Without `_lifecycle` organizations have no implicit collections.
    let text = "collection mychannel/probe/_implicit_org_Org1MSP could not be found";
    assert_eq!(cause(&sandbox, &user, "pget _implicit_org_Org1MSP k"), text);
    let text = "collection [none] not defined in the collection config for chaincode [probe]";
    assert_eq!(cause(&sandbox, &user, "phash none k"), text);
    let plain = Sandbox::new().unwrap();
    plain.deploy("probe", &guest("probe")).unwrap();
    let user = plain.identity("User1").unwrap();
    let text = "collection config not defined for chaincode [probe], pass the collection \
                configuration upon chaincode definition/instantiation";
    assert_eq!(cause(&plain, &user, "phash open k"), text);
    let text = "collection mychannel/probe/open could not be found";
    assert_eq!(cause(&plain, &user, "pput open k v"), text);
    assert_eq!(refused(&plain, "pget '' k"), "collection must not be an empty string");
}

#[test]
fn ranges_see_what_is_there_and_go_with_no_write() {
    let sandbox = sandbox();
    submit(&sandbox, "then pput open a 1 ; pput open b 2 ; pput open c 3 ; pput closed b 9");
    let range = evaluate(&sandbox, "prange open b z");
    assert_eq!(range.text(), "b=2\nc=3\n");
    let rwset = range.rwset.unwrap();
    assert!(!rwset.namespaces.contains_key("probe"), "rows are not recorded");
    let unsupported = |line: &str, text: &str| {
        let user = sandbox.identity("User1").unwrap();
        let cause = cause(&sandbox, &user, line);
        let (_, end) = cause.split_once("]: ").unwrap();
        assert_eq!(end, text, "{line}");
    };
    let after = "unsuppored transaction. Queries on pvt data is supported only in a read-only \
                 transaction";
    unsupported("then put k v ; prange open a z", after);
    unsupported("then pput open k v ; prange open a z", after);
    let before = "unsuppored transaction. Transaction has already performed queries on pvt data. \
                  Writes are not allowed";
    unsupported("then prange open a z ; put k v", before);
    unsupported("then prange open a z ; ppurge open k", before);
}

#[test]
fn init_has_no_private_data() {
    let sandbox = Sandbox::new().unwrap();
    let admin = sandbox.identity("Admin").unwrap();
    let definition = |name: &str, init: &[&str]| definition(name, init, COLLECTIONS_OF_ONE);
    sandbox.deploy_as(definition("plain", &[]), &guest("probe")).unwrap();
    for operation in
        ["pget open k", "pput open k v", "pdel open k", "ppurge open k", "phash open k"]
    {
        let mut init = vec!["run"];
        init.extend(operation.split(' '));
        let definition = definition("probe", &init);
        // Installed once.
        let _ = sandbox.install(&definition, &guest("probe"));
        let answer = sandbox.endorse_as(lscc::deploy(definition), &admin).unwrap();
        let text = answer.response.message;
        let end = "private data APIs are not allowed in chaincode Init()";
        assert!(text.ends_with(end), "{operation}: {text}");
    }
    // A chaincode that is called there receives no INIT, so the endorser must refuse this.
    let init = ["run", "cc2cc", "plain", "pput", "open", "k", "v"];
    let deploy = lscc::deploy(definition("probe", &init));
    let answer = sandbox.endorse_as(deploy, &admin).unwrap();
    assert_eq!(
        answer.response.message,
        "error in simulation: Private data is forbidden to be used in instantiate"
    );
}

#[test]
fn private_keys_conflict_as_public_ones() {
    let sandbox = sandbox();
    submit(&sandbox, "pput open k 1");
    let endorse = |line: &str| sandbox.evaluate(call("probe", line)).unwrap();
    let codes = |lines: &[&str]| -> Vec<_> {
        let endorsed = lines.iter().map(|line| endorse(line)).collect();
        sandbox.commit(endorsed).unwrap().into_iter().map(|done| done.code).collect()
    };
    let (valid, conflict) = (TxValidationCode::Valid, TxValidationCode::MvccReadConflict);
    let read_first = "then pget open k ; pput open k 2";
    assert_eq!(codes(&[read_first, read_first]), [valid, conflict]);
    assert_eq!(
        codes(&["pput open k 3", "phash open k", "pput open k 4"]),
        [valid, conflict, valid]
    );
    assert_eq!(evaluate(&sandbox, "pget open k").text(), "4");
    let stale = endorse(read_first);
    submit(&sandbox, "pput open k 5");
    assert_eq!(sandbox.commit(vec![stale]).unwrap()[0].code, conflict);
    assert_eq!(evaluate(&sandbox, "pget open k").text(), "5");
}

#[test]
fn values_live_as_long_as_their_collection_says() {
    let sandbox = sandbox();
    submit(&sandbox, "then pput short k v ; pput open k v");
    submit(&sandbox, "put a 1");
    submit(&sandbox, "put a 2");
    assert_eq!(evaluate(&sandbox, "pget short k").text(), "v");
    submit(&sandbox, "put a 3");
    assert_eq!(evaluate(&sandbox, "then pget short k ; phash short k").text(), "");
    assert_eq!(evaluate(&sandbox, "prange short a z").text(), "");
    assert_eq!(evaluate(&sandbox, "pget open k").text(), "v");
}

#[test]
fn a_purge_takes_the_past_with_it() {
    let sandbox = sandbox();
    submit(&sandbox, "then pput open k secret ; pput open other 1");
    assert!(sandbox.ledger().private_data("Org1MSP", 2, 0).unwrap().is_some());
    let purge = submit(&sandbox, "ppurge open k");
    let set = &purge.rwset.unwrap().namespaces["probe"].collections["open"];
    assert!(set.writes[0].is_purge && set.writes[0].is_delete);
    assert_eq!(evaluate(&sandbox, "then pget open k ; phash open k").text(), "");
    assert_eq!(evaluate(&sandbox, "pget open other").text(), "1");
    let kept = sandbox.ledger().private_data("Org1MSP", 2, 0).unwrap().unwrap().encode_to_vec();
    assert!(!kept.windows(6).any(|bytes| bytes == b"secret"));
}

#[test]
fn what_only_others_hold_is_a_hash_here() {
    let sandbox = sandbox();
    submit(&sandbox, "pput theirs k v");
    assert_eq!(evaluate(&sandbox, "phash theirs k").text().len(), 64);
    assert_eq!(evaluate(&sandbox, "pget theirs nothing").text(), "");
    assert_eq!(evaluate(&sandbox, "prange theirs a z").text(), "");
    let user = sandbox.identity("User1").unwrap();
    assert_eq!(
        cause(&sandbox, &user, "pget theirs k"),
        "private data matching public hash version is not available. Public hash version = \
         {BlockNum: 2, TxNum: 0}, Private data version = <nil>"
    );
    assert!(sandbox.ledger().private_data("Org1MSP", 2, 0).unwrap().is_none());
}

#[test]
fn a_collection_may_ask_for_more_peers_than_there_are() {
    let sandbox = sandbox();
    let answer = sandbox.endorse(call("probe", "pput many k v")).unwrap();
    let tx_id = &answer.tx_id;
    assert_eq!(
        answer.response.message,
        format!(
            "error in simulation: failed to distribute private collection, txID {tx_id}, channel \
             mychannel: could not build private data dissemination plan for chaincode probe and \
             collection many: required to disseminate to at least 1 peers, but know of only 0 \
             eligible peers"
        )
    );
    assert_eq!(evaluate(&sandbox, "pget many k").text(), "");
}

#[test]
fn the_interest_names_collections_and_whether_they_were_read() {
    let sandbox = sandbox();
    let interest = |line: &str| {
        let answer = evaluate(&sandbox, line);
        answer.proposal_response.interest.unwrap().chaincodes
    };
    let chaincode = || ChaincodeCall { name: "probe".into(), ..Default::default() };
    let collection = |name: &str, no_private_reads: bool| ChaincodeCall {
        collection_names: vec![name.into()],
        no_private_reads,
        ..chaincode()
    };
    assert_eq!(interest("put k v"), [chaincode()]);
    assert_eq!(interest("get k"), [chaincode()]);
    assert_eq!(interest("pput open k v"), [collection("open", true)]);
    assert_eq!(interest("phash open k"), [chaincode()]);
    assert_eq!(interest("pget open k"), [chaincode(), collection("open", false)]);
    assert_eq!(
        interest("then pget open k ; pput open k v ; pput closed k v ; put k v"),
        [chaincode(), collection("closed", true), collection("open", false)]
    );
}

#[test]
fn lscc_tells_a_chaincodes_collections() {
    let sandbox = sandbox();
    let ask = |name: &str| {
        let user = sandbox.identity("User1").unwrap();
        sandbox.endorse_as(lscc::collections_config(CHANNEL, name), &user).unwrap().response
    };
    let package = CollectionConfigPackage::decode(ask("probe").payload.as_slice()).unwrap();
    assert_eq!(package, package_from_json(COLLECTIONS).unwrap());
    let text = "collections config not defined for chaincode other";
    assert_eq!(ask("other").message, text);
}

#[test]
fn definitions_that_break_a_rule_are_refused() {
    let sandbox = Sandbox::new().unwrap();
    let admin = sandbox.identity("Admin").unwrap();
    let deploy = |json: &str| {
        let definition = definition("probe", &[], json);
        let _ = sandbox.install(&definition, &guest("probe"));
        sandbox.endorse_as(lscc::deploy(definition), &admin).unwrap().response
    };
    for (json, text) in [
        (
            r#"[{"name":"_a","policy":"OR('Org1MSP.member')"}]"#,
            "invalid collection name '_a'. Names can only consist of alphanumerics, '_', and '-' \
             and cannot begin with '_'",
        ),
        (
            r#"[{"name":"a","policy":"OR('Org7MSP.member')"}]"#,
            "collection-name: a -- collection member 'Org7MSP' is not part of the channel",
        ),
        // One after the other.
        (
            r#"[{"name":"a","policy":"OR('Org7MSP.member')"},
                {"name":"_a","policy":"OR('Org1MSP.member')"}]"#,
            "collection-name: a -- collection member 'Org7MSP' is not part of the channel",
        ),
    ] {
        let failed = "collection member policy check failed: ";
        assert_eq!(deploy(json).message, format!("{failed}{text}"));
    }
    assert_eq!(deploy(COLLECTIONS_OF_ONE).status, 200);
}
