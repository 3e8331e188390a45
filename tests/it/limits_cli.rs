//! Limits of transactions: set by options, variables and packages, and reported by the program.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use wasmcc_node::sandbox::Sandbox;
use wasmcc_runtime::{CARRIED_BYTES, Limits};
use wasmcc_tests::program::{Site, program};
use wasmcc_tests::{call, guest, guest_path};

use crate::serve::Process;

const MIB: usize = 1 << 20;

/// Misbehaviours of one MiB and one byte, and the reported texts.
const LARGE: [(&str, &str); 3] = [
    ("huge-value 1048577", "value of 1048577 bytes is over the limit of 1048576 bytes"),
    ("huge-event 1048577", "event of 1048582 bytes is over the limit of 1048576 bytes"),
    ("huge-result 1048577", "response of 1048577 bytes is over the limit of 1048576 bytes"),
];
const SMALL: [&str; 3] = ["--value-mib=1", "--event-mib=1", "--response-mib=1"];

fn hostile() -> String {
    guest_path("hostile").to_str().unwrap().to_owned()
}

/// Returns the text with which a call fails on a peer that uses a service.
#[track_caller]
fn refusal(sandbox: &Sandbox, line: &str) -> String {
    sandbox.evaluate(call("hostile", line)).unwrap_err().to_string()
}

#[test]
fn a_service_has_the_limits_that_its_options_say() {
    let target = format!("{}=hostile:1.0@127.0.0.1:0", hostile());
    let mut process = Process::start(&[&[target.as_str()], &SMALL[..]].concat());
    let sandbox = Sandbox::new().unwrap();
    sandbox.deploy("hostile", &process.connection("hostile:1.0")).unwrap();
    for (line, text) in LARGE {
        let refused = refusal(&sandbox, line);
        assert!(refused.contains(text), "{line}: {refused}");
    }
    sandbox.evaluate(call("hostile", "huge-result 1048576")).unwrap();
    let lines = process.terminated();
    let told = "a transaction has fuel 10000000000, memory 256 MiB, a value 1 MiB, a response 1 \
                MiB, an event 1 MiB, a call 104856576 bytes";
    assert!(lines.iter().any(|line| line.contains(told)), "{lines:#?}");
}

#[test]
fn a_peer_has_the_limits_that_its_options_say() {
    let site = Site::new();
    let peer = site.peer(&[&["--in-memory", "--call-mib=2"], &SMALL[..]].concat());
    peer.deploy("hostile");
    let too_much = "more than 2097152 bytes in one call between chaincode and peer";
    for (line, text) in LARGE.into_iter().chain([("huge-log 2097153", too_much)]) {
        let args: Vec<&str> = line.split(' ').collect();
        let input = serde_json::json!({ "Args": args }).to_string();
        let refused = peer.run(&["query", "-n", "hostile", "-c", &input]).failed(1);
        assert!(refused.contains(text), "{line}: {refused}");
    }
}

#[test]
fn check_tells_the_limits() {
    let site = Site::new();
    let usual = site.run(&["check", &hostile(), "--json"]).ok().json();
    let limits = &usual["limits"];
    assert_eq!(limits["memory_bytes"], Limits::default().memory_bytes);
    for name in ["value_bytes", "response_bytes", "event_bytes", "call_bytes"] {
        assert_eq!(limits[name], CARRIED_BYTES, "{name}");
    }
    let text = site.run(&["check", &hostile(), "--memory-mib=16", "--fuel=7"]).ok().out;
    assert!(text.contains("a transaction has fuel 7, memory 16 MiB, a value 104856576"), "{text}");
}

/// A larger file is refused for another reason: it is no component.
#[test]
fn the_limit_on_component_files_can_be_raised() {
    let site = Site::new();
    fs::write(site.path("large.wasm"), vec![1; MIB + 1]).unwrap();
    let package = ["package", "large.wasm", "--label", "large"];
    for verb in [&["check", "large.wasm"][..], &package] {
        let refused = site.run(&[verb, &["--component-mib=1"]].concat()).failed(1);
        assert!(refused.contains("the file has 1048577 bytes, the limit is 1048576"), "{refused}");
        assert!(refused.contains("raise the limit with --component-mib, the same"), "{refused}");
        let refused = site.run(&[verb, &["--component-mib=2"]].concat()).failed(1);
        assert!(refused.contains("this is not a WebAssembly file"), "{refused}");
    }
}

