//! Components that are expensive to compile, and machines that cannot compile.

use std::io::Write;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};
use std::{fs, thread};

use tempfile::TempDir;
use wasmcc_runtime::{
    ChildCompiler, CodeLimits, Compiler, Failure, Invocation, Limits, LoadError, Runtime,
    RuntimeConfig,
};
use wasmcc_tests::program::program;
use wasmcc_tests::{MapBackend, guest, invocation};
use wasmcc_types::{Entry, Meter};

const NESTED_STRINGS: &[u8] = include_bytes!("../components/nested_strings.wasm");
const TAIL_CALL: &[u8] = include_bytes!("../components/tail_call.wasm");
const HOUR: Duration = Duration::from_secs(3_600);

/// Returns a chaincode with one more function, in which many blocks change many variables.
/// Compiling it takes hundreds of megabytes and many seconds.
fn expensive() -> Vec<u8> {
    const LOCALS: usize = 3_000;
    let mut code = b"\x03\x40".to_vec();
    for block in 0..10_000 {
        code.extend(b"\x20\0\x04\x40\x20");
        code.extend(leb(1 + block % LOCALS));
        code.extend(b"\x41\x01\x6a\x21");
        code.extend(leb(1 + block * 7 % LOCALS));
        code.push(0x0b);
    }
    code.extend(b"\x20\0\x0d\0\x0b");
    with_function(LOCALS, &code)
}

/// Returns a chaincode with one more function, which has a parameter, these local variables and
/// this code.
fn with_function(locals: usize, code: &[u8]) -> Vec<u8> {
    let code = [&leb(1)[..], &leb(locals), b"\x7f", code, b"\x0b"].concat();
    let body = [leb(1), leb(code.len()), code].concat();
    let module = [
        &b"\0asm\x01\0\0\0\x01\x05\x01\x60\x01\x7f\0\x03\x02\x01\0\x0a"[..],
        &leb(body.len()),
        &body,
    ];
    let module = module.concat();
    [NESTED_STRINGS, &[1], &leb(module.len()), &module].concat()
}

