//! The child's side of [`ChildCompiler`](crate::ChildCompiler): a process that compiles one
//! component from standard input to standard output.
//!
//! Invariant: the process sets its limits before it reads anything. Its pipes are its only files,
//! it cannot open files or connections, and it ends with the thread that started it.

use std::ffi::OsString;
use std::io::{self, Read, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;
use std::sync::Arc;

use wasmtime::Engine;

use crate::cache::panic_text;
use crate::engine::{CodeShape, compiling_engine};
use crate::parts::Parts;

/// The hidden verb of `wasmcc` for this process.
pub const COMPILE_VERB: &str = "compile-component";

/// Limit on compiled code, in bytes.
const COMPILED_BYTES: u64 = 256 << 20;
/// The component `(component (core module (func)))`.
const SMALLEST: &[u8] =
    b"\0asm\x0d\0\x01\0\x01\x18\0asm\x01\0\0\0\x01\x04\x01\x60\0\0\x03\x02\x01\0\
                          \x0a\x04\x01\x02\0\x0b";

/// The answer of a compiler. On the wire: a byte for the kind, then one or two byte strings, each
/// preceded by its length.
pub(super) enum Said {
    /// Code for this machine, and the functions to keep.
    Compiled(Vec<u8>, Vec<u8>),
    /// The reason why the component does not compile.
    Refused(String),
    /// The memory limit was reached, and the compiler could report it.
    OutOfMemory,
}

impl Said {
    /// Sends a component to a compiler, with functions that were compiled before.
    pub(super) fn send_component(mut to: impl Write, wasm: &[u8], parts: &[u8]) -> io::Result<()> {
        send(&mut to, wasm)?;
        send(&mut to, parts)?;
        to.flush()
    }

    /// Reads a compiler's answer. Returns None if the compiler ended without a complete answer.
    pub(super) fn receive(from: &mut impl Read) -> Option<Self> {
        let mut kind = [0];
        from.read_exact(&mut kind).ok()?;
        let bytes = receive(from, COMPILED_BYTES).ok()?;
        match kind[0] {
            b'C' => Some(Self::Compiled(bytes, receive(from, COMPILED_BYTES).ok()?)),
            b'R' => Some(Self::Refused(String::from_utf8_lossy(&bytes).into_owned())),
            b'M' => Some(Self::OutOfMemory),
            _ => None,
        }
    }

    fn send(&self, mut to: impl Write) -> io::Result<()> {
        let (kind, bytes) = match self {
            Self::Compiled(code, _) => (b'C', code.as_slice()),
            Self::Refused(text) => (b'R', text.as_bytes()),
            Self::OutOfMemory => (b'M', [].as_slice()),
        };
        to.write_all(&[kind])?;
        send(&mut to, bytes)?;
        if let Self::Compiled(_, parts) = self {
            // Without its functions, a component compiles anew each time.
            let is_sent = parts.len() as u64 <= COMPILED_BYTES;
            send(&mut to, if is_sent { parts } else { &[] })?;
        }
        to.flush()
    }
}

/// Writes bytes, preceded by their length.
fn send(to: &mut impl Write, bytes: &[u8]) -> io::Result<()> {
    to.write_all(&(bytes.len() as u64).to_le_bytes())?;
    to.write_all(bytes)
}

/// Reads bytes that are preceded by their length.
fn receive(from: &mut impl Read, limit: u64) -> io::Result<Vec<u8>> {
    let mut length = [0; 8];
    from.read_exact(&mut length)?;
    let length = u64::from_le_bytes(length);
    let length = usize::try_from(length.min(limit.saturating_add(1))).unwrap_or(usize::MAX);
    let mut bytes = Vec::new();
    bytes.try_reserve_exact(length)?;
    from.take(length as u64).read_to_end(&mut bytes)?;
    match bytes.len() == length && length as u64 <= limit {
        true => Ok(bytes),
        false => Err(io::ErrorKind::UnexpectedEof.into()),
    }
}

/// Compiles the component on standard input; the arguments after the verb are the limits. If this
/// machine fails, the process ends without an answer.
pub fn compile_for_parent(args: impl Iterator<Item = OsString>) -> ExitCode {
    match run(args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(text) => {
            let _ = writeln!(io::stderr(), "{text}");
            ExitCode::FAILURE
        }
    }
}

fn run(args: impl Iterator<Item = OsString>) -> Result<(), String> {
    let numbers: Vec<u64> = args.filter_map(|arg| arg.to_str()?.parse().ok()).collect();
    let &[memory_bytes, cpu_seconds, stack_bytes, has_places, reuses] = numbers.as_slice() else {
        return Err("this verb is for wasmcc itself: it expects five numbers".into());
    };
    confine(memory_bytes, cpu_seconds).map_err(|error| format!("cannot set limits: {error}"))?;
    let failed = |error: wasmtime::Error| format!("{error:#}");
    // Failures up to here, of threads for example, are not caused by the component.
    let shape = CodeShape { stack_bytes: stack_bytes as usize, has_places: has_places != 0 };
    let plain = compiling_engine(shape, None).map_err(failed)?;
    plain.precompile_component(SMALLEST).map_err(failed)?;
    let parts = (reuses != 0).then(|| Arc::new(Parts::default()));
    let engine = compiling_engine(shape, parts.clone()).map_err(failed)?;
    let none = |error: io::Error| format!("cannot read the component: {error}");
    let wasm = receive(&mut io::stdin().lock(), COMPILED_BYTES).map_err(none)?;
    let given = receive(&mut io::stdin().lock(), COMPILED_BYTES).map_err(none)?;
    if let Some(parts) = &parts {
        parts.give(&given);
    }
    let said = compile(&engine, &wasm, parts.as_deref());
    said.send(io::stdout().lock()).map_err(|error| format!("cannot send the answer: {error}"))
}

fn compile(engine: &Engine, wasm: &[u8], parts: Option<&Parts>) -> Said {
    match catch_unwind(AssertUnwindSafe(|| engine.precompile_component(wasm))) {
        Ok(Ok(code)) if code.len() as u64 > COMPILED_BYTES => {
            Said::Refused(format!("it compiles to more than {COMPILED_BYTES} bytes"))
        }
        Ok(Ok(code)) => Said::Compiled(code, parts.map_or_else(Vec::new, Parts::made)),
        Ok(Err(error)) if is_out_of_memory(&error) => Said::OutOfMemory,
        Ok(Err(error)) => Said::Refused(format!("{error:#}")),
        Err(panic) => Said::Refused(panic_text(panic)),
    }
}

fn is_out_of_memory(error: &wasmtime::Error) -> bool {
    error.chain().any(|cause| {
        let io = cause.downcast_ref::<io::Error>();
        io.is_some_and(|error| error.kind() == io::ErrorKind::OutOfMemory)
    })
}

/// Drops the rights of this process.
#[cfg(unix)]
fn confine(memory_bytes: u64, cpu_seconds: u64) -> rustix::io::Result<()> {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = |resource, value: u64| {
        let given = getrlimit(resource).maximum.unwrap_or(u64::MAX);
        let value = Some(value.min(given));
        setrlimit(resource, Rlimit { current: value, maximum: value })
    };
    // If the parent has ended before this, its pipe is closed and no complete component arrives.
    #[cfg(target_os = "linux")]
    rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::KILL))?;
    limit(Resource::Core, 0)?;
    limit(Resource::Fsize, 0)?;
    // Standard input, output and error are open; this limit allows no further files.
    limit(Resource::Nofile, 3)?;
    limit(Resource::As, memory_bytes)?;
    // With a soft limit below the hard one, the process is ended by a distinct signal.
    let given = getrlimit(Resource::Cpu).maximum.unwrap_or(u64::MAX);
    let (current, maximum) = (cpu_seconds.min(given), cpu_seconds.saturating_add(5).min(given));
    setrlimit(Resource::Cpu, Rlimit { current: Some(current), maximum: Some(maximum) })?;
    // Transactions keep a higher priority.
    rustix::process::nice(5).map(drop)
}

#[cfg(not(unix))]
fn confine(_: u64, _: u64) -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn too_many_functions_to_keep_do_not_lose_the_code() {
        for (kept, expected) in [(3, 3), (COMPILED_BYTES as usize + 1, 0)] {
            let mut sent = Vec::new();
            Said::Compiled(vec![7], vec![0; kept]).send(&mut sent).unwrap();
            let received = Said::receive(&mut sent.as_slice());
            let Some(Said::Compiled(code, parts)) = received else { panic!("no code") };
            assert_eq!((code, parts.len()), (vec![7], expected));
        }
    }
}
