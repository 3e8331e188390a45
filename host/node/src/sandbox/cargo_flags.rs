//! Flags for rustc that keep the paths of this machine out of a component.
//!
//! Does not replace flags that a project has set.

use std::path::{Path, PathBuf, absolute};
use std::process::Command;
use std::{env, fs};

/// Returns the `--config` of cargo for a contract in `dir`: it makes the texts of panics name the
/// crates of registries and the standard library by the same paths on every machine. None if
/// nothing can be replaced, or if the project has `build.rustflags`, which cargo ignores once a
/// target has its own flags. The same setting in the user's home is for programs of this machine:
/// cargo ignores it in favour of these flags.
pub fn cargo_config(dir: &Path) -> Option<String> {
    if has_build_flags(dir) {
        return None;
    }
    let prefixes = [cargo_home().map(|home| (home, "/cargo".to_owned())), library(dir)];
    let plain = |(from, to): (PathBuf, String)| {
        let from = absolute(from).ok()?.into_os_string().into_string().ok()?;
        let is_plain = !from.contains(|c: char| c.is_control() || c == '=');
        is_plain.then(|| format!("--remap-path-prefix={from}={to}"))
    };
    let flags: Vec<String> = prefixes.into_iter().flatten().filter_map(plain).collect();
    let flags_json = serde_json::to_string(&flags).ok()?;
    // Uses a condition instead of the target's name, because cargo adds its flags to those of the
    // target.
    let condition = r#"cfg(all(target_os = "wasi", target_env = "p2"))"#;
    (!flags.is_empty()).then(|| format!("target.'{condition}'.rustflags={flags_json}"))
}

/// Returns true if a setting of the project for all targets has flags for rustc.
fn has_build_flags(dir: &Path) -> bool {
    let names = ["config.toml", "config"];
    let folders = project_folders(dir).into_iter().map(|folder| folder.join(".cargo"));
    let files = folders.flat_map(|folder| names.map(|file| folder.join(file)));
    files.filter_map(|file| fs::read_to_string(file).ok()).any(|text| sets_build_flags(&text))
}

/// Returns `dir` and all folders above it whose settings may be those of the project: not the homes
/// of the user and of cargo.
fn project_folders(dir: &Path) -> Vec<PathBuf> {
    let dir = absolute(dir).unwrap_or_else(|_| dir.to_owned());
    let of_user = [env::home_dir(), cargo_home().and_then(|home| Some(home.parent()?.to_owned()))];
    let is_of_user = |folder: &Path| of_user.iter().flatten().any(|home| home == folder);
    dir.ancestors().filter(|folder| !is_of_user(folder)).map(Path::to_owned).collect()
}

/// Returns true if a configuration of cargo has `build.rustflags`, in one of TOML's forms.
fn sets_build_flags(text: &str) -> bool {
    let mut table = "";
    text.lines().map(str::trim).any(|line| {
        if let Some(header) = line.strip_prefix('[') {
            table = header.split(']').next().unwrap_or_default().trim();
        }
        let key = line.split('=').next().unwrap_or_default().trim();
        let in_line = || table.is_empty() && key == "build" && line.contains("rustflags");
        (table == "build" && key == "rustflags")
            || (table.is_empty() && key == "build.rustflags")
            || in_line()
    })
}

/// Returns the folder where cargo keeps the crates of registries.
fn cargo_home() -> Option<PathBuf> {
    let home = env::var_os("CARGO_HOME").filter(|home| !home.is_empty()).map(PathBuf::from);
    home.or_else(|| Some(env::home_dir()?.join(".cargo")))
}

/// Returns the folder of the standard library's sources, and the path that replaces it in panics.
/// rustc writes that path by itself only if the component `rust-src` is not installed.
fn library(dir: &Path) -> Option<(PathBuf, String)> {
    let rustc = env::var_os("RUSTC").filter(|rustc| !rustc.is_empty());
    let rustc = rustc.unwrap_or_else(|| "rustc".into());
    let ask = |args: &[&str]| {
        let output = Command::new(&rustc).args(args).current_dir(dir).output().ok()?;
        String::from_utf8(output.stdout).ok().filter(|_| output.status.success())
    };
    let version = ask(&["-vV"])?;
    let commit = version.lines().find_map(|line| line.strip_prefix("commit-hash: "))?;
    let sysroot = ask(&["--print", "sysroot"])?;
    // A compiler built by a distribution may not know its commit.
    let is_known = commit.chars().all(|c| c.is_ascii_hexdigit());
    let sources = Path::new(sysroot.trim()).join("lib/rustlib/src/rust");
    is_known.then(|| (sources, format!("/rustc/{commit}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_for_all_targets_are_found_in_each_form() {
        for text in [
            "[build]\njobs = 1\nrustflags = [\"-C\", \"x\"]\n",
            "build.rustflags = \"-C x\"",
            "build = { rustflags = [] }",
            "[ build ] # all\nrustflags=\"\"",
        ] {
            assert!(sets_build_flags(text), "{text}");
        }
        for text in [
            "[build]\ntarget = \"wasm32-wasip2\"\n[target.wasm32-wasip2]\nrustflags = \"-C x\"",
            "[target.x86_64-unknown-linux-gnu]\nrustflags = [\"-C\", \"link-arg=-fuse-ld=mold\"]",
            "",
        ] {
            assert!(!sets_build_flags(text), "{text}");
        }
    }

    #[test]
    fn a_project_with_flags_of_its_own_gets_no_others() {
        let folder = tempfile::tempdir().unwrap();
        let config = cargo_config(folder.path()).unwrap();
        assert!(config.contains("=/cargo\"") && config.contains("=/rustc/"), "{config}");
        fs::create_dir(folder.path().join(".cargo")).unwrap();
        let file = folder.path().join(".cargo/config.toml");
        fs::write(file, "[build]\nrustflags = \"-C target-feature=+simd128\"\n").unwrap();
        assert_eq!(cargo_config(folder.path()), None);
        // Those of a folder above count, wherever the project ends.
        let contract = folder.path().join("contract");
        fs::create_dir(&contract).unwrap();
        fs::write(contract.join("Cargo.toml"), "[package]\n").unwrap();
        assert_eq!(cargo_config(&contract), None);
        let home = env::home_dir().unwrap();
        assert!(!project_folders(&home.join("a/b")).contains(&home));
    }
}
