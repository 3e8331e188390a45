//! Compiles components in this process, or each in its own process with limits on memory and time.
//! The resources that a compiler uses depend on the code, and only the end of its process releases
//! all of them.
//!
//! Invariant: errors of a component (it does not compile, or needs too much) are kept apart from
//! errors of this machine (no process, no memory, the process was killed). Only errors of a
//! component are final.

use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};
use std::{io, thread};

use wasmtime::Engine;

use crate::compiler_line::{ASK_EVERY, CompilerLine};
use crate::compiler_process::{COMPILE_VERB, Said};
use crate::component::LoadError;
use crate::engine::{CodeShape, compiling_engine};
use crate::parts::Parts;
use crate::wanted::Wanted;
use wasmcc_types::deadline_after;

/// The part of a compiler's standard error that is kept, in bytes.
const LAST_WORDS: u64 = 4 << 10;
/// Threads that compile one component.
const THREADS: usize = 4;

/// Selects where a runtime compiles components.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Compiler {
    /// In this process, on the loading thread: for components from trusted sources.
    #[default]
    InProcess,
    /// Each in its own process.
    Child(ChildCompiler),
}

/// The treatment of functions that were compiled before.
pub(crate) enum Reuse {
    /// Uses no earlier functions and returns none.
    Nothing,
    /// Has no earlier functions; returns those of this compilation.
    Keep,
    /// Uses these functions.
    Given(Vec<u8>),
}

/// Compiled code, and its functions for later compilations, if they were requested.
pub(crate) struct Compiled {
    pub(crate) code: Vec<u8>,
    pub(crate) parts: Vec<u8>,
}

/// Settings of compilers in their own processes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChildCompiler {
    /// The program `wasmcc`.
    pub program: PathBuf,
    /// Limit on the address space of the process.
    pub memory_bytes: u64,
    /// Limit on the processor time of all its threads together, in seconds. Limits the time by the
    /// clock to four times as much.
    pub cpu_seconds: u64,
    /// Limit on the processes at the same time; further components wait.
    pub at_once: usize,
}

impl ChildCompiler {
    /// Returns the usual limits; `program` is `wasmcc`.
    pub fn new(program: PathBuf) -> Self {
        Self { program, memory_bytes: 3 << 30, cpu_seconds: 120, at_once: 2 }
    }

    /// Uses the running program, which must be `wasmcc`.
    ///
    /// # Errors
    /// The path of the program cannot be read from the system.
    pub fn this_program() -> io::Result<Self> {
        // This path refers to the same program even after a newer version replaces its file.
        let running = PathBuf::from("/proc/self/exe");
        let program = if running.exists() { running } else { std::env::current_exe()? };
        Ok(Self::new(program))
    }

    fn wall_clock(&self) -> Duration {
        Duration::from_secs(self.cpu_seconds.saturating_mul(4).saturating_add(10))
    }
}

/// The compilers of one runtime.
pub(crate) struct Compilers {
    compiler: Compiler,
    shape: CodeShape,
    line: CompilerLine,
}

impl Compilers {
    /// Returns the compilers of code of this shape.
    pub(crate) fn new(compiler: Compiler, shape: CodeShape) -> Self {
        Self { compiler, shape, line: CompilerLine::default() }
    }

    /// Compiles an admitted component to code for `engine`. Blocks the thread. If no caller waits
    /// any more, does not begin, or kills the process that compiles it.
    pub(crate) fn compile(
        &self,
        engine: &Engine,
        wasm: &[u8],
        reuse: Reuse,
        wanted: &Wanted,
    ) -> Result<Compiled, LoadError> {
        match &self.compiler {
            Compiler::InProcess if wanted.give_up() => Err(unwanted()),
            Compiler::InProcess => self.compile_here(engine, wasm, reuse),
            Compiler::Child(child) => {
                let _place = self.line.place(child.at_once, wanted).ok_or_else(unwanted)?;
                child.compile(self.shape, wasm, &reuse, wanted)
            }
        }
    }

    fn compile_here(
        &self,
        engine: &Engine,
        wasm: &[u8],
        reuse: Reuse,
    ) -> Result<Compiled, LoadError> {
        let failed = |error: wasmtime::Error| LoadError::Compile(format!("{error:#}"));
        let parts = Arc::new(Parts::default());
        let with_parts = match reuse {
            Reuse::Nothing => None,
            Reuse::Keep | Reuse::Given(_) => {
                let engine = compiling_engine(self.shape, Some(Arc::clone(&parts)));
                Some(engine.map_err(failed)?)
            }
        };
        if let Reuse::Given(given) = reuse {
            parts.give(&given);
        }
        let code = with_parts.as_ref().unwrap_or(engine).precompile_component(wasm);
        Ok(Compiled { code: code.map_err(failed)?, parts: parts.made() })
    }
}

/// A running compiler. Dropping it kills the process and waits for its end.
struct RunningCompiler(Child);

impl RunningCompiler {
    fn kill(&mut self) {
        // Fails if the process has ended by itself.
        let _ = self.0.kill();
    }
}

impl Drop for RunningCompiler {
    fn drop(&mut self) {
        self.kill();
        let _ = self.0.wait();
    }
}

fn short_of(what: impl std::fmt::Display) -> LoadError {
    LoadError::Machine(what.to_string())
}

