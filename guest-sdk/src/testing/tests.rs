//! Tests of the mock ledger: transactions, queries, private data, calls and policies.

use super::*;
use crate::{KeyValue, Policy, RefusalKind, Response, Role, args};

/// Runs a closure of a test.
struct Script<F>(F);

impl<F: Fn(&Context) -> Result<Vec<u8>>> Chaincode for Script<F> {
    fn invoke(&self, ctx: &Context) -> Response {
        (self.0)(ctx).into()
    }
}

/// A ledger with a1, a2, b1 and the composite keys t/x/p, t/y/q.
pub(super) fn filled(script: impl Fn(&Context) -> Result<Vec<u8>> + 'static) -> MockLedger {
    let mut ledger = MockLedger::with_chaincode(Script(move |ctx: &Context| {
        if ctx.get_function_and_parameters().0 != "fill" {
            return script(ctx);
        }
        for key in ["b1", "a2", "a1"] {
            ctx.put_state(key, key.as_bytes())?;
        }
        for attributes in [["x", "p"], ["y", "q"]] {
            ctx.put_state(&ctx.create_composite_key("t", &attributes)?, b"c")?;
        }
        ctx.put_private_data("secrets", "s1", b"value")?;
        Ok(Vec::new())
    }));
    ledger.submit("fill", args![]).unwrap();
    ledger
}

pub(super) fn keys(rows: impl Iterator<Item = Result<KeyValue>>) -> Result<Vec<u8>> {
    let keys: Result<Vec<String>> = rows.map(|row| Ok(row?.key)).collect();
    Ok(keys?.join(",").into_bytes())
}

#[test]
fn a_transaction_does_not_see_its_own_writes() {
    let mut ledger = filled(|ctx| {
        ctx.put_state("a1", b"new")?;
        ctx.del_state("a2")?;
        ctx.put_state("a3", b"new")?;
        ctx.get_state_by_range("a1", "a9")?
            .map(|row| Ok(row?.value))
            .collect::<Result<Vec<_>>>()
            .map(|values| values.concat())
    });
    assert_eq!(ledger.submit("f", args![]).unwrap().text(), "a1a2");
    assert_eq!(ledger.get_state("a1"), Some(b"new".as_slice()));
    assert_eq!(ledger.get_state("a2"), None);
}

#[test]
fn a_refused_or_evaluated_transaction_changes_nothing() {
    let mut ledger = filled(|ctx| {
        ctx.put_state("a1", b"new")?;
        match ctx.get_function_and_parameters().0.as_str() {
            "refuse" => Err(Error::new(418, "no")),
            _ => Ok(Vec::new()),
        }
    });
    assert_eq!(ledger.submit("refuse", args![]).unwrap_err(), Error::new(418, "no"));
    ledger.evaluate("look", args![]).unwrap();
    assert_eq!(ledger.get_state("a1"), Some(b"a1".as_slice()));
}

#[test]
fn an_empty_value_deletes_and_an_empty_key_is_refused() {
    let mut ledger = filled(|ctx| {
        ctx.put_state("a1", b"")?;
        assert_eq!(
            ctx.put_state("", b"v").unwrap_err().message(),
            "key must not be an empty string"
        );
        let unread = ctx.get_state("").unwrap_err();
        assert!(unread.message().ends_with("Empty string is not supported as a key by couchdb"));
        Ok(Vec::new())
    });
    ledger.submit("f", args![]).unwrap();
    assert_eq!(ledger.get_state("a1"), None);
}

#[test]
fn a_range_leaves_composite_keys_out_and_a_partial_key_finds_them() {
    let mut ledger = filled(|ctx| match ctx.get_function_and_parameters().0.as_str() {
        "all" => keys(ctx.get_state_by_range("", "")?),
        "a" => keys(ctx.get_state_by_range("a", "b1")?),
        "t" => keys(ctx.get_state_by_partial_composite_key("t", &[] as &[&str])?),
        "x" => keys(ctx.get_state_by_partial_composite_key("t", &["x"])?),
        "full" => keys(ctx.get_state_by_partial_composite_key("t", &["x", "p"])?),
        _ => keys(ctx.get_state_by_range("\0t", "")?),
    });
    let mut found = |function| ledger.evaluate(function, args![]).map(|answer| answer.text());
    assert_eq!(found("all").unwrap(), "a1,a2,b1");
    assert_eq!(found("a").unwrap(), "a1,a2");
    assert_eq!(found("t").unwrap(), "\0t\0x\0p\0,\0t\0y\0q\0");
    assert_eq!(found("x").unwrap(), "\0t\0x\0p\0");
    assert_eq!(found("full").unwrap(), "\0t\0x\0p\0");
    let refused = found("null").unwrap_err();
    assert!(refused.message().ends_with("contains a null character which is not allowed"));
}

