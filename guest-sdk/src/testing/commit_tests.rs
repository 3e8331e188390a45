//! Tests of conflicts between the transactions of a block.

use super::tests::filled;
use crate::testing::MockLedger;
use crate::testing::TxValidationCode::{self, MvccReadConflict, PhantomReadConflict, Valid};
use crate::{Chaincode, Context, Response, Result, args};

/// Returns the verdict on `reader`, which follows `writer` in the same block.
fn behind(
    writer: impl Fn(&Context) -> Result<()> + 'static,
    reader: impl Fn(&Context) -> Result<()> + 'static,
) -> TxValidationCode {
    let mut ledger: MockLedger = filled(move |ctx| {
        match ctx.get_function_and_parameters().0.as_str() {
            "write" => writer(ctx)?,
            _ => reader(ctx)?,
        }
        Ok(Vec::new())
    });
    let both = ["write", "read"].map(|function| ledger.endorse(function, args![]).unwrap());
    let codes: Vec<_> = ledger.commit(both.into()).iter().map(|done| done.code).collect();
    assert_eq!(codes[0], Valid);
    codes[1]
}

#[test]
fn a_page_conflicts_with_what_comes_into_it_but_not_with_what_is_behind_it() {
    let page = |size, bookmark: &'static str| {
        move |ctx: &Context| {
            ctx.get_state_by_range_with_pagination("", "", size, bookmark).map(|_| ())
        }
    };
    let put = |key: &'static str| move |ctx: &Context| ctx.put_state(key, b"v");
    assert_eq!(behind(put("a11"), page(2, "")), PhantomReadConflict);
    assert_eq!(behind(put("a2"), page(2, "")), PhantomReadConflict);
    assert_eq!(behind(put("a3"), page(2, "")), Valid);
    assert_eq!(behind(put("b1"), page(2, "")), Valid);
    // The page is not full, so its end was read.
    assert_eq!(behind(put("z"), page(4, "")), PhantomReadConflict);
    assert_eq!(behind(put("a11"), page(4, "a2")), Valid);
    assert_eq!(behind(put("a3"), page(0, "a2")), PhantomReadConflict);
}

#[test]
fn an_empty_page_of_composite_keys_conflicts_with_a_first_row() {
    let page = |ctx: &Context| {
        ctx.get_state_by_partial_composite_key_with_pagination("new", &[""; 0], 3, "").map(|_| ())
    };
    let put = |ctx: &Context| ctx.put_state(&ctx.create_composite_key("new", &["x"])?, b"v");
    assert_eq!(behind(put, page), PhantomReadConflict);
}

#[test]
fn what_is_no_page_is_read_and_may_write() {
    let reader = |ctx: &Context| {
        ctx.get_state_by_range_with_pagination("", "", 0, "")?;
        ctx.put_state("z", b"v")
    };
    assert_eq!(behind(|ctx| ctx.put_state("a3", b"v"), reader), PhantomReadConflict);
    assert_eq!(behind(|ctx| ctx.put_state("a1", b"v"), reader), PhantomReadConflict);
}

#[test]
fn rows_of_a_rich_page_are_read() {
    for size in [0, 1] {
        let reader = move |ctx: &Context| {
            let query = r#"{"selector":{"_id":"a1"}}"#;
            let page = ctx.get_query_result_with_pagination(query, size, "")?;
            assert_eq!(page.rows.len(), 1);
            Ok(())
        };
        assert_eq!(behind(|ctx| ctx.put_state("a1", b"v"), reader), MvccReadConflict);
        assert_eq!(behind(|ctx| ctx.put_state("a2", b"v"), reader), Valid);
    }
}

#[test]
fn the_deletion_of_a_missing_key_conflicts_with_its_read() {
    let get = |key: &'static str| move |ctx: &Context| ctx.get_state(key).map(|_| ());
    let hash = |ctx: &Context| ctx.get_private_data_hash("secrets", "none").map(|_| ());
    assert_eq!(behind(|ctx| ctx.del_state("none"), get("none")), MvccReadConflict);
    assert_eq!(behind(|ctx| ctx.del_state("none"), get("other")), Valid);
    assert_eq!(behind(|ctx| ctx.del_private_data("secrets", "none"), hash), MvccReadConflict);
    // A range has no row of it.
    let range =
        |ctx: &Context| ctx.get_state_by_range("n", "o").map(|rows| assert_eq!(rows.count(), 0));
    assert_eq!(behind(|ctx| ctx.del_state("none"), range), Valid);
}

#[test]
fn a_policy_of_a_private_key_is_looked_up_by_a_hash() {
    let mut ledger = filled(|ctx| {
        for key in ["", "_x"] {
            assert_eq!(ctx.get_private_data_validation_parameter("secrets", key)?, None);
        }
        Ok(Vec::new())
    });
    ledger.evaluate("f", args![]).unwrap();
}

#[test]
fn a_refused_write_is_a_write() {
    let writes: [fn(&Context) -> Result<()>; 3] = [
        |ctx| ctx.put_state("_x", b"v"),
        |ctx| ctx.put_state("x", br#"{"_a":1}"#),
        |ctx| ctx.del_state(""),
    ];
    for write in writes {
        let mut ledger = filled(move |ctx| {
            assert!(write(ctx).is_err());
            ctx.get_state_by_range_with_pagination("", "", 2, "").map(|_| Vec::new())
        });
        let refused = ledger.evaluate("f", args![]).unwrap_err();
        let words = "Paginated queries are supported only in a read-only transaction";
        assert!(refused.message().ends_with(words), "{refused}");
        let mut ledger = filled(move |ctx| {
            ctx.get_private_data_by_range("secrets", "", "")?;
            ctx.get_state_by_range_with_pagination("", "", 2, "")?;
            write(ctx).map(|()| Vec::new())
        });
        let refused = ledger.evaluate("f", args![]).unwrap_err();
        assert!(refused.message().contains("already performed queries on pvt data"), "{refused}");
    }
}

struct Odd;

impl Chaincode for Odd {
    fn invoke(&self, ctx: &Context) -> Response {
        ctx.put_state("k", b"v").unwrap();
        Response { status: 199, message: "odd".to_owned(), payload: b"payload".to_vec() }
    }
}

#[test]
fn a_status_below_200_is_not_submitted() {
    let mut ledger = MockLedger::with_chaincode(Odd);
    let refused = ledger.submit("f", args![]).unwrap_err();
    let words = "proposal response was not successful, error code 199, msg odd";
    assert_eq!((refused.message(), ledger.get_state("k")), (words, None));
    assert_eq!(ledger.evaluate("f", args![]).unwrap().text(), "payload");
}
