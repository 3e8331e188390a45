//! The files of `deploy/`: what they ask the program for exists.

use std::fs;
use std::process::Command;

use wasmcc_tests::program::{Site, program};

fn deploy_file(name: &str) -> String {
    fs::read_to_string(xtask::root().join("deploy").join(name)).unwrap()
}

/// Expects the program to take a configuration, and returns it.
fn taken(variables: &[(&str, &str)], file: &str, verb: &[&str]) -> String {
    let site = Site::new();
    let file = xtask::root().join(file);
    let args = [&["--config", file.to_str().unwrap(), "config"], verb].concat();
    let printed = site.run_with(variables, &args).ok().out;
    assert!(!printed.contains("# no option has"), "{printed}");
    assert!(printed.contains("operations-listen = "), "{printed}");
    printed
}

#[test]
fn the_configuration_and_the_command_of_the_unit_are_taken() {
    let unit = deploy_file("wasmcc-peer.service");
    let command = unit.lines().find_map(|line| line.strip_prefix("ExecStart=")).unwrap();
    let words: Vec<&str> = command.split(' ').collect();
    assert_eq!(words[..3], ["/usr/local/bin/wasmcc", "--config", "/etc/wasmcc/wasmcc.toml"]);
    taken(&[], "deploy/wasmcc.toml", &words[3..]);
}

#[test]
fn variables_and_command_of_the_container_are_taken() {
    let text = deploy_file("Containerfile");
    let set = text.lines().filter_map(|line| line.strip_prefix("ENV ")?.split_once('='));
    let set: Vec<_> = set.filter(|(name, _)| *name != "WASMCC_CONFIG").collect();
    assert_eq!(set.len(), 2);
    let command = text.lines().find_map(|line| line.strip_prefix("CMD ")).unwrap();
    let command: Vec<String> = serde_json::from_str(command).unwrap();
    let words: Vec<&str> = command.iter().map(String::as_str).collect();
    let printed = taken(&set, "deploy/wasmcc.toml", &words);
    for (name, _) in set {
        assert!(printed.contains(&format!("# variable {name}\n")), "{name}: {printed}");
    }
    let toolchain = fs::read_to_string(xtask::root().join("rust-toolchain.toml")).unwrap();
    let version = text.lines().find_map(|line| line.strip_prefix("FROM rust:")).unwrap();
    let version = version.split('-').next().unwrap();
    assert!(toolchain.contains(&format!("channel = \"{version}")), "{version}: {toolchain}");
}

#[test]
fn every_setting_of_the_unit_and_the_container_has_its_reason() {
    for name in ["wasmcc-peer.service", "Containerfile", "wasmcc.toml"] {
        // A comment is about the lines up to the next empty line.
        for part in deploy_file(name).split("\n\n") {
            let is_free = |line: &str| line.is_empty() || line.starts_with(['#', '[']);
            let has_settings = part.lines().any(|line| !is_free(line));
            let only_installs = part.starts_with("[Install]");
            assert!(!has_settings || only_installs || part.contains("# "), "{name}: {part}");
        }
    }
}

#[test]
fn systemd_understands_the_unit() {
    // Where there is no systemd, there is nobody to ask.
    if Command::new("systemd-analyze").arg("--version").output().is_err() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("wasmcc-peer.service");
    let unit = deploy_file("wasmcc-peer.service");
    // Neither the program nor its manual is installed here.
    let unit = unit.replace("/usr/local/bin/wasmcc", program().to_str().unwrap());
    let unit = unit.replace("Documentation=man:wasmcc-peer(1)\n", "");
    fs::write(&path, unit).unwrap();
    let verified = Command::new("systemd-analyze").arg("verify").arg(&path).output().unwrap();
    let said = String::from_utf8_lossy(&verified.stderr);
    let about_it: Vec<_> = said.lines().filter(|line| line.contains("wasmcc-peer")).collect();
    assert!(about_it.is_empty(), "{about_it:#?}");
}