#[test]
fn pages_follow_one_another_and_exclude_writes() {
    let mut ledger = filled(|ctx| {
        let first = ctx.get_state_by_range_with_pagination("", "", 2, "")?;
        assert_eq!((first.fetched_records_count, first.bookmark.as_str()), (2, "b1"));
        let last = ctx.get_state_by_range_with_pagination("", "", 2, &first.bookmark)?;
        assert_eq!((last.rows[0].key.as_str(), last.bookmark.as_str()), ("b1", ""));
        ctx.put_state("a", b"v")?;
        Ok(Vec::new())
    });
    let refused = ledger.submit("f", args![]).unwrap_err();
    assert!(refused.message().ends_with(
        "unsuppored transaction. Transaction has already performed a paginated query. Writes are \
         not allowed"
    ));
}

#[test]
fn pages_of_composite_keys_follow_one_another_and_exclude_writes() {
    let mut ledger = filled(|ctx| {
        let [first, second] = [["x", "p"], ["y", "q"]].map(|of| ctx.create_composite_key("t", &of));
        let (first, second) = (first?, second?);
        let page = ctx.get_state_by_partial_composite_key_with_pagination("t", &[""; 0], 1, "")?;
        assert_eq!((&page.rows[0].key, &page.bookmark), (&first, &second));
        let next = |mark: &str| {
            ctx.get_state_by_partial_composite_key_with_pagination("t", &[""; 0], 1, mark)
        };
        let page = next(&page.bookmark)?;
        assert_eq!((&page.rows[0].key, page.bookmark.as_str()), (&second, ""));
        let page = ctx.get_state_by_partial_composite_key_with_pagination("t", &["y"], 5, "")?;
        assert_eq!((page.fetched_records_count, page.bookmark.as_str()), (1, ""));
        // Returns composite keys of every object type, and no plain keys.
        let page = ctx.get_all_states_composite_key_with_pagination(1, "")?;
        assert_eq!((&page.rows[0].key, &page.bookmark), (&first, &second));
        let page = ctx.get_all_states_composite_key_with_pagination(5, &page.bookmark)?;
        assert_eq!((page.fetched_records_count, &page.rows[0].key), (1, &second));
        ctx.put_state("a", b"v")?;
        Ok(Vec::new())
    });
    let refused = ledger.submit("f", args![]).unwrap_err();
    assert!(refused.message().ends_with("Writes are not allowed"), "{refused}");
}

#[test]
fn a_page_of_no_size_is_an_ordinary_query() {
    let mut ledger = filled(|ctx| {
        let all = ctx.get_state_by_range_with_pagination("", "", 0, "")?;
        assert_eq!((all.rows.len(), all.fetched_records_count, all.bookmark.as_str()), (3, 0, ""));
        ctx.put_state("a", b"v")?;
        Ok(Vec::new())
    });
    ledger.submit("f", args![]).unwrap();
}

#[test]
fn history_has_the_changes_of_a_key_newest_first() {
    let mut ledger = filled(|ctx| match ctx.get_function_and_parameters().0.as_str() {
        "delete" => ctx.del_state("a1").map(|()| Vec::new()),
        _ => {
            let changes = ctx.get_history_for_key("a1")?.collect::<Result<Vec<_>>>()?;
            let words = changes.iter().map(|change| {
                format!("{}:{}", change.timestamp.seconds, String::from_utf8_lossy(&change.value))
            });
            Ok(words.collect::<Vec<_>>().join(" ").into_bytes())
        }
    });
    ledger.at(Timestamp { seconds: 2_000_000_000, nanos: 0 }).submit("delete", args![]).unwrap();
    let history = ledger.evaluate("history", args![]).unwrap();
    assert_eq!(history.text(), "2000000000: 1735689600:a1");
}

