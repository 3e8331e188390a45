//! Tests of the rules of collections: members, endorsement of writes, and expiry.

use super::tests::{filled, keys};
use super::*;
use crate::{Response, args};

#[test]
fn private_data_live_as_many_blocks_as_their_collection_says() {
    let mut ledger = filled(|ctx| {
        match ctx.get_function_and_parameters().0.as_str() {
            "put" => ctx.put_private_data("short", "k", b"v")?,
            _ => ctx.put_state("k", b"v")?,
        }
        Ok(Vec::new())
    });
    let collections = r#"[{"name":"short","policy":"OR('Org1MSP.member')","blockToLive":2}]"#;
    ledger.with_collections(collections).submit("put", args![]).unwrap();
    for _ in 0..2 {
        ledger.submit("f", args![]).unwrap();
        assert_eq!(ledger.get_private_data("short", "k"), Some(b"v".as_slice()));
    }
    ledger.submit("f", args![]).unwrap();
    assert_eq!(ledger.get_private_data("short", "k"), None);
    assert_eq!(ledger.get_state("k"), Some(b"v".as_slice()));
}

#[test]
fn an_implicit_collection_needs_the_endorsement_of_its_organization() {
    let own = crate::implicit_collection("Org2MSP");
    let collection = own.clone();
    let mut ledger = filled(move |ctx| {
        ctx.put_private_data(&collection, "k", b"v")?;
        Ok(Vec::new())
    });
    for policy in [None, Some("OR('Org1MSP.peer','Org2MSP.peer')")] {
        policy.map(|policy| ledger.with_policy(policy));
        let refused = ledger.endorsed_by(&["Org1MSP"]).submit("f", args![]).unwrap_err();
        assert!(refused.message().ends_with("is invalid: ENDORSEMENT_POLICY_FAILURE"), "{refused}");
    }
    assert_eq!(ledger.get_private_data(&own, "k"), None);
    ledger.endorsed_by(&["Org2MSP"]).submit("f", args![]).unwrap();
    assert_eq!(ledger.get_private_data(&own, "k"), Some(b"v".as_slice()));
}

#[test]
#[should_panic(expected = "has no channelConfigPolicy /Channel/Application/Endorsement")]
fn a_collection_with_a_policy_of_the_channel_is_refused() {
    let mut ledger = filled(|_| Ok(Vec::new()));
    ledger.with_collections(
        r#"[{"name":"c","policy":"OR('Org1MSP.member')",
            "endorsementPolicy":{"channelConfigPolicy":"/Channel/Application/Endorsement"}}]"#,
    );
}

#[test]
fn a_peer_reads_the_private_data_of_its_own_collections_only() {
    let mut ledger = filled(|ctx| {
        let (function, args) = ctx.get_function_and_parameters();
        let collection = args[0].as_str();
        match function.as_str() {
            "put" => ctx.put_private_data(collection, "k", b"v").map(|()| Vec::new()),
            "hash" => Ok(ctx.get_private_data_hash(collection, "k")?.unwrap_or_default()),
            "range" => keys(ctx.get_private_data_by_range(collection, "", "")?),
            "query" => keys(ctx.get_private_data_query_result(collection, r#"{"selector":{}}"#)?),
            key => Ok(ctx.get_private_data(collection, key)?.unwrap_or_default()),
        }
    });
    let collections = r#"[{"name":"theirs","policy":"OR('Org2MSP.member')"}]"#;
    ledger.with_collections(collections);
    for collection in ["theirs", "_implicit_org_Org2MSP"] {
        ledger.on_peer_of("Org1MSP").submit("put", args![collection]).unwrap();
        let mut found = |function| ledger.evaluate(function, args![collection]);
        let refused = found("k").unwrap_err();
        let words = "private data matching public hash version is not available. Public hash \
                     version = {BlockNum: ";
        assert!(refused.message().contains(words), "{refused}");
        assert!(refused.message().ends_with(", Private data version = <nil>"), "{refused}");
        for nothing in ["none", "range", "query"] {
            assert_eq!(found(nothing).unwrap().text(), "", "{nothing}");
        }
        assert_eq!(found("hash").unwrap().payload.len(), 32);
        ledger.on_peer_of("Org2MSP");
        let mut found = |function| ledger.evaluate(function, args![collection]).unwrap().text();
        assert_eq!((found("k"), found("range")), ("v".into(), "k".into()));
    }
}

/// Has private data in `invoke`, and calls another one in `init`.
struct Begins;

impl Chaincode for Begins {
    fn init(&self, ctx: &Context) -> Response {
        let response = ctx.invoke_chaincode("other", &args!["put"], "");
        let refused = ctx.get_private_data("c", "k").unwrap_err();
        assert!(refused.message().ends_with("not allowed in chaincode Init()"), "{refused}");
        response
    }

    fn invoke(&self, ctx: &Context) -> Response {
        ctx.put_private_data("c", "k", b"v").map(|()| b"put".to_vec()).into()
    }
}

#[test]
fn only_a_chaincode_that_init_calls_has_private_data_in_it() {
    let mut ledger = MockLedger::with_chaincode(Begins);
    assert_eq!(ledger.install("other", Begins).init(args![]).unwrap().text(), "put");
}
