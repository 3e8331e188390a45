//! A chaincode that does one thing per call, so that tests can check its effect on the ledger.
//!
//! The first argument is the operation, see `invoke`; rows are returned one per line. `then`, `try`
//! (`caught`, without the kind of the refusal) and `repeat` combine operations.
//!
//! Invariant: a call makes exactly the ledger calls of its operation, in the order of the list.

mod determinism;
mod private;
mod proposal;

use wasmcc_sdk::{
    Chaincode, Context, Error, KeyValue, Level, MetadataEntry, Policy, Response, Result, Role,
};

/// See the head of this crate.
pub struct Probe;

impl Chaincode for Probe {
    /// Writes its arguments, joined by blanks, to the key `init`. Fails if the first one is `fail`,
    /// and runs an operation if it is `run`.
    fn init(&self, ctx: &Context) -> Response {
        let args = ctx.get_string_args();
        let words: Vec<&str> = args.iter().map(String::as_str).collect();
        match words.as_slice() {
            ["fail", ..] => return Response::error("init failed"),
            ["run", operation, rest @ ..] => return invoke(ctx, operation, rest).into(),
            _ => {}
        }
        ctx.put_state("init", args.join(" ").as_bytes()).map(|()| Vec::new()).into()
    }

    fn invoke(&self, ctx: &Context) -> Response {
        let (operation, args) = ctx.get_function_and_parameters();
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        if operation == "status" {
            return status(&args).unwrap_or_else(Response::from);
        }
        invoke(ctx, &operation, &args).into()
    }
}

/// Runs one operation; the patterns below name its arguments.
fn invoke(ctx: &Context, operation: &str, args: &[&str]) -> Result<Vec<u8>> {
    match (operation, args) {
        ("noop", _) => {}
        ("put", [key, value]) => ctx.put_state(key, value.as_bytes())?,
        ("get", [key]) => return Ok(ctx.get_state(key)?.unwrap_or_default()),
        ("del", [key]) => ctx.del_state(key)?,
        ("empty", [key]) => ctx.put_state(key, b"")?,
        ("rmw", [key, suffix]) => {
            let mut value = ctx.get_state(key)?.unwrap_or_default();
            value.extend_from_slice(suffix.as_bytes());
            ctx.put_state(key, &value)?;
        }
        ("putread", [key, value]) => {
            ctx.put_state(key, value.as_bytes())?;
            return Ok(ctx.get_state(key)?.unwrap_or_default());
        }
        ("mput", [prefix, count]) => put_many(ctx, prefix, number(count)?)?,
        ("batch", [prefix, count]) => {
            ctx.start_write_batch();
            put_many(ctx, prefix, number(count)?)?;
            ctx.finish_write_batch()?;
        }
        ("hold", [prefix, count]) => {
            ctx.start_write_batch();
            put_many(ctx, prefix, number(count)?)?;
        }
        ("start-batch", []) => ctx.start_write_batch(),
        ("finish-batch", []) => ctx.finish_write_batch()?,
        ("big", [key, bytes]) => ctx.put_state(key, &vec![b'x'; number(bytes)?])?,
        ("mget", keys) => {
            let values = ctx.get_multiple_states(keys)?;
            return Ok(lines(values.into_iter().map(|value| match value {
                Some(value) => text(&value),
                None => "-".to_owned(),
            })));
        }
        ("event", [name, payload]) => ctx.set_event(name, payload.as_bytes())?,
        ("log", [words]) => ctx.log(Level::Info, words),
        ("log", [words, fields @ ..]) => {
            let fields = fields.iter().filter_map(|field| field.split_once('='));
            ctx.log_with(Level::Info, words, &fields.collect::<Vec<_>>());
        }
        ("info", []) => return info(ctx),
        ("hashmap", []) => return determinism::probe(ctx),
        ("then", operations) => return then(ctx, operations),
        ("try", [operation, args @ ..]) => {
            return Ok(invoke(ctx, operation, args).unwrap_or_else(refused));
        }
        ("caught", [operation, args @ ..]) => {
            return Ok(
                invoke(ctx, operation, args).unwrap_or_else(|error| format!("{error}\n").into())
            );
        }
        ("repeat", [count, operation, args @ ..]) => {
            let answers: Result<Vec<_>> =
                (0..number(count)?).map(|_| invoke(ctx, operation, args)).collect();
            return Ok(answers?.concat());
        }
        ("cc2cc", [name, args @ ..]) => return call(ctx, name, args, ""),
        ("cc2cc-on", [channel, name, args @ ..]) => return call(ctx, name, args, channel),
        ("called", [channel, name, args @ ..]) => return Ok(called(ctx, name, args, channel)),
        ("trycc2cc", [channel, name, args @ ..]) => {
            return Ok(shown(ctx.try_invoke_chaincode(name, &bytes(args), channel)?));
        }
        _ => match proposal::read(ctx, operation) {
            Some(read) => return read,
            None => return query(ctx, operation, args),
        },
    }
    Ok(Vec::new())
}