#[test]
fn private_data_is_apart_from_public_data_and_has_hashes() {
    let mut ledger = filled(|ctx| {
        assert_eq!(ctx.get_private_data("secrets", "s1")?, Some(b"value".to_vec()));
        assert_eq!(ctx.get_private_data("others", "s1")?, None);
        assert_eq!(ctx.get_state("s1")?, None);
        assert!(ctx.get_private_data("", "s1").is_err());
        assert_eq!(ctx.get_private_data_hash("secrets", "s2")?, None);
        Ok(ctx.get_private_data_hash("secrets", "s1")?.unwrap_or_default())
    });
    let hash = ledger.evaluate("f", args![]).unwrap().payload;
    assert_eq!(hash[..4], [0xcd, 0x42, 0x40, 0x4d]);
    assert_eq!(ledger.get_private_data("secrets", "s1"), Some(b"value".as_slice()));
}

#[test]
fn several_private_values_come_in_the_order_of_their_keys() {
    let mut ledger = filled(|ctx| {
        ctx.put_private_data("secrets", "s2", b"not seen yet")?;
        let found = ctx.get_multiple_private_data("secrets", &["s2", "s1", "s1"])?;
        assert_eq!(found, [None, Some(b"value".to_vec()), Some(b"value".to_vec())]);
        assert_eq!(ctx.get_multiple_private_data("secrets", &[""; 0])?, []);
        let refused = ctx.get_multiple_private_data("", &["s1"]).unwrap_err();
        assert_eq!(refused.refusal(), Some(RefusalKind::InvalidArgument));
        Ok(Vec::new())
    });
    ledger.submit("f", args![]).unwrap();
}

#[test]
fn private_queries_and_writes_exclude_each_other() {
    let mut ledger = filled(|ctx| match ctx.get_function_and_parameters().0.as_str() {
        "query first" => {
            keys(ctx.get_private_data_by_range("secrets", "", "")?)?;
            ctx.put_state("a", b"v").map(|()| Vec::new())
        }
        _ => {
            ctx.put_state("a", b"v")?;
            keys(ctx.get_private_data_by_range("secrets", "", "")?)
        }
    });
    assert!(ledger.submit("query first", args![]).is_err());
    assert!(ledger.submit("write first", args![]).is_err());
}

#[test]
fn a_call_shares_the_transaction_but_not_the_keys_or_the_event() {
    let mut ledger = filled(|ctx| {
        ctx.set_event("mine", b"")?;
        ctx.put_state("key", b"mine")?;
        let payload = ctx.invoke_chaincode("other", &args!["put"], "").ok()?;
        assert_eq!(payload, ctx.get_tx_id().into_bytes());
        let refused = ctx.invoke_chaincode("other", &args!["put"], "elsewhere").ok();
        let words = "Failed to get policy manager for channel [elsewhere]";
        assert!(refused.unwrap_err().message().ends_with(words));
        let refused = ctx.invoke_chaincode("nobody", &args![], "").ok();
        assert!(refused.unwrap_err().message().ends_with("chaincode nobody not found"));
        Ok(Vec::new())
    });
    ledger.install(
        "other",
        Script(|ctx: &Context| {
            ctx.set_event("other", b"")?;
            ctx.put_state("key", b"other")?;
            let circle = ctx.invoke_chaincode("tested", &args![], "");
            assert!(circle.ok().unwrap_err().message().ends_with("(mychannel) exists"));
            Ok(ctx.get_tx_id().into_bytes())
        }),
    );
    let answer = ledger.submit("f", args![]).unwrap();
    assert_eq!(answer.event, Some(("mine".to_owned(), vec![])));
    assert_eq!(ledger.get_state("key"), Some(b"mine".as_slice()));
}

