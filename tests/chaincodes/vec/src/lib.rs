//! The chaincode of the captured channel in Rust: the same functions with the same arguments, so
//! that the same calls must return the same bytes.
//!
//! Invariant: a function makes the same calls of the peer as the Go original, in the same order,
//! and returns the same texts.

mod endorsement_policy;

use wasmcc_sdk::{Chaincode, Context, Error, Response, Result};

use crate::endorsement_policy::Role;

/// See the head of this crate.
pub struct Vectors;

impl Chaincode for Vectors {
    fn init(&self, _: &Context) -> Response {
        Response::success("init")
    }

    fn invoke(&self, ctx: &Context) -> Response {
        let (function, args) = ctx.get_function_and_parameters();
        answer(ctx, &function, &args).unwrap_or_else(Response::from)
    }
}

fn answer(ctx: &Context, function: &str, args: &[String]) -> Result<Response> {
    match (function, args) {
        ("put", [key, value]) => ctx.put_state(key, value.as_bytes())?,
        ("del", [key]) => ctx.del_state(key)?,
        ("rmw", [key, suffix]) => {
            let mut value = ctx.get_state(key)?.unwrap_or_default();
            value.extend_from_slice(suffix.as_bytes());
            ctx.put_state(key, &value)?;
        }
        ("mput", [prefix, count]) => {
            for index in 0..count.parse::<usize>()? {
                ctx.put_state(&format!("{prefix}{index:05}"), index.to_string().as_bytes())?;
            }
        }
        ("range", [start, end, counter]) => return range(ctx, start, end, counter, None),
        ("range", [start, end, counter, limit]) => {
            return range(ctx, start, end, counter, Some(limit.parse()?));
        }
        ("comp", [object_type, attributes @ ..]) => {
            let key = ctx.create_composite_key(object_type, attributes)?;
            ctx.put_state(&key, b"c")?;
        }
        ("pcomp", [object_type, attributes @ ..]) => {
            let count = ctx.get_state_by_partial_composite_key(object_type, attributes)?.count();
            return counted(ctx, "pcomp", count);
        }
        ("event", [name, payload]) => ctx.set_event(name, payload.as_bytes())?,
        ("event2", []) => {
            ctx.set_event("first", b"1")?;
            ctx.set_event("second", b"2")?;
            ctx.put_state("ev", b"2")?;
        }
        ("setep", [key, orgs @ ..]) => {
            let policy = endorsement_policy::of_all(Role::Peer, orgs);
            ctx.set_state_validation_parameter(key, &policy)?;
        }
        ("cc2cc", [name, key, value]) => {
            let args = ["put".into(), key.clone().into_bytes(), value.clone().into_bytes()];
            let called = ctx.invoke_chaincode(name, &args, "");
            if called.status != 200 {
                return Ok(called);
            }
            ctx.put_state("cc2cc", b"done")?;
            ctx.set_event("outer", &called.payload)?;
        }
        ("status", [status]) => {
            ctx.put_state("status", status.as_bytes())?;
            let message = format!("msg {status}");
            return Ok(Response { status: status.parse()?, message, payload: b"pay".to_vec() });
        }
        ("empty", []) => ctx.put_state("emptyval", b"")?,
        ("info", []) => return info(ctx),
        _ => private(ctx, function, args)?,
    }
    Ok(Response::success(format!("ok {function}")))
}

fn private(ctx: &Context, function: &str, args: &[String]) -> Result<()> {
    match (function, args) {
        ("ppriv", [collection, key]) => {
            let value = ctx.get_transient().remove("v").unwrap_or_default();
            ctx.put_private_data(collection, key, &value)
        }
        ("gpriv", [collection, key]) => {
            let value = ctx.get_private_data(collection, key)?.unwrap_or_default();
            ctx.put_state("pubcopy-len", value.len().to_string().as_bytes())
        }
        ("hpriv", [collection, key]) => {
            let hash = ctx.get_private_data_hash(collection, key)?.unwrap_or_default();
            ctx.put_state("pubhash", &hash)
        }
        ("dpriv", [collection, key]) => ctx.del_private_data(collection, key),
        ("purge", [collection, key]) => ctx.purge_private_data(collection, key),
        ("setprivep", [collection, key, orgs @ ..]) => {
            let policy = endorsement_policy::of_all(Role::Member, orgs);
            ctx.set_private_data_validation_parameter(collection, key, &policy)
        }
        _ => Err(Error::internal(format!("no fn {function}"))),
    }
}

/// Reads `limit` rows of a range, or all, and writes their number.
fn range(
    ctx: &Context,
    start: &str,
    end: &str,
    counter: &str,
    limit: Option<usize>,
) -> Result<Response> {
    let mut rows = ctx.get_state_by_range(start, end)?;
    let mut count = 0;
    while Some(count) != limit
        && let Some(row) = rows.next()
    {
        row?;
        count += 1;
    }
    drop(rows);
    counted(ctx, counter, count)
}

fn counted(ctx: &Context, counter: &str, count: usize) -> Result<Response> {
    let count = count.to_string();
    ctx.put_state(counter, count.as_bytes())?;
    Ok(Response::success(count))
}

fn info(ctx: &Context) -> Result<Response> {
    let binding: String = ctx.get_binding().iter().map(|byte| format!("{byte:02x}")).collect();
    let time = ctx.get_tx_timestamp()?;
    // Go's text form of a message has one or two blanks between fields, depending on the build.
    Ok(Response::success(format!(
        "{} {} {binding} {} seconds:{} nanos:{}",
        ctx.get_tx_id(),
        ctx.get_channel_id(),
        ctx.get_creator().len(),
        time.seconds,
        time.nanos,
    )))
}

wasmcc_sdk::export_chaincode!(Vectors);
