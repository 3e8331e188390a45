//! Contracts in languages other than Rust, used through the program.

use std::fs;

use serde_json::json;
use wasmcc_node::sandbox::{Call, Sandbox};
use wasmcc_runtime::Limits;
use wasmcc_tests::foreign::{foreign, run_alone};
use wasmcc_tests::program::{Client, Run, Site};
use wasmcc_types::sha256;
use xtask::languages::Language;

use crate::serve::Process;

fn query(peer: &Client<'_>, language: Language, args: &[&str]) -> Run {
    let input = json!({ "Args": args }).to_string();
    peer.run(&["query", "-n", language.name(), "-c", &input])
}

/// Returns the least fuel with which a call succeeds, in this process.
fn least_fuel(language: Language, call: &[&str]) -> u64 {
    let component = foreign(language);
    let run = |fuel| run_alone(&component, call, Limits { fuel, ..Limits::default() });
    let (mut too_little, mut enough) = (0, Limits::default().fuel);
    while enough - too_little > 1 {
        let fuel = too_little.midpoint(enough);
        match run(fuel) {
            Ok(_) => enough = fuel,
            Err(_) => too_little = fuel,
        }
    }
    enough
}

#[test]
fn check_accepts_every_language_and_tells_which_file_it_was() {
    let site = Site::new();
    for language in Language::ALL {
        let path = language.build().unwrap();
        let report = site.run(&["check", "--json", path.to_str().unwrap()]).ok().json();
        let file = fs::read(&path).unwrap();
        let hash: String = sha256(&file).iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(
            (&report["accepted"], &report["sha256"], &report["bytes"]),
            (&json!(true), &json!(hash), &json!(file.len())),
        );
        let imports = report["imports"].as_array().unwrap();
        let network = imports.iter().any(|name| name.as_str().unwrap().contains("sockets"));
        assert_eq!(network, language == Language::Python);
    }
}

#[test]
fn the_first_deploy_succeeds_and_fuel_is_the_same_in_another_process() {
    let site = Site::new();
    {
        let peer = site.peer(&["--data", "data"]);
        for language in Language::ALL {
            let path = language.build().unwrap();
            let deployed =
                peer.run(&["deploy", path.to_str().unwrap(), "--name", language.name()]).ok();
            assert!(deployed.out.starts_with(language.name()), "{}", deployed.out);
            assert_eq!(query(&peer, language, &["deep", "10"]).ok().out, "10\n");
            let said = query(&peer, language, &["throw", "the asset is gone"]).failed(1);
            assert!(said.contains("the asset is gone"), "{said}");
        }
    }
    for language in Language::ALL {
        // More than the peer itself needs to find the chaincode.
        let call: &[&str] = if language == Language::C { &["deep", "2000"] } else { &["noop"] };
        let least = least_fuel(language, call);
        let with = |fuel: u64| {
            let peer = site.peer(&["--data", "data", "--fuel", &fuel.to_string()]);
            query(&peer, language, call)
        };
        // Go's cost to start depends slightly on the transaction's id.
        let slack = if language == Language::Go { least / 10 } else { 0 };
        with(least + slack).ok();
        let less = least - slack - 1;
        let said = with(less).failed(1);
        assert!(said.contains(&format!("chaincode used up its fuel of {less} units")), "{said}");
    }
}

#[test]
fn behind_a_server_contracts_answer_and_fail_as_in_the_peer() {
    let served = [Language::C, Language::QuickJs, Language::Go];
    let targets = served.map(|language| {
        let path = language.build().unwrap();
        format!("{}={}:1.0@127.0.0.1:0", path.display(), language.name())
    });
    let mut process = Process::start(&targets.each_ref().map(String::as_str));
    let sandbox = Sandbox::new().unwrap();
    for language in served {
        let name = language.name();
        let connection = process.connection(&format!("{name}:1.0"));
        sandbox.deploy(name, &connection).unwrap();
        let call = |args: &[&str]| Call::new(name, args[0]).args(args[1..].iter().copied());
        sandbox.submit(call(&["put", "a", "100"])).unwrap();
        sandbox.submit(call(&["put", "b", "5"])).unwrap();
        let moved = sandbox.submit(call(&["transfer", "a", "b", "30"])).unwrap();
        assert_eq!(moved.endorsed.text(), "70 35");
        assert_eq!(sandbox.evaluate(call(&["range", "a", "c"])).unwrap().text(), "a=70\nb=35\n");
        let thrown = sandbox.endorse(call(&["throw", "the asset is gone"])).unwrap().response;
        assert_eq!(thrown.status, 500);
        assert!(thrown.message.contains("the asset is gone"), "{}", thrown.message);
    }
}