#[test]
fn a_refusal_of_the_peer_is_an_error_and_one_of_the_chaincode_an_answer() {
    let mut ledger = filled(|ctx| {
        let call = |name: &str, channel: &str| ctx.try_invoke_chaincode(name, &args!["f"], channel);
        let kind = |name, channel| call(name, channel).unwrap_err().refusal();
        assert_eq!(kind("nobody", ""), Some(RefusalKind::LedgerFailure));
        assert_eq!(kind("tested", ""), Some(RefusalKind::LedgerFailure));
        assert_eq!(kind("other", "elsewhere"), Some(RefusalKind::NotPermitted));
        let answer = call("other", "")?;
        assert_eq!((answer.status, answer.message.as_str()), (404, "nothing here"));
        Ok(Vec::new())
    });
    ledger.install("other", Script(|_: &Context| Err(Error::not_found("nothing here"))));
    ledger.submit("f", args![]).unwrap();
}

#[test]
fn a_policy_stays_with_its_key_until_the_key_goes() {
    let policies = ["Org1MSP", "Org2MSP"].map(|org| Policy::signed_by(Role::Peer, org).to_bytes());
    let [policy, other] = policies.clone();
    let mut ledger = filled(move |ctx| match ctx.get_function_and_parameters().0.as_str() {
        "set" => ctx.set_state_validation_parameter("a1", &policies[0]).map(|()| Vec::new()),
        "private set" => {
            ctx.set_private_data_validation_parameter("", "a1", &policies[1]).map(|()| Vec::new())
        }
        "private get" => {
            Ok(ctx.get_private_data_validation_parameter("", "a1")?.unwrap_or_default())
        }
        "put" => ctx.put_state("a1", b"v").map(|()| Vec::new()),
        "del" => ctx.del_state("a1").map(|()| Vec::new()),
        _ => Ok(ctx.get_state_validation_parameter("a1")?.unwrap_or_default()),
    });
    ledger.submit("set", args![]).unwrap();
    ledger.submit("put", args![]).unwrap();
    assert_eq!(ledger.evaluate("get", args![]).unwrap().payload, policy);
    // With an empty collection the key is a public one, as with Fabric's shim.
    assert_eq!(ledger.evaluate("private get", args![]).unwrap().payload, policy);
    ledger.submit("private set", args![]).unwrap();
    assert_eq!(ledger.evaluate("get", args![]).unwrap().payload, other);
    ledger.submit("del", args![]).unwrap();
    ledger.submit("put", args![]).unwrap();
    assert_eq!(ledger.evaluate("get", args![]).unwrap().text(), "");
}

#[test]
fn a_policy_that_peers_cannot_read_is_refused() {
    let set = |ctx: &Context, policy: &[u8]| {
        let public = ctx.set_state_validation_parameter("a1", policy);
        let private = ctx.set_private_data_validation_parameter("secrets", "s1", policy);
        [public, private].map(|set| set.map_err(|error| error.refusal()))
    };
    let mut ledger = filled(move |ctx| {
        let sound = Policy::signed_by(Role::Peer, "Org1MSP").to_bytes();
        assert_eq!(set(ctx, &sound), [Ok(()), Ok(())]);
        assert_eq!(set(ctx, b""), [Ok(()), Ok(())]);
        let refused = Err(Some(RefusalKind::InvalidArgument));
        for policy in [&b"OR('Org1MSP.peer')"[..], &sound[..sound.len() - 1], b"\x12\x00"] {
            assert_eq!(set(ctx, policy), [refused, refused], "{policy:?}");
        }
        Ok(Vec::new())
    });
    ledger.submit("set", args![]).unwrap();
}

#[test]
fn client_time_and_transient_data_are_the_tests_to_choose() {
    let mut ledger = filled(|ctx| {
        let identity = ctx.client_identity()?;
        let price: Result<u32> = ctx.transient("price");
        let words = price.map_or_else(|error| error.to_string(), |price| price.to_string());
        let seconds = ctx.get_tx_timestamp()?.seconds;
        Ok(format!("{} {} {seconds} {words}", identity.msp_id(), identity.certificate().len())
            .into_bytes())
    });
    let certificate = "c".repeat(1000);
    ledger.as_identity("Org9MSP", &certificate).with_transient("price", "17");
    ledger.at(Timestamp { seconds: 5, nanos: 0 });
    let answer = ledger.evaluate("f", args![]).unwrap();
    assert_eq!(answer.text(), "Org9MSP 1000 5 17");
    // Transient data belongs to one transaction; time advances.
    let next = ledger.evaluate("f", args![]).unwrap();
    assert_eq!(next.text(), "Org9MSP 1000 6 price is missing in the transient data");
    assert_ne!(answer.tx_id, next.tx_id);
}