#[test]
fn a_service_package_says_the_id_and_the_limits() {
    let site = Site::new();
    let package = ["package", &hostile(), "--label", "hostile", "--type", "ccaas", "-o", "a.tgz"];
    let package = [
        &package[..],
        &["--address", "cc:9999", "--timeout", "20s", "--fuel", "100000000"],
        &SMALL[..],
    ];
    let id = site.run(&package.concat()).ok().out.trim().to_owned();
    let (path, component) = (site.path("a.tgz"), hostile());
    let path = path.to_str().unwrap();
    let serve = [component.as_str(), "--package", path, "--address", "127.0.0.1:0"];
    let mut process = Process::start(&serve);
    // The embedded peer's LSCC has another id for it, as if it had installed the package.
    let sandbox = Sandbox::new().unwrap();
    let address = process.address(&id);
    let (name, version) = id.split_once(':').unwrap();
    let definition = wasmcc_client::lscc::Definition {
        channel_id: wasmcc_node::sandbox::CHANNEL.into(),
        name: name.into(),
        version: version.into(),
        ..Default::default()
    };
    let connection = format!(r#"{{"address": "{address}"}}"#);
    sandbox.deploy_as(definition, connection.as_bytes()).unwrap();
    for (line, text) in LARGE {
        let refused = refusal(&sandbox, line);
        assert!(refused.contains(text), "{line}: {refused}");
    }
    drop(process);
    let run = |options: &[&str]| site.run(&[&["serve"], &serve[..], options].concat()).failed(1);
    let other = run(&["--chaincode-id", "hostile:1"]);
    assert!(other.contains(&format!("has the package id {id}")), "{other}");
    let less = run(&["--fuel", "5"]);
    assert!(less.contains("asks for 100000000 units of fuel, this peer allows 5"), "{less}");
}

/// The largest messages of a chaincode in Go, in the peer's own process and behind a service.
#[test]
fn large_responses_and_values_are_the_same_here_and_behind_a_service() {
    let target = format!("{}=hostile:1.0@127.0.0.1:0", hostile());
    let mut process = Process::start(&[&target]);
    let served = Sandbox::new().unwrap();
    served.deploy("hostile", &process.connection("hostile:1.0")).unwrap();
    let here = Sandbox::new().unwrap();
    here.deploy("hostile", &guest("hostile")).unwrap();
    let beyond = CARRIED_BYTES + 1;
    for sandbox in [&here, &served] {
        let large = 90 * MIB;
        let answer = sandbox.evaluate(call("hostile", &format!("huge-result {large}"))).unwrap();
        assert_eq!(answer.response.payload.len(), large);
        drop(answer);
        let written = sandbox.endorse(call("hostile", &format!("huge-value {large}"))).unwrap();
        assert_eq!(written.response.status, 200, "{}", written.response.message);
        drop(written);
        let refused = refusal(sandbox, &format!("huge-result {beyond}"));
        let text =
            format!("more than {CARRIED_BYTES} bytes in one call between chaincode and peer");
        assert!(refused.contains(&text), "{refused}");
    }
}

#[test]
fn a_long_key_and_a_large_value_are_committed() {
    let sandbox = Sandbox::new().unwrap();
    sandbox.deploy("hostile", &guest("hostile")).unwrap();
    for line in ["huge-key 4096", "huge-value 5000000"] {
        let submitted = sandbox.submit(call("hostile", line)).unwrap();
        assert_eq!(submitted.code as i32, 0, "{line}");
    }
    // A read of any key is recorded.
    sandbox.evaluate(call("hostile", "huge-read-key 5000000")).unwrap();
    let refused = sandbox.submit(call("hostile", "huge-key 4097")).unwrap_err().to_string();
    assert!(refused.contains("a key of 4097 bytes is longer than the limit of 4096"), "{refused}");
}

#[test]
fn a_template_in_the_address_of_a_service_is_refused_at_install() {
    let site = Site::new();
    let peer = site.peer(&["--in-memory"]);
    let address = "{{.peername}}_basic:9999";
    let package = ["package", "--label", "basic", "--type", "ccaas", "-o", "a.tgz"];
    // Fabric's own builder fills it in.
    peer.run(&[&package[..], &["--address", address]].concat()).ok();
    let why = "its address '{{.peername}}_basic:9999' is a template";
    let install = peer.run(&["lifecycle", "chaincode", "install", "a.tgz"]).failed(1);
    assert!(install.contains(why), "{install}");
    let deploy = peer.run(&["deploy", "--ccaas", address, "--name", "basic"]).failed(1);
    assert!(deploy.contains(why), "{deploy}");
}

/// Runs a step of a builder with only PATH in its environment.
fn step(folder: &Path, name: &str, path: &str, args: &[&str]) -> Output {
    let mut command = Command::new(folder.join("builder/bin").join(name));
    command.args(args).current_dir(folder).env_clear().env("PATH", path).output().unwrap()
}

#[test]
fn a_builder_finds_the_program_where_it_was_moved_to() {
    let site = Site::new();
    let system = "/usr/bin:/bin";
    let (old, new) = (site.path("old"), site.path("new"));
    fs::create_dir(&old).unwrap();
    let own = old.join("wasmcc");
    // A copy is moved, not the program that all tests run. This process must not have it open for
    // writing, or it could not be executed.
    let copied = Command::new("cp").arg(program()).arg(&own).status().unwrap();
    assert!(copied.success());
    let mut install = Command::new(&own);
    let installed =
        install.args(["builder", "install", "builder"]).current_dir(&old).output().unwrap();
    assert!(installed.status.success(), "{installed:?}");
    for folder in ["source", "metadata"] {
        fs::create_dir(old.join(folder)).unwrap();
    }
    fs::write(old.join("metadata/metadata.json"), r#"{"type":"wasm","label":"x"}"#).unwrap();
    let args = ["source", "metadata"];
    assert!(step(&old, "detect", system, &args).status.success());
    // All together.
    fs::rename(&old, &new).unwrap();
    assert!(step(&new, "detect", system, &args).status.success());
    // Only the program is in PATH.
    fs::create_dir(site.path("bin")).unwrap();
    fs::rename(new.join("wasmcc"), site.path("bin/wasmcc")).unwrap();
    let path = format!("{system}:{}", site.path("bin").display());
    assert!(step(&new, "detect", &path, &args).status.success());
    let lost = step(&new, "detect", system, &args);
    assert_eq!(lost.status.code(), Some(127));
    let error = String::from_utf8(lost.stderr).unwrap();
    assert!(error.starts_with("error: wasmcc is neither at ") && error.contains("PATH"), "{error}");
}
