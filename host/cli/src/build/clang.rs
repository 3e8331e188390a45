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
/// Where a contract may have its own copy.
pub(crate) const OWN: &str = "fabric";
/// Folders whose sources are compiled.
const FOLDERS: [&str; 3] = ["", "src", OWN];
/// The ends of sources in C++, which are not compiled.
const OTHER_ENDS: [&str; 4] = [".cpp", ".cc", ".cxx", ".c++"];
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

/// Files of the contract, by paths in its folder.
fn named(folder: &Path, of: impl Fn(&Path) -> Vec<String>) -> Vec<PathBuf> {
    let names = |part: &&str| {
        let part = Path::new(*part).to_owned();
        of(&folder.join(&part)).into_iter().map(move |name| part.join(name))
    };
    FOLDERS.iter().flat_map(names).collect()
}

/// Lines that name the sources that are not compiled: what they define is missing when it links.
fn left_out(folder: &Path) -> String {
    let others = named(folder, |part| names_with(&OTHER_ENDS, part));
    let line = |file: &PathBuf| {
        format!("warning: {} is not compiled: a contract is in C, not in C++\n", file.display())
    };
    others.iter().map(line).collect()
}

/// A compiler that has a C library for WebAssembly: the first of those that are installed.
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
        // Another compiler has another library.
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
    tools::output(compiler, Words::Kept).map_err(|error| BuildError::NoC { why: error.to_string() })
}
