//! Runs a C compiler on a contract that includes `fabric.h`.

use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use super::output_folder::OutputFolder;
use super::project::{c_sources, names_with};
use super::{BuildError, Built, DEV, Language, Order, Words, componentize, tools};

/// The header and its source in the checkout that this program was built from.
const BESIDE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../guest-sdk/c");
/// The folder of a contract for its own copy.
pub(crate) const OWN: &str = "fabric";
/// Folders whose sources are compiled.
const FOLDERS: [&str; 3] = ["", "src", OWN];
/// Extensions of C++ sources, which are not compiled.
const OTHER_ENDS: [&str; 4] = [".cpp", ".cc", ".cxx", ".c++"];
const TARGET: &str = "--target=wasm32-wasi";

/// Returns the folder of header and sources beside the program, if it exists.
fn sdk() -> Option<PathBuf> {
    Path::new(BESIDE).canonicalize().ok().filter(|folder| folder.join("fabric.h").is_file())
}

/// Builds the contract of a folder, given as an absolute path.
pub(super) fn build(folder: &Path, order: &Order) -> Result<Built, BuildError> {
    let own = folder.join(OWN);
    let sdk = match own.join("fabric.c").is_file() {
        true => own.clone(),
        false => sdk().ok_or_else(|| BuildError::NoCSdk { folder: folder.to_owned() })?,
    };
    let mut compiler = compiler(folder)?;
    let output = OutputFolder::of(folder)?;
    let module = componentize::module(folder, &output, order)?;
    compiler
        .current_dir(folder)
        .args([TARGET, "-mexec-model=reactor", "-std=gnu17", "-Wall", "-Wextra"])
        .args(["-s", "-Wl,-z,stack-size=131072"])
        .arg(if order.profile == DEV { "-O1" } else { "-Os" })
        .arg("-I")
        .arg(&sdk)
        .arg("-o")
        .arg(&module)
        // Zig drops `assert` in optimized builds: a contract would commit what it must refuse.
        .arg("-UNDEBUG")
        .args(&order.args);
    // Relative names, since the compiler's messages repeat them.
    compiler.args(named(folder, c_sources));
    if sdk != own {
        compiler.args(c_sources(&sdk).into_iter().map(|name| sdk.join(name)));
    }
    let done = run(&mut compiler)?;
    let words = left_out(folder) + &String::from_utf8_lossy(&done.stderr);
    if !done.status.success() {
        return Err(BuildError::Compile { folder: folder.to_owned(), words });
    }
    if order.words == Words::Shown && !words.is_empty() {
        crate::output::aside(words.trim_end());
    }
    let path = componentize::write(folder, &module, &output, |_| Ok(()))?;
    Ok(Built { path, folder: folder.to_owned(), language: Language::C })
}

/// Returns the contract's files, relative to its folder.
fn named(folder: &Path, of: impl Fn(&Path) -> Vec<String>) -> Vec<PathBuf> {
    let names = |part: &&str| {
        let part = Path::new(*part).to_owned();
        of(&folder.join(&part)).into_iter().map(move |name| part.join(name))
    };
    FOLDERS.iter().flat_map(names).collect()
}

/// Returns a warning for each source that is not compiled: its symbols will be missing at link
/// time.
fn left_out(folder: &Path) -> String {
    let others = named(folder, |part| names_with(&OTHER_ENDS, part));
    let line = |file: &PathBuf| {
        format!("warning: {} is not compiled: a contract is in C, not in C++\n", file.display())
    };
    others.iter().map(line).collect()
}

/// Returns the first installed compiler that has a C library for WebAssembly.
fn compiler(folder: &Path) -> Result<Command, BuildError> {
    let wasi_sdk = env::var_os("WASI_SDK_PATH").filter(|sdk| !sdk.is_empty());
    let wasi_sdk = wasi_sdk.map(|sdk| Path::new(&sdk).join("bin/clang"));
    let known = |program: OsString, args: &[&str]| {
        let mut command = Command::new(program);
        command.args(args).stdin(Stdio::null());
        command
    };
    match wasi_sdk {
        Some(clang) if clang.is_file() => return Ok(known(clang.into(), &[])),
        // No fallback: another compiler would have another C library.
        Some(clang) => {
            let clang = clang.display();
            let why = format!("WASI_SDK_PATH is set, but there is no {clang}: correct or unset it");
            return Err(BuildError::NoC { why });
        }
        None => {}
    }
    for zig in ["zig", "python-zig"] {
        let version = known(zig.into(), &["version"]).current_dir(folder).output();
        if version.is_ok_and(|output| output.status.success()) {
            return Ok(known(zig.into(), &["cc"]));
        }
    }
    let mut library = known("clang".into(), &[TARGET, "--print-file-name=libc.a"]);
    match library.output() {
        // Without such a file, clang prints the name only.
        Ok(output) if Path::new(text(&output).trim()).is_absolute() => {
            Ok(known("clang".into(), &[]))
        }
        Ok(_) => Err(BuildError::NoC { why: "clang has no C library for wasm32-wasi".to_owned() }),
        Err(_) => Err(BuildError::NoC { why: "neither zig nor clang is in PATH".to_owned() }),
    }
}

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn run(compiler: &mut Command) -> Result<Output, BuildError> {
    tools::output(compiler, Words::Kept).map_err(|error| BuildError::NoC { why: error.to_string() })
}