fn query(ctx: &Context, operation: &str, args: &[&str]) -> Result<Vec<u8>> {
    match (operation, args) {
        ("range", [start, end]) => rows(ctx.get_state_by_range(start, end)?),
        ("range", [start, end, limit]) => {
            rows(ctx.get_state_by_range(start, end)?.take(number(limit)?))
        }
        ("page", [start, end, size, bookmark]) => {
            let size = i32::try_from(number(size)?)?;
            page(ctx.get_state_by_range_with_pagination(start, end, size, bookmark)?)
        }
        ("comp", [object_type, attributes @ .., value]) => {
            let key = ctx.create_composite_key(object_type, attributes)?;
            ctx.put_state(&key, value.as_bytes())?;
            Ok(Vec::new())
        }
        ("pcomp", [object_type, attributes @ ..]) => {
            let found = ctx.get_state_by_partial_composite_key(object_type, attributes)?;
            rows(found.map(|row| split(ctx, row?)))
        }
        ("pcomppage", [object_type, attribute, size, bookmark]) => {
            let size = i32::try_from(number(size)?)?;
            page(ctx.get_state_by_partial_composite_key_with_pagination(
                object_type,
                &[attribute],
                size,
                bookmark,
            )?)
        }
        ("allcomppage", [size, bookmark]) => {
            let size = i32::try_from(number(size)?)?;
            page(ctx.get_all_states_composite_key_with_pagination(size, bookmark)?)
        }
        ("query", [selector]) => rows(ctx.get_query_result(selector)?),
        ("query", [selector, limit]) => rows(ctx.get_query_result(selector)?.take(number(limit)?)),
        ("querypage", [selector, size, bookmark]) => {
            let size = i32::try_from(number(size)?)?;
            page(ctx.get_query_result_with_pagination(selector, size, bookmark)?)
        }
        ("history", [key, limit @ ..]) => {
            let limit = limit.first().map(|limit| number(limit)).transpose()?;
            let changes = ctx.get_history_for_key(key)?.take(limit.unwrap_or(usize::MAX));
            let changes: Result<Vec<_>> = changes.collect();
            Ok(lines(changes?.into_iter().map(|change| {
                let value = if change.is_delete { "deleted".into() } else { text(&change.value) };
                format!("{} {} {value}", change.tx_id, change.timestamp.seconds)
            })))
        }
        ("setmeta", [key, policy]) => {
            ctx.set_state_validation_parameter(key, &policy_of(policy)).map(|()| Vec::new())
        }
        ("getmeta", [key]) => Ok(ctx.get_state_validation_parameter(key)?.unwrap_or_default()),
        ("setentry", [key, name, value]) => {
            let entry =
                MetadataEntry { name: (*name).to_owned(), value: value.as_bytes().to_vec() };
            ctx.put_state_metadata(key, &entry).map(|()| Vec::new())
        }
        ("getentries", [key]) => {
            let entries = ctx.get_state_metadata(key)?.into_iter();
            Ok(lines(entries.map(|entry| format!("{}={}", entry.name, text(&entry.value)))))
        }
        _ => private::invoke(ctx, operation, args),
    }
}

/// `status N [MESSAGE [PAYLOAD]]`: returns exactly this response.
fn status(args: &[&str]) -> Result<Response> {
    let status = args.first().ok_or_else(|| Error::bad_request("no status"))?.parse()?;
    let words = |index: usize| args.get(index).copied().unwrap_or_default().to_owned();
    Ok(Response { status, message: words(1), payload: words(2).into_bytes() })
}

/// `OPERATION [ARGUMENTS] ; OPERATION ...`: runs them in order, up to the first failure.
fn then(ctx: &Context, operations: &[&str]) -> Result<Vec<u8>> {
    let mut answers = Vec::new();
    for operation in operations.split(|word| *word == ";") {
        let [operation, args @ ..] = operation else {
            return Err(Error::bad_request("nothing beside a semicolon"));
        };
        answers.extend(invoke(ctx, operation, args)?);
    }
    Ok(answers)
}

