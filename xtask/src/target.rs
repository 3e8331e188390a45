//! Adds the target `wasm32-wasip2` to the Rust toolchain in use.
//!
//! Invariant: if the toolchain has the target, runs only `rustc`, to find the target's folder.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use std::{fs, thread};

use anyhow::{Context, Result, bail};

use crate::root;

/// The target of all chaincodes.
pub const NAME: &str = "wasm32-wasip2";

/// Time limit for rustup: behind a firewall that drops packets, it would try for many minutes.
const RUSTUP_LIMIT: Duration = Duration::from_secs(60);
/// Time limit for the script, which downloads 40 MB and compiles the standard library: 40 s on two
/// cores.
const DEBIAN_LIMIT: Duration = Duration::from_secs(15 * 60);

/// Installs the standard library for [`NAME`] if it is missing: by rustup, or on Debian without
/// access to rustup's server, from source.
///
/// # Errors
/// Neither worked; the text has instructions.
pub fn ensure() -> Result<()> {
    let folder = libraries()?;
    if has_std(&folder) {
        return Ok(());
    }
    let rustup = run(Command::new("rustup").args(["target", "add", NAME]), RUSTUP_LIMIT);
    if rustup.is_ok() && has_std(&folder) {
        return Ok(());
    }
    let mut debian = Ok(());
    if Path::new("/etc/debian_version").exists() {
        let script = root().join("xtask/install-wasip2-target.sh");
        debian = run(Command::new("bash").arg(script), DEBIAN_LIMIT);
        if debian.is_ok() && has_std(&folder) {
            return Ok(());
        }
    }
    let said = |outcome: Result<()>| outcome.err().map_or(String::new(), |e| format!("\n  {e:#}"));
    bail!(
        "the Rust toolchain has no target {NAME}: there is no standard library in {}.\n\
         With a network, run `rustup target add {NAME}`; without rustup, install your \
         distribution's package of the Rust standard library for it.{}{}",
        folder.display(),
        said(rustup),
        said(debian),
    );
}

/// Installs the standard library for another target by rustup, if it is missing.
///
/// # Errors
/// The library is missing and rustup cannot install it.
pub(crate) fn add(target: &str) -> Result<()> {
    if has(&libraries_of(target)?, "libcore-") {
        return Ok(());
    }
    let rustup = run(Command::new("rustup").args(["target", "add", target]), RUSTUP_LIMIT);
    rustup.with_context(|| format!("the Rust toolchain has no target {target}"))
}

/// Returns the folder of the active toolchain's libraries for [`NAME`], even if it does not exist.
fn libraries() -> Result<PathBuf> {
    libraries_of(NAME)
}

fn libraries_of(target: &str) -> Result<PathBuf> {
    let output = Command::new("rustc")
        .current_dir(root())
        .args(["--print", "target-libdir", "--target", target])
        .stderr(Stdio::inherit())
        .output()
        .context("rustc cannot be run")?;
    if !output.status.success() {
        bail!("rustc does not know the target {target}");
    }
    Ok(PathBuf::from(String::from_utf8(output.stdout)?.trim()))
}

fn has_std(folder: &Path) -> bool {
    has(folder, "libstd-")
}

fn has(folder: &Path, library: &str) -> bool {
    fs::read_dir(folder).into_iter().flatten().flatten().any(|entry| {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        name.starts_with(library) && name.ends_with(".rlib")
    })
}

/// Runs a command for at most `limit`; its output goes to stderr.
pub(crate) fn run(command: &mut Command, limit: Duration) -> Result<()> {
    let shown = format!("{command:?}");
    let mut child = command
        .current_dir(root())
        .stdin(Stdio::null())
        .stdout(std::io::stderr())
        .spawn()
        .with_context(|| format!("{shown} cannot be run"))?;
    let started = Instant::now();
    loop {
        if let Some(status) = child.try_wait()? {
            return if status.success() { Ok(()) } else { bail!("{shown}: {status}") };
        }
        if started.elapsed() > limit {
            child.kill()?;
            child.wait()?;
            bail!("{shown} took more than {limit:?}");
        }
        thread::sleep(Duration::from_millis(100));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_that_fails_or_hangs_is_an_error() {
        let failed = run(&mut Command::new("false"), Duration::from_secs(60)).unwrap_err();
        assert!(failed.to_string().contains("exit status: 1"), "{failed}");
        let slow = run(Command::new("sleep").arg("600"), Duration::ZERO).unwrap_err();
        assert!(slow.to_string().contains("took more than"), "{slow}");
        assert!(run(&mut Command::new("no-such-program"), Duration::ZERO).is_err());
        run(&mut Command::new("true"), Duration::from_secs(60)).unwrap();
    }

    #[test]
    fn a_folder_without_the_standard_library_is_seen() {
        assert!(!has_std(Path::new("/no/such/folder")));
        assert!(!has_std(root()));
    }
}
