//! `wasmcc package` and `wasmcc builder`, used like a peer and its administrator do.

use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::sync::Arc;

use wasmcc_client::lscc::{self, Definition};
use wasmcc_node::sandbox::{CHANNEL, Sandbox};
use wasmcc_tests::program::Site;
use wasmcc_tests::{Served, call, guest_path, trusting};

fn package(site: &Site, extra: &[&str], out: &str) -> String {
    let probe = guest_path("probe").to_str().unwrap();
    let usual = ["package", probe, "--label", "probe_1.0", "-o", out];
    site.run(&[&usual[..], extra].concat()).ok().out.trim().to_owned()
}

fn sh(folder: &Path, program: &str, args: &[&str]) -> Output {
    Command::new(program).args(args).current_dir(folder).output().unwrap()
}

fn unpack(archive: &Path, into: &Path) {
    fs::create_dir_all(into).unwrap();
    let out = sh(into, "tar", &["-xzf", archive.to_str().unwrap()]);
    assert!(out.status.success(), "{out:?}");
}

#[test]
fn a_package_is_reproducible_and_its_id_is_its_hash() {
    let site = Site::new();
    let indexes = site.path("meta/statedb/couchdb/indexes");
    fs::create_dir_all(&indexes).unwrap();
    fs::write(indexes.join("owner.json"), r#"{"index": {"fields": ["owner"]}}"#).unwrap();
    let id = package(&site, &["--meta-inf", "meta"], "a.tgz");
    // Files of macOS and of version control are not packaged.
    fs::create_dir(site.path("meta/.git")).unwrap();
    fs::write(site.path("meta/.git/config"), "x").unwrap();
    fs::write(site.path("meta/.DS_Store"), "x").unwrap();
    fs::write(indexes.join("._owner.json"), "x").unwrap();
    let probe = guest_path("probe").to_str().unwrap();
    let again = ["package", probe, "--label", "probe_1.0", "-o", "b.tgz", "--meta-inf", "meta"];
    let again = site.run(&again).ok();
    assert_eq!(again.out.trim(), id);
    for hidden in ["meta/.git", "meta/.DS_Store", "indexes/._owner.json"] {
        assert!(again.err.contains(hidden), "{hidden} is not in {}", again.err);
    }
    let bytes = fs::read(site.path("a.tgz")).unwrap();
    assert_eq!(bytes, fs::read(site.path("b.tgz")).unwrap());
    let sum = sh(&site.path("."), "sha256sum", &["a.tgz"]);
    let sum = String::from_utf8(sum.stdout).unwrap();
    assert_eq!(id, format!("probe_1.0:{}", sum.split_once(' ').unwrap().0));

    let (outer, inner) = (site.path("outer"), site.path("inner"));
    unpack(&site.path("a.tgz"), &outer);
    let names = sh(&outer, "ls", &[]).stdout;
    assert_eq!(String::from_utf8(names).unwrap(), "code.tar.gz\nmetadata.json\n");
    let metadata = fs::read_to_string(outer.join("metadata.json")).unwrap();
    assert_eq!(metadata, r#"{"type":"wasm","path":"","label":"probe_1.0"}"#);
    unpack(&outer.join("code.tar.gz"), &inner);
    let component = fs::read(inner.join("chaincode.wasm")).unwrap();
    assert_eq!(component, fs::read(guest_path("probe")).unwrap());
    assert!(inner.join("META-INF/statedb/couchdb/indexes/owner.json").is_file());
}

#[test]
fn a_service_package_says_where_the_service_is() {
    let site = Site::new();
    package(&site, &["--type", "ccaas", "--address", "cc.example.com:9999"], "a.tgz");
    unpack(&site.path("a.tgz"), &site.path("outer"));
    unpack(&site.path("outer/code.tar.gz"), &site.path("inner"));
    let connection = fs::read_to_string(site.path("inner/connection.json")).unwrap();
    let expected = concat!(
        r#"{"address":"cc.example.com:9999","dial_timeout":"10s","tls_required":false,"#,
        r#""client_auth_required":false}"#
    );
    assert_eq!(connection, expected);
    let probe = guest_path("probe").to_str().unwrap();
    let service = ["package", probe, "--label", "x", "--type", "ccaas"];
    let without = site.run(&service);
    assert_eq!(without.code, Some(2), "{}", without.err);
    site.run(&[&service[..], &["--address", "h:1", "--fuel", "1"]].concat()).ok();
    unpack(&site.path("x.tgz"), &site.path("limited"));
    unpack(&site.path("limited/code.tar.gz"), &site.path("limited"));
    let limits = fs::read_to_string(site.path("limited/limits.json")).unwrap();
    assert_eq!(limits, r#"{"fuel":1}"#);
    assert!(site.path("limited/connection.json").is_file());
}

#[test]
fn bad_labels_and_components_are_refused_with_a_reason() {
    let site = Site::new();
    let probe = guest_path("probe").to_str().unwrap();
    let label = site.run(&["package", probe, "--label", "_x", "-o", "a.tgz"]);
    assert_eq!(label.code, Some(2));
    assert!(label.err.contains("begins with a letter or digit"), "{}", label.err);
    let sockets = guest_path("sockets").to_str().unwrap();
    let refused = site.run(&["package", sockets, "--label", "x", "-o", "a.tgz"]);
    assert_eq!(refused.code, Some(1));
    assert!(refused.err.contains("is refused"), "{}", refused.err);
    assert!(!site.path("a.tgz").exists());
}

#[test]
fn what_could_not_work_is_refused_before_it_is_packed() {
    let site = Site::new();
    let probe = guest_path("probe").to_str().unwrap();
    fs::write(site.path("no.pem"), "root:x:0:0").unwrap();
    let refused = |code: i32, words: &[&str], why: &str| {
        let words = [&["package", probe, "--label", "x", "-o", "a.tgz"], words].concat();
        let error = site.run(&words).failed(code);
        assert!(error.contains(why), "{words:?}: {error}");
        assert!(!site.path("a.tgz").exists());
    };
    refused(2, &["--address", "h:1"], "--address only with --type ccaas: a package of type wasm");
    let both = ["--dial-timeout", "10s", "--tls-root-cert", "no.pem"];
    refused(2, &both, "--dial-timeout, --tls-root-cert only with --type ccaas");
    let form = "the address 'nohost' is not of the form host:port";
    refused(2, &["--type", "ccaas", "--address", "nohost"], form);
    let root = ["--type", "ccaas", "--address", "h:1", "--tls-root-cert", "no.pem"];
    refused(1, &root, "no.pem has no certificate in PEM form");
    refused(2, &["--timeout", "0s"], "timeout '0s' is not a positive duration, such as 10s");
    refused(2, &["--timeout", "x"], "timeout 'x' is not a positive duration, such as 10s or 1m30s");

    let ca = "net/peerOrganizations/org1.example.com/tlsca/tlsca.org1.example.com-cert.pem";
    let service = ["--type", "ccaas", "--address", "{{.peername}}_basic:9999", "--timeout", "2s"];
    package(&site, &[&service[..], &["--tls-root-cert", ca]].concat(), "a.tgz");
}

/// The steps of a peer for an installed package: unpack, detect, build, release and run.
#[test]
fn a_peer_builds_and_runs_a_package_until_it_says_stop() {
    let site = Site::new();
    site.run(&["builder", "install", "builder"]).ok();
    let meta = site.path("meta/statedb/couchdb/indexes");
    fs::create_dir_all(&meta).unwrap();
    fs::write(meta.join("owner.json"), r#"{"index": {"fields": ["owner"]}}"#).unwrap();
    let probe = guest_path("probe").to_str().unwrap();
    let packed = ["package", probe, "--label", "probe", "--meta-inf", "meta", "-o", "a.tgz"];
    let id = site.run(&[&packed[..], &["--fuel", "20000000"]].concat()).ok().out.trim().to_owned();
    unpack(&site.path("a.tgz"), &site.path("metadata"));
    unpack(&site.path("metadata/code.tar.gz"), &site.path("source"));
    fs::write(site.path("source/._chaincode.wasm"), "x").unwrap();
    fs::write(site.path("source/META-INF/.DS_Store"), "x").unwrap();
    fs::write(site.path("metadata/metadata.json"), r#"{"Type":"wasm","Label":"probe"}"#).unwrap();
    for folder in ["output", "release", "run"] {
        fs::create_dir(site.path(folder)).unwrap();
    }
    let root = site.path(".");
    let step = |name: &str, args: &[&str]| sh(&root, &format!("builder/bin/{name}"), args);
    assert!(step("detect", &["source", "metadata"]).status.success());
    let built = step("build", &["source", "metadata", "output"]);
    assert!(built.status.success(), "{built:?}");
    assert!(fs::read_dir(site.path("output/compiled")).unwrap().next().is_some());
    assert!(step("release", &["output", "release"]).status.success());
    assert!(site.path("release/statedb/couchdb/indexes/owner.json").is_file());
    assert!(!site.path("output/META-INF/.DS_Store").exists());
    let unbuilt = step("release", &["nothing", "release"]);
    let said = String::from_utf8_lossy(&unbuilt.stderr);
    assert!(!unbuilt.status.success() && said.contains("nothing is no folder"), "{unbuilt:?}");

    let sandbox = Sandbox::builder().external(trusting()).build().unwrap();
    let (name, version) = id.split_once(':').unwrap();
    let definition = Definition {
        channel_id: CHANNEL.into(),
        name: name.into(),
        version: version.into(),
        ..Definition::default()
    };
    sandbox.install(&definition, br#"{"external": true}"#).unwrap();
    let served = Served::start(Arc::clone(sandbox.peer()));
    let chaincode = serde_json::json!({
        "chaincode_id": id, "peer_address": served.address(), "client_cert": "", "client_key": "",
        "root_cert": "", "mspid": "Org1MSP",
    });
    fs::write(site.path("run/chaincode.json"), chaincode.to_string()).unwrap();
    let mut child = Command::new("builder/bin/run")
        .args(["output", "run"])
        .current_dir(&root)
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    sandbox.instantiate(lscc::deploy(definition)).unwrap();
    sandbox.submit(call(name, "put k v")).unwrap();
    assert_eq!(sandbox.evaluate(call(name, "get k")).unwrap().text(), "v");
    let endless = sandbox.evaluate(call(name, "repeat 100000000 noop")).unwrap_err().to_string();
    assert!(endless.contains("used up its fuel of 20000000 units"), "{endless}");
    let kill = sh(&root, "kill", &["-TERM", &child.id().to_string()]);
    assert!(kill.status.success());
    assert!(child.wait().unwrap().success());
}

#[test]
fn the_builder_refuses_what_is_not_its_own_or_no_component() {
    let site = Site::new();
    site.run(&["builder", "install", "builder"]).ok();
    let root = site.path(".");
    for folder in ["source", "metadata", "output"] {
        fs::create_dir(site.path(folder)).unwrap();
    }
    fs::write(site.path("metadata/metadata.json"), r#"{"type":"golang","label":"x"}"#).unwrap();
    let detect = sh(&root, "builder/bin/detect", &["source", "metadata"]);
    assert_eq!(detect.status.code(), Some(1));
    let build = || {
        let out = sh(&root, "builder/bin/build", &["source", "metadata", "output"]);
        assert_eq!(out.status.code(), Some(1));
        String::from_utf8(out.stderr).unwrap()
    };
    assert!(build().contains("no .wasm file"));
    fs::write(site.path("source/a.wasm"), "not wasm").unwrap();
    assert!(build().contains("a.wasm is refused"));
    fs::write(site.path("source/b.wasm"), "not wasm").unwrap();
    assert!(build().contains("2 .wasm files: a.wasm, b.wasm"));
}