/// Returns the result of `try` for a refusal.
fn refused(error: Error) -> Vec<u8> {
    match error.refusal() {
        Some(kind) => format!("refused {kind:?}: {error}\n").into_bytes(),
        None => format!("refused: {error}\n").into_bytes(),
    }
}

fn put_many(ctx: &Context, prefix: &str, count: usize) -> Result<()> {
    for index in 0..count {
        ctx.put_state(&format!("{prefix}{index:05}"), index.to_string().as_bytes())?;
    }
    Ok(())
}

/// Returns all of a call's response.
fn called(ctx: &Context, name: &str, args: &[&str], channel: &str) -> Vec<u8> {
    shown(ctx.invoke_chaincode(name, &bytes(args), channel))
}

fn shown(response: Response) -> Vec<u8> {
    let Response { status, message, payload } = response;
    lines([format!("status={status}"), format!("message={message}"), text(&payload)])
}

fn call(ctx: &Context, name: &str, args: &[&str], channel: &str) -> Result<Vec<u8>> {
    ctx.invoke_chaincode(name, &bytes(args), channel).ok()
}

fn bytes(args: &[&str]) -> Vec<Vec<u8>> {
    args.iter().map(|arg| arg.as_bytes().to_vec()).collect()
}

fn info(ctx: &Context) -> Result<Vec<u8>> {
    let time = ctx.get_tx_timestamp()?;
    let names = |map: std::collections::BTreeMap<String, Vec<u8>>| {
        map.into_keys().collect::<Vec<_>>().join(",")
    };
    let identity = ctx.client_identity()?;
    let proposal = ctx.get_signed_proposal();
    Ok(lines([
        format!("tx_id={}", ctx.get_tx_id()),
        format!("channel={}", ctx.get_channel_id()),
        format!("binding={}", hex(&ctx.get_binding())),
        format!("timestamp={}.{:09}", time.seconds, time.nanos),
        format!("creator={} bytes", ctx.get_creator().len()),
        format!("client={}", identity.msp_id()),
        format!("transient={}", names(ctx.get_transient())),
        format!("decorations={}", names(ctx.get_decorations())),
        format!("proposal={} bytes", proposal.map_or(0, |p| p.proposal_bytes.len())),
        format!("peer={}", ctx.get_peer_msp_id()?),
    ]))
}

fn split(ctx: &Context, row: KeyValue) -> Result<KeyValue> {
    let (object_type, attributes) = ctx.split_composite_key(&row.key)?;
    Ok(KeyValue { key: format!("{object_type}/{}", attributes.join("/")), value: row.value })
}

fn rows(rows: impl Iterator<Item = Result<KeyValue>>) -> Result<Vec<u8>> {
    let rows: Result<Vec<KeyValue>> = rows.collect();
    Ok(lines(rows?.into_iter().map(|row| format!("{}={}", row.key, text(&row.value)))))
}

fn page(page: wasmcc_sdk::Page) -> Result<Vec<u8>> {
    let mut payload = rows(page.rows.into_iter().map(Ok))?;
    let tail = format!("count={} bookmark={}\n", page.fetched_records_count, page.bookmark);
    payload.extend_from_slice(tail.as_bytes());
    Ok(payload)
}

fn lines(lines: impl IntoIterator<Item = String>) -> Vec<u8> {
    lines.into_iter().fold(Vec::new(), |mut text, line| {
        text.extend_from_slice(line.as_bytes());
        text.push(b'\n');
        text
    })
}

fn text(value: &[u8]) -> String {
    String::from_utf8_lossy(value).into_owned()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Returns the policy of a word: a serialized policy after `raw:` unchanged, otherwise the peers of
/// the organization in the word. An empty word removes the policy.
fn policy_of(word: &str) -> Vec<u8> {
    match word.strip_prefix("raw:") {
        Some(raw) => raw.into(),
        None if word.is_empty() || Policy::from_bytes(word.as_bytes()).is_ok() => word.into(),
        None => Policy::signed_by(Role::Peer, word).to_bytes(),
    }
}

fn number(text: &str) -> Result<usize> {
    Ok(text.parse()?)
}

wasmcc_sdk::export_chaincode!(Probe);