#[test]
fn regular_expressions_are_refused_in_clear_words() {
    let mut ledger = filled(|ctx| {
        assert_eq!(ctx.get_query_result(r#"{"selector":{"a":1}}"#)?.count(), 0);
        let refused = ctx.get_query_result(r#"{"selector":{"a":{"$regex":"b"}}}"#).err().unwrap();
        assert_eq!(refused.refusal(), Some(RefusalKind::Unsupported));
        Err(refused)
    });
    let refused = ledger.evaluate("f", args![]).unwrap_err();
    let words = "the mock ledger has no regular expressions: test this query in the sandbox";
    assert!(refused.message().ends_with(words), "{refused}");
}

#[test]
fn a_query_sorts_by_the_fields_of_an_index() {
    let mut ledger = filled(|ctx| {
        for (key, n) in [("x", 2), ("y", 3), ("z", 1)] {
            ctx.put_state(key, format!(r#"{{"n":{n}}}"#).as_bytes())?;
        }
        let sorted = r#"{"selector":{"n":{"$gt":null}},"sort":[{"n":"desc"}]}"#;
        keys(ctx.get_query_result(sorted)?)
    });
    ledger.submit("f", args![]).unwrap_err();
    ledger.with_index(&["n"]);
    ledger.submit("f", args![]).unwrap();
    assert_eq!(ledger.evaluate("f", args![]).unwrap().text(), "y,x,z");
}

#[test]
fn a_policy_decides_whether_a_block_takes_a_transaction() {
    let mut ledger = filled(|ctx| {
        ctx.set_event("put", b"1")?;
        ctx.put_state("k", b"v").map(|()| Vec::new())
    });
    ledger.with_policy("AND('Org1MSP.peer','Org2MSP.peer')").endorsed_by(&["Org1MSP"]);
    let refused = ledger.submit("f", args![]).unwrap_err();
    assert!(refused.message().ends_with("is invalid: ENDORSEMENT_POLICY_FAILURE"), "{refused}");
    assert_eq!((ledger.get_state("k"), ledger.events().len(), ledger.height()), (None, 0, 2));
    ledger.endorsed_by(&["Org1MSP", "Org2MSP"]).submit("f", args![]).unwrap();
    let [event] = ledger.events() else { panic!() };
    assert_eq!((event.block, event.name.as_str(), event.chaincode.as_str()), (3, "put", "tested"));
}

#[test]
fn values_without_json_are_refused_and_none_is_null() {
    let mut ledger = filled(|ctx| {
        ctx.put("none", &Some(vec![(None::<u8>, Some(1.5))]))?;
        ctx.put("nan", &[f64::NAN])?;
        Ok(Vec::new())
    });
    let refused = ledger.submit("f", args![]).unwrap_err();
    assert!(refused.message().contains("NaN is not a finite number"), "{refused}");
    let mut ledger = filled(|ctx| {
        ctx.put("none", &Some(vec![(None::<u8>, Some(1.5))]))?;
        Ok(Vec::new())
    });
    ledger.submit("f", args![]).unwrap();
    assert_eq!(ledger.get_state("none"), Some(b"[[null,1.5]]".as_slice()));
}

#[test]
fn metadata_and_policies_are_for_keys_that_can_be_written() {
    for key in ["", "_x"] {
        let mut ledger = filled(move |ctx| {
            let policy = Policy::signed_by(Role::Peer, "Org1MSP").to_bytes();
            ctx.set_state_validation_parameter(key, &policy)?;
            Ok(Vec::new())
        });
        let refused = ledger.submit("f", args![]).unwrap_err();
        assert!(refused.message().contains("PUT_STATE_METADATA failed"), "{refused}");
    }
}

#[test]
fn the_first_client_has_a_certificate_without_attributes() {
    let mut ledger = filled(|ctx| {
        let identity = ctx.client_identity()?;
        assert_eq!(identity.attribute("role")?, None);
        Ok(identity.common_name()?.unwrap_or_default().into_bytes())
    });
    assert_eq!(ledger.evaluate("f", args![]).unwrap().text(), "User1");
}