fn leb(mut number: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    while number > 0x7f {
        bytes.push((number & 0x7f) as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
    bytes
}

/// Returns a runtime that compiles anything up to the size limit of a file.
fn runtime(compiler: ChildCompiler, cache_dir: Option<PathBuf>) -> Runtime {
    let code = CodeLimits { merges: u64::MAX, all_merges: u64::MAX, ..CodeLimits::default() };
    let limits = Limits { instances: 2, code, ..Limits::default() };
    let compiler = Compiler::Child(compiler);
    Runtime::new(RuntimeConfig { limits, cache_dir, compiler, ..Default::default() }).unwrap()
}

/// A name of the program that can be removed.
struct Name {
    folder: TempDir,
}

impl Name {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("wasmcc")
    }

    fn give(&self) {
        self.give_to(program());
    }

    fn give_to(&self, program: &Path) {
        let _ = fs::remove_file(self.path());
        symlink(program, self.path()).unwrap();
    }

    fn take_away(&self) {
        fs::remove_file(self.path()).unwrap();
    }

    fn compiler(&self) -> ChildCompiler {
        ChildCompiler::new(self.path())
    }
}

fn call(timeout: Duration, meter: &Arc<Meter>, args: &[&str]) -> Invocation {
    Invocation { timeout, meter: Arc::clone(meter), ..invocation("nested", args) }
}

fn status(runtime: &Runtime, wasm: &[u8]) -> i32 {
    let component = runtime.load(wasm).unwrap();
    let meter = Arc::new(Meter::unlimited(HOUR));
    runtime
        .invoke(&component, call(HOUR, &meter, &[]), Box::<MapBackend>::default())
        .unwrap()
        .response
        .status
}

#[test]
fn components_that_pass_text_to_each_other_run_wherever_they_were_compiled() {
    let name = Name::new();
    name.give();
    let here = Runtime::new(RuntimeConfig::default()).unwrap();
    assert_eq!(status(&here, NESTED_STRINGS), 200);
    let cache = name.folder.path().join("compiled");
    let there = runtime(name.compiler(), Some(cache.clone()));
    assert_eq!(status(&there, NESTED_STRINGS), 200);
    // The next runtime finds the compiled code of this one.
    name.take_away();
    let cached = runtime(name.compiler(), Some(cache));
    assert_eq!(status(&cached, NESTED_STRINGS), 200);
}

#[test]
fn tail_calls_take_no_stack_and_end_with_the_fuel() {
    let runtime = Runtime::new(RuntimeConfig::default()).unwrap();
    let component = runtime.load(TAIL_CALL).unwrap();
    let limits = Some(Arc::new(Limits { fuel: 50_000_000, ..Limits::default() }));
    let run = |entry| {
        let call = call(HOUR, &Arc::new(Meter::unlimited(HOUR)), &[]);
        let call = Invocation { entry, limits: limits.clone(), ..call };
        runtime.invoke(&component, call, Box::<MapBackend>::default())
    };
    let counted = run(Entry::Init).unwrap();
    assert_eq!(counted.response.status, 200);
    assert!(counted.fuel > 1_000_000, "{}", counted.fuel);
    assert_eq!(run(Entry::Invoke), Err(Failure::OutOfFuel { limit: 50_000_000 }));
}

#[test]
fn what_takes_too_much_to_compile_is_refused_and_stays_so() {
    let component = expensive();
    let name = Name::new();
    for (compiler, what) in [
        (ChildCompiler { cpu_seconds: 1, ..name.compiler() }, "1 seconds of processor time"),
        (ChildCompiler { memory_bytes: 600 << 20, ..name.compiler() }, "600 MiB of memory"),
    ] {
        name.give();
        let runtime = runtime(compiler, None);
        let refused = runtime.load(&component).unwrap_err();
        let text = format!("compiling the component takes more than {what}: ");
        assert!(refused.to_string().starts_with(&text), "{refused}");
        // It is not tried again.
        name.take_away();
        assert!(matches!(runtime.load(&component), Err(LoadError::TooExpensive(_))));
    }
    let usual = Runtime::new(RuntimeConfig::default()).unwrap();
    let text = usual.load(&component).unwrap_err().to_string();
    assert!(text.contains("more than 5000000 values that may merge in a function"), "{text}");
}

/// Compilers keep lists for each block, but do not recurse into it.
#[test]
fn blocks_inside_each_other_end_at_the_limits_of_the_compiler() {
    let name = Name::new();
    name.give();
    let depth = CodeLimits::default().block_nesting;
    let plain = [b"\x02\x40".repeat(depth), b"\x0b".repeat(depth)].concat();
    assert_eq!(status(&runtime(name.compiler(), None), &with_function(1, &plain)), 200);
    // A table of jumps into all blocks, and a jump from each of them to a loop around them. The
    // necessary memory grows with the square of the depth.
    let depth = depth - 1;
    let mut jumps =
        [&b"\x03\x40"[..], &b"\x02\x40".repeat(depth), b"\x20\0\x0e", &leb(depth)].concat();
    jumps.extend((0..=depth).flat_map(leb));
    for inner in (0..depth).rev() {
        jumps.extend(b"\x0b\x20\0\x0d");
        jumps.extend(leb(inner));
    }
    jumps.push(0x0b);
    let runtime = runtime(ChildCompiler { memory_bytes: 600 << 20, ..name.compiler() }, None);
    let refused = runtime.load(&with_function(1, &jumps)).unwrap_err();
    assert!(matches!(refused, LoadError::TooExpensive(_)), "{refused}");
}

#[test]
fn what_the_machine_could_not_do_is_not_held_against_a_component() {
    let name = Name::new();
    let runtime = runtime(name.compiler(), None);
    let now = |text: &str| {
        let failed = runtime.load(NESTED_STRINGS).unwrap_err();
        assert!(failed.is_of_this_machine());
        let text = format!("the component cannot be compiled now: {text}");
        assert!(failed.to_string().starts_with(&text), "{failed}");
    };
    now(&format!("cannot start {}: ", name.path().display()));
    // Programs that print nothing, nothing useful, or errors.
    for other in ["/bin/true", "/bin/false", "/bin/echo", "/bin/cat"] {
        name.give_to(Path::new(other));
        now("the compiler ended with exit status: ");
    }
    name.give();
    assert_eq!(status(&runtime, NESTED_STRINGS), 200);
}

#[test]
fn as_many_compile_at_once_as_may_and_the_others_wait() {
    let name = Name::new();
    name.give();
    let runtime = runtime(ChildCompiler { at_once: 1, ..name.compiler() }, None);
    let custom = |number: u8| [NESTED_STRINGS, &[0, 2, 1, b'a' + number]].concat();
    thread::scope(|scope| {
        for number in 0..4 {
            let runtime = &runtime;
            scope.spawn(move || assert_eq!(status(runtime, &custom(number)), 200));
        }
    });
}

/// Reads a limit of a process from the kernel.
#[cfg(target_os = "linux")]
fn about(pid: u32, file: &str) -> String {
    fs::read_to_string(Path::new("/proc").join(pid.to_string()).join(file)).unwrap_or_default()
}

#[test]
#[cfg(target_os = "linux")]
fn a_compiler_limits_itself_before_it_reads_anything() {
    let (memory, seconds) = (2_000_000_000_u64, 77_u64);
    let mut child = Command::new(program());
    child.arg("compile-component").args([memory, seconds, 512 << 10, 0, 0].map(|n| n.to_string()));
    child.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = child.spawn().unwrap();
    let limit = |name: &str| {
        let limits = about(child.id(), "limits");
        let line = limits.lines().find(|line| line.starts_with(name)).unwrap_or_default();
        line[name.len().min(line.len())..].split_whitespace().next().unwrap_or_default().to_owned()
    };
    // The limit that it sets last.
    while limit("Max cpu time") != seconds.to_string() {
        thread::yield_now();
    }
    for (name, value) in [
        ("Max address space", memory.to_string()),
        ("Max open files", "3".to_owned()),
        ("Max file size", "0".to_owned()),
        ("Max core file size", "0".to_owned()),
    ] {
        assert_eq!(limit(name), value, "{name}");
    }
    // Half a component, then the writer ends.
    let mut input = child.stdin.take().unwrap();
    input.write_all(&[100, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3]).unwrap();
    drop(input);
    let ended = child.wait_with_output().unwrap();
    assert!(!ended.status.success() && ended.stdout.is_empty(), "{ended:?}");
    let text = String::from_utf8_lossy(&ended.stderr);
    assert!(text.starts_with("cannot read the component: "), "{text}");
}

#[test]
fn a_guest_is_stopped_with_its_transaction() {
    let runtime = Runtime::new(RuntimeConfig::default()).unwrap();
    let component = runtime.load(&guest("hostile")).unwrap();
    let run = |meter: Meter, args: &[&str]| {
        let call = call(HOUR, &Arc::new(meter), args);
        runtime.invoke(&component, call, Box::<MapBackend>::default()).unwrap_err()
    };
    let limit = 10;
    let exhausted = || {
        let meter = Meter::new(limit, Instant::now() + HOUR);
        assert!(meter.charge(limit + 1).is_err());
        meter
    };
    let over = "the transaction needs more than 10 units of work in its peer";
    let over = Failure::TransactionOver(over.into());
    assert_eq!(run(exhausted(), &["loop"]), over);
    // Even if it does not notice.
    assert_eq!(run(exhausted(), &[""]), over);
    assert!(!over.is_deterministic());
    let gone = Meter::unlimited(HOUR);
    gone.abandon();
    let gone = run(gone, &["loop"]);
    let text = "the client has cancelled the transaction";
    assert_eq!(gone, Failure::TransactionOver(text.into()));
    assert_eq!(run(Meter::new(limit, Instant::now()), &["loop"]), Failure::Timeout);
}
