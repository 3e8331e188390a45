//! The READMEs of the samples: all their commands run unchanged on one network.

use std::collections::BTreeMap;
use std::process::{Command, Stdio};

use wasmcc_tests::dev::Folder;
use wasmcc_tests::guest_path;
use wasmcc_tests::program::{program, without_settings};

/// The commands of a README: the contracts that the folder's `wasmcc dev` deploys, by name, and all
/// others as one script.
struct Page {
    deployed: BTreeMap<String, String>,
    script: String,
}

impl Page {
    fn read(sample: &str) -> Self {
        let path = xtask::root().join("sample-chaincodes").join(sample).join("README.md");
        let text = std::fs::read_to_string(path).unwrap();
        let blocks = text.split("```sh\n").skip(1).filter_map(|rest| rest.split("```").next());
        let commands = blocks.collect::<String>().replace("\\\n", "");
        let (mut deployed, mut script) = (BTreeMap::new(), String::new());
        for line in commands.lines() {
            let (command, remark) = line.split_once(" # ").unwrap_or((line, ""));
            let words: Vec<&str> = command.split_whitespace().collect();
            match words.as_slice() {
                ["wasmcc", "dev", contracts @ ..] => {
                    let named = contracts.iter().map(|contract| {
                        let (name, folder) = contract.split_once("=sample-chaincodes/").unwrap();
                        (name.to_owned(), folder.to_owned())
                    });
                    deployed.extend(named);
                }
                // It is already built.
                ["wasmcc", "build", folder] => {
                    assert_eq!(*folder, format!("sample-chaincodes/{sample}"));
                }
                [] => {}
                _ => {
                    let fails = remark.contains("refused") || remark.contains("FAILURE");
                    script.push_str(&match fails {
                        true => format!("! {command} || exit 1\n"),
                        false => format!("{command}\n"),
                    });
                }
            }
        }
        let component = format!("target/wasm32-wasip2/release/{}.wasm", sample.replace('-', "_"));
        let script = script.replace(&component, guest_path(sample).to_str().unwrap());
        let samples = format!("{}/sample-chaincodes/", xtask::root().display());
        Self { deployed, script: script.replace("sample-chaincodes/", &samples) }
    }
}

#[test]
fn the_commands_of_all_pages_run_as_they_are_written() {
    let folder = xtask::root().join("sample-chaincodes");
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap());
    let mut samples: Vec<String> = entries
        // Samples in other languages have their own folders.
        .filter(|entry| entry.path().join("Cargo.toml").is_file())
        .map(|entry| entry.file_name().into_string().unwrap())
        .collect();
    samples.sort();
    assert!(samples.len() > 12, "{samples:?}");
    // Both READMEs of the pair contain the commands of the other one.
    let pages = samples.iter().filter(|sample| *sample != "callee");
    let pages: Vec<(&String, Page)> = pages.map(|sample| (sample, Page::read(sample))).collect();

    let network = Folder::new();
    let contracts = pages.iter().flat_map(|(_, page)| &page.deployed);
    let contracts: Vec<String> = contracts
        .map(|(name, sample)| format!("{name}={}", guest_path(sample).display()))
        .collect();
    let _dev = network.dev(&contracts.iter().map(String::as_str).collect::<Vec<_>>());
    let search =
        format!("{}:{}", program().parent().unwrap().display(), std::env::var("PATH").unwrap());
    for (sample, page) in &pages {
        assert!(page.script.lines().count() > 1, "{sample}: {}", page.script);
        let mut bash = Command::new("bash");
        without_settings(&mut bash);
        bash.args(["-euxo", "pipefail", "-c", &page.script]).current_dir(network.path("."));
        let output = bash.env("PATH", &search).stdin(Stdio::null()).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{sample}: {said}");
    }
}
