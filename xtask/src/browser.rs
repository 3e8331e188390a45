//! Finds Chromium for the tests of the page, or installs it.
//!
//! Invariant: installs nothing if Chromium is found.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Result, bail};

use crate::target::run;

/// The variable with the program's path, if it is not in PATH.
const VARIABLE: &str = "CHROMIUM";
/// The names of the program in distributions.
const NAMES: [&str; 4] = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];
/// Time limit of a step: 100 MB are downloaded and unpacked, usually in about a minute.
const LIMIT: Duration = Duration::from_secs(15 * 60);

/// Returns Chromium's path. On Debian, as root, installs it if it is missing.
///
/// # Errors
/// Chromium is missing; the text has instructions.
pub fn ensure() -> Result<PathBuf> {
    let missing = match find() {
        Ok(found) => return Ok(found),
        Err(missing) => missing,
    };
    if env::var_os(VARIABLE).is_some() || !Path::new("/etc/debian_version").exists() {
        return Err(missing);
    }
    let mut update = Command::new("apt-get");
    update.args(["-o", "Acquire::Retries=3", "-qq", "update"]);
    let mut install = Command::new("apt-get");
    install.args(["-qq", "-y", "--no-install-recommends", "install", "chromium"]);
    for command in [&mut update, &mut install] {
        if let Err(why) = run(command.env("DEBIAN_FRONTEND", "noninteractive"), LIMIT) {
            bail!("{missing}\n  {why:#}");
        }
    }
    find()
}

/// Returns Chromium's path.
///
/// # Errors
/// Chromium is missing; the text has instructions.
pub fn find() -> Result<PathBuf> {
    if let Some(named) = env::var_os(VARIABLE) {
        let named = PathBuf::from(named);
        if named.is_file() {
            return Ok(named);
        }
        bail!("{VARIABLE} names {}, and there is no such program", named.display());
    }
    let path = env::var_os("PATH").unwrap_or_default();
    let folders: Vec<PathBuf> = env::split_paths(&path).collect();
    let mut places = NAMES.iter().flat_map(|name| folders.iter().map(move |it| it.join(name)));
    match places.find(|place| place.is_file()) {
        Some(found) => Ok(found),
        None => bail!(
            "the tests of the page need Chromium: run `cargo xtask browser` (Debian, as root), or \
             install your distribution's package, or name the program in {VARIABLE}"
        ),
    }
}
