//! Runs a C compiler on a contract that includes `fabric.h`.

use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use super::output_folder::OutputFolder;
use super::project::c_sources;
use super::{BuildError, Built, DEV, Language, Order, componentize};

/// The header and its source in the checkout that this program was built from.
const BESIDE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../guest-sdk/c");
/// Where a contract may have its own copy.
pub(crate) const OWN: &str = "fabric";
/// Folders whose sources are compiled.
const FOLDERS: [&str; 3] = ["", "src", OWN];
const TARGET: &str = "--target=wasm32-wasi";

/// The header and its sources beside the program, if they are there.
fn sdk() -> Option<PathBuf> {
    Path::new(BESIDE).canonicalize().ok().filter(|folder| folder.join("fabric.h").is_file())
}

/// Builds the contract of a folder, which is absolute.
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
        // Zig leaves `assert` out of what it optimizes: a contract would commit what it must not.
        .arg("-UNDEBUG")
        .args(&order.args);
    // Names as one types them there: they are in the compiler's words.
    let named = FOLDERS.iter().flat_map(|part| {
        let sources = c_sources(&folder.join(part)).into_iter();
        sources.map(|name| Path::new(part).join(name))
    });
    compiler.args(named);
    if sdk != own {
        compiler.args(c_sources(&sdk).into_iter().map(|name| sdk.join(name)));
    }
    let done = run(&mut compiler)?;
    let words = String::from_utf8_lossy(&done.stderr);
    if !done.status.success() {
        return Err(BuildError::Compile { folder: folder.to_owned(), words: words.into_owned() });
    }
    if order.words == super::Words::Shown && !words.is_empty() {
        crate::output::aside(words.trim_end());
    }
    let path = componentize::write(folder, &module, &output, |_| Ok(()))?;
    Ok(Built { path, folder: folder.to_owned(), language: Language::C })
}

/// A compiler that has a C library for WebAssembly: the first of those that are installed.
fn compiler(folder: &Path) -> Result<Command, BuildError> {
    let wasi_sdk = env::var_os("WASI_SDK_PATH").map(|sdk| Path::new(&sdk).join("bin/clang"));
    let known = |program: OsString, args: &[&str]| {
        let mut command = Command::new(program);
        command.args(args).stdin(Stdio::null());
        command
    };
    if let Some(clang) = wasi_sdk.filter(|clang| clang.is_file()) {
        return Ok(known(clang.into(), &[]));
    }
    for zig in ["zig", "python-zig"] {
        let version = known(zig.into(), &["version"]).current_dir(folder).output();
        if version.is_ok_and(|output| output.status.success()) {
            return Ok(known(zig.into(), &["cc"]));
        }
    }
    let mut library = known("clang".into(), &[TARGET, "--print-file-name=libc.a"]);
    match library.output() {
        // Only the name comes back if there is no such file.
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
    compiler.output().map_err(|error| BuildError::NoC { why: error.to_string() })
}
