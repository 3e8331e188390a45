//! Signals that end the program, or must not.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::process::{Command, Stdio};

use wasmcc_tests::guest_path;
use wasmcc_tests::program::{NETWORK, Site, program, without_settings};

#[test]
fn an_audit_that_follows_a_peer_ends_with_its_totals_and_leaves_no_folder() {
    let site = Site::new();
    let peer = site.peer(&[]);
    peer.deploy_with_collection("probe", "open");
    peer.invoke("probe", &["pput", "open", "secret", "x"]);
    peer.invoke("probe", &["then", "pget", "open", "secret", ";", "put", "seen", "1"]);
    let component = format!("probe={}", guest_path("probe").display());
    let audit = ["audit", "--follow", "--component", &component, "--peer", peer.address()];
    fs::create_dir(site.path("tmp")).unwrap();
    for signal in ["TERM", "INT"] {
        let mut command = Command::new(program());
        without_settings(&mut command);
        command.args(audit).args(["--network", NETWORK]).env("TMPDIR", site.path("tmp"));
        command.current_dir(site.path("")).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().unwrap();
        let mut out = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        out.read_line(&mut line).unwrap();
        // The newest block of the peer was processed.
        assert!(line.starts_with("unknown: block 3, "), "{line}");
        assert_ne!(fs::read_dir(site.path("tmp")).unwrap().count(), 0);
        let kill = ["-c", "kill -s \"$0\" \"$1\"", signal, &child.id().to_string()];
        assert!(Command::new("sh").args(kill).status().unwrap().success());
        let mut rest = String::new();
        out.read_to_string(&mut rest).unwrap();
        assert!(rest.contains("4 blocks, "), "{rest}");
        assert_eq!(child.wait().unwrap().code(), Some(0));
        assert_eq!(fs::read_dir(site.path("tmp")).unwrap().count(), 0);
    }
}

#[cfg(unix)]
#[test]
fn a_write_past_the_limit_of_file_size_fails_and_does_not_kill() {
    let site = Site::new();
    let mut command = Command::new("sh");
    without_settings(&mut command);
    command.args(["-c", "ulimit -f 8; exec \"$0\" man --markdown cli.md"]).arg(program());
    let output = command.current_dir(site.path("")).output().unwrap();
    let error = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{:?}: {error}", output.status);
    assert!(error.contains("cannot write cli.md: File too large"), "{error}");
}

#[cfg(unix)]
#[test]
fn a_peer_outlives_the_signal_by_which_fabrics_peer_shows_its_goroutines() {
    let site = Site::new();
    let peer = site.peer(&[]);
    peer.signal("USR1");
    peer.run(&["channels"]).ok();
    peer.terminate().ok();
}