/// Returns the error of a compilation for which no caller waits any more; nobody reads it.
fn unwanted() -> LoadError {
    short_of("cancelled: no caller waits for it any more")
}

impl ChildCompiler {
    fn compile(
        &self,
        shape: CodeShape,
        wasm: &[u8],
        reuse: &Reuse,
        wanted: &Wanted,
    ) -> Result<Compiled, LoadError> {
        let mut running = RunningCompiler(self.start(shape, reuse)?);
        let given = if let Reuse::Given(given) = reuse { given.as_slice() } else { &[] };
        let pipes = (running.0.stdin.take(), running.0.stdout.take(), running.0.stderr.take());
        let (Some(to), Some(mut from), Some(mut words)) = pipes else {
            return Err(short_of("the compiler has no pipes"));
        };
        let said = thread::scope(|scope| {
            let (tell, told) = mpsc::channel();
            let talk = move || {
                // A compiler that ends early does not read everything, so an error here is ignored.
                let _ = Said::send_component(to, wasm, given);
                let _ = tell.send(Said::receive(&mut from));
            };
            let talking = thread::Builder::new().name("wasmcc-compile".into());
            talking.spawn_scoped(scope, talk).map_err(short_of)?;
            // Killing the process closes its pipes, which ends the thread.
            self.hear(&told, wanted).inspect_err(|_| running.kill())
        })?;
        match said {
            Some(Said::Compiled(code, parts)) => Ok(Compiled { code, parts }),
            Some(Said::Refused(why)) => Err(LoadError::Compile(why)),
            Some(Said::OutOfMemory) => Err(self.out_of_memory()),
            None => {
                let mut last = Vec::new();
                let _ = io::copy(&mut io::Read::take(&mut words, LAST_WORDS), &mut last);
                let status = running.0.wait().map_err(short_of)?;
                Err(self.judge(status, String::from_utf8_lossy(&last).trim()))
            }
        }
    }

    /// Waits for the answer until no caller wants it, or the compiler's time is up.
    fn hear<T>(&self, told: &Receiver<T>, wanted: &Wanted) -> Result<T, LoadError> {
        let deadline = deadline_after(self.wall_clock());
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            match told.recv_timeout(left.min(ASK_EVERY)) {
                Ok(said) => return Ok(said),
                Err(RecvTimeoutError::Timeout) if wanted.give_up() => return Err(unwanted()),
                Err(RecvTimeoutError::Timeout) if !left.is_zero() => {}
                Err(_) => {
                    let seconds = self.wall_clock().as_secs();
                    return Err(short_of(format!("the compiler did not end within {seconds} s")));
                }
            }
        }
    }

    fn start(&self, shape: CodeShape, reuse: &Reuse) -> Result<Child, LoadError> {
        let reuses = u64::from(!matches!(reuse, Reuse::Nothing));
        let threads = thread::available_parallelism().map_or(1, usize::from).min(THREADS);
        let mut command = Command::new(&self.program);
        command
            .arg(COMPILE_VERB)
            .args([self.memory_bytes, self.cpu_seconds].map(|n| n.to_string()))
            .args([shape.stack_bytes as u64, shape.has_places.into()].map(|n| n.to_string()))
            .arg(reuses.to_string())
            .env_clear()
            .env("RAYON_NUM_THREADS", threads.to_string())
            // Compilers recurse, so they need large stacks; a heap for each thread would use
            // address space.
            .env("RUST_MIN_STACK", (8 << 20).to_string())
            .env("MALLOC_ARENA_MAX", threads.to_string())
            // The program's allocator would reserve a gibibyte of it before the limit is set.
            .env("MIMALLOC_ARENA_RESERVE", "64MiB")
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let program = self.program.display();
        command.spawn().map_err(|error| short_of(format!("cannot start {program}: {error}")))
    }

    /// Interprets the end of a compiler that sent no answer.
    fn judge(&self, status: ExitStatus, last_words: &str) -> LoadError {
        if is_out_of_time(status) {
            return LoadError::TooExpensive(format!(
                "more than {} seconds of processor time",
                self.cpu_seconds
            ));
        }
        // Rust writes this text before it aborts.
        if last_words.contains("memory allocation of ") {
            return self.out_of_memory();
        }
        if last_words.contains("has overflowed its stack") {
            return LoadError::Compile("the compiler recurses too deep".into());
        }
        short_of(format!("the compiler ended with {status} {last_words}").trim_end())
    }

    /// Linux promises more memory than it has and kills processes when it runs out. So a failed
    /// allocation means that the limit was reached, unless the system is set to promise only the
    /// memory that it has.
    fn out_of_memory(&self) -> LoadError {
        let mode = std::fs::read_to_string("/proc/sys/vm/overcommit_memory");
        match mode.as_deref().map(str::trim) {
            Ok("0" | "1") => LoadError::TooExpensive(format!(
                "more than {} MiB of memory",
                self.memory_bytes >> 20
            )),
            _ => short_of("no memory for the compiler"),
        }
    }
}

#[cfg(unix)]
fn is_out_of_time(status: ExitStatus) -> bool {
    use std::os::unix::process::ExitStatusExt;
    status.signal() == Some(rustix::process::Signal::XCPU.as_raw())
}

#[cfg(not(unix))]
fn is_out_of_time(_: ExitStatus) -> bool {
    false
}
