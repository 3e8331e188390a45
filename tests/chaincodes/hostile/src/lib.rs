//! A chaincode that attacks its host, in one way per call.
//!
//! Invariant: a call does as little as possible apart from its misbehaviour.

use std::hint::black_box;
use std::time::{Duration, SystemTime};
use std::{process, thread};

use wasmcc_sdk::{Chaincode, Context, Error, Level, Response, Result};

/// See the head of this crate.
pub struct Hostile;

impl Chaincode for Hostile {
    fn init(&self, ctx: &Context) -> Response {
        self.invoke(ctx)
    }

    fn invoke(&self, ctx: &Context) -> Response {
        let (misbehaviour, args) = ctx.get_function_and_parameters();
        let first = args.first().map(String::as_str).unwrap_or_default();
        misbehave(ctx, &misbehaviour, first).unwrap_or_else(Response::from)
    }
}

/// Runs the misbehaviour in the first argument; sizes are in bytes.
fn misbehave(ctx: &Context, misbehaviour: &str, argument: &str) -> Result<Response> {
    match misbehaviour {
        "" => {}
        // Never ends.
        "loop" => spin(),
        // Never ends and calls the host in each turn; or ends after this many turns.
        _ if misbehaviour.starts_with("calls-") => {
            let turns = if argument.is_empty() { usize::MAX } else { number(argument)? };
            for _ in 0..turns {
                call_host(ctx, misbehaviour)?;
            }
        }
        // Allocates memory until there is none left.
        "grow" => grow(1 << 20),
        // The same in small steps, which a limit on the number of allocations would detect.
        "allocate" => grow(64),
        // Allocates all at once.
        "allocate-at-once" => drop(black_box(Vec::<u8>::with_capacity(1 << 30))),
        "recurse" => return Ok(Response::success(recurse(black_box(0)).to_string())),
        "trap" => trap(),
        "panic" => refuse_loudly(argument),
        "huge-result" => return Ok(Response::success(bytes(number(argument)?))),
        "huge-message" => return Ok(Response::error("m".repeat(number(argument)?))),
        "huge-key" => ctx.put_state(&"k".repeat(number(argument)?), b"v")?,
        "huge-read-key" => {
            ctx.get_state(&"k".repeat(number(argument)?))?;
        }
        "huge-value" => ctx.put_state("key", &bytes(number(argument)?))?,
        "huge-event" => ctx.set_event("event", &bytes(number(argument)?))?,
        "many-writes" => {
            for index in 0..number(argument)? {
                ctx.put_state(&index.to_string(), b"v")?;
            }
        }
        "many-iterators" => many_iterators(ctx, number(argument)?)?,
        "sleep" => thread::sleep(Duration::from_secs(argument.parse()?)),
        "exit" => process::exit(argument.parse().unwrap_or(0)),
        "spam-log" => spam(ctx, number(argument)?),
        "spam-stdout" => spam_stdout(number(argument)?),
        "huge-log" => ctx.log(Level::Info, &"l".repeat(number(argument)?)),
        // An undefined status, such as 0, -1 or i32::MAX.
        "status" => {
            return Ok(Response { status: argument.parse()?, ..Response::success("payload") });
        }
        "call-itself" => return Ok(ctx.invoke_chaincode(argument, &ctx.get_args(), "")),
        _ => return Err(Error::bad_request(format!("no misbehaviour {misbehaviour}"))),
    }
    Ok(Response::success(Vec::new()))
}

/// Makes one cheap call of the host, or a few.
#[allow(clippy::print_stdout, reason = "that is what it is for")]
fn call_host(ctx: &Context, which: &str) -> Result<()> {
    match which {
        "calls-read" => drop(ctx.get_state("key")?),
        "calls-write" => ctx.put_state("key", b"value")?,
        "calls-refused" => {
            let _ = ctx.put_state("", b"value");
        }
        "calls-args" => drop(black_box(ctx.get_args())),
        "calls-event" => ctx.set_event("event", b"payload")?,
        "calls-large-event" => ctx.set_event("event", &bytes(10_000))?,
        "calls-log" => ctx.log(Level::Debug, "line"),
        // A query that is opened and dropped, read partly, and read to the end.
        "calls-query" => drop(ctx.get_state_by_range("", "")?),
        "calls-rows" => {
            black_box(ctx.get_state_by_range("", "")?.count());
        }
        "calls-history" => drop(ctx.get_history_for_key("key")?),
        "calls-chaincode" => drop(ctx.invoke_chaincode("nobody", &[], "")),
        "calls-clock" => {
            black_box(SystemTime::now());
        }
        "calls-random" => random(&mut [0; 64]),
        "calls-print" => println!("line"),
        _ => return Err(Error::bad_request(format!("no call {which}"))),
    }
    Ok(())
}

#[allow(unsafe_code, reason = "std has no way to ask for more than its first random numbers")]
fn random(buffer: &mut [u8; 64]) {
    unsafe extern "C" {
        fn getentropy(buffer: *mut u8, length: usize) -> i32;
    }
    // SAFETY: POSIX's function; it writes `length` bytes.
    black_box(unsafe { getentropy(buffer.as_mut_ptr(), buffer.len()) });
}

fn spin() {
    loop {
        black_box(());
    }
}

fn grow(step: usize) {
    let mut taken = Vec::new();
    loop {
        taken.push(black_box(vec![1u8; step]));
    }
}

// A tail call would become a loop, so each frame does some work after the call.
#[allow(unconditional_recursion, reason = "that is what it is for")]
fn recurse(depth: u64) -> u64 {
    let frame = black_box([depth; 8]);
    recurse(depth + 1) + frame[0]
}

fn trap() {
    #[cfg(target_family = "wasm")]
    core::arch::wasm32::unreachable();
}

#[allow(clippy::panic, reason = "that is what it is for")]
fn refuse_loudly(text: &str) {
    panic!("{text}");
}

fn many_iterators(ctx: &Context, count: usize) -> Result<()> {
    let mut open = Vec::new();
    for _ in 0..count {
        let mut rows = ctx.get_state_by_range("", "")?;
        rows.next();
        open.push(rows);
    }
    Ok(())
}

fn spam(ctx: &Context, count: usize) {
    for index in 0..count {
        ctx.log(Level::Error, &format!("line {index}"));
    }
}

#[allow(clippy::print_stdout, reason = "that is what it is for")]
fn spam_stdout(count: usize) {
    for index in 0..count {
        println!("line {index}");
    }
}

fn bytes(count: usize) -> Vec<u8> {
    vec![b'x'; count]
}

fn number(text: &str) -> Result<usize> {
    Ok(text.parse()?)
}

wasmcc_sdk::export_chaincode!(Hostile);
