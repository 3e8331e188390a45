//! `wasmcc serve` with embedded peers on the loopback.

use std::io::{BufRead, BufReader, Lines, Write};
use std::net::TcpStream;
use std::process::{Child, ChildStderr, ChildStdout, Command, Stdio};
use std::sync::Arc;
use std::thread;

use wasmcc_bridge::{PeerAddress, ProgramConfig};
use wasmcc_client::lscc::{self, Definition};
use wasmcc_node::sandbox::{CHANNEL, Endorsed, Sandbox};
use wasmcc_tests::bridged::{Bridged, program};
use wasmcc_tests::certificates::Authority;
use wasmcc_tests::program::Site;
use wasmcc_tests::{Scripted, Served, call, guest, guest_path, trusting};

const CONNECTS: &[u8] = br#"{"external": true}"#;

fn serve(id: &str) -> Bridged {
    Bridged::serve(program(id, &guest("probe"), ProgramConfig::default()), None)
}

fn definition(name: &str) -> Definition {
    Definition {
        channel_id: CHANNEL.into(),
        name: name.into(),
        version: "1.0".into(),
        ..Definition::default()
    }
}

fn text(sandbox: &Sandbox, line: &str) -> String {
    sandbox.evaluate(call("probe", line)).unwrap().text()
}

/// Returns a peer with the server's chaincode as `probe`, and a scripted chaincode under the test's
/// control.
pub(crate) fn with_held_chaincode(connection: &[u8]) -> (Sandbox, Scripted) {
    let sandbox = Sandbox::builder().external(trusting()).build().unwrap();
    sandbox.deploy("probe", connection).unwrap();
    sandbox.install(&definition("held"), CONNECTS).unwrap();
    let (mut held, _) = Scripted::ready(&sandbox, "held:1.0");
    thread::scope(|scope| {
        let deploy = || sandbox.instantiate(lscc::deploy(definition("held")));
        let deployed = scope.spawn(deploy);
        let init = held.hear();
        held.complete(&init);
        deployed.join().unwrap().unwrap();
    });
    (sandbox, held)
}

/// Runs a transaction of `probe`, and `meanwhile` during it.
pub(crate) fn during(sandbox: &Sandbox, held: &mut Scripted, meanwhile: impl FnOnce()) -> Endorsed {
    thread::scope(|scope| {
        let running = scope.spawn(|| sandbox.endorse(call("probe", "cc2cc held x")).unwrap());
        let begun = held.hear();
        meanwhile();
        held.complete(&begun);
        running.join().unwrap()
    })
}

#[test]
fn several_peers_use_one_server_and_a_lost_one_harms_nobody() {
    let server = serve("probe:1.0");
    let open = || {
        let sandbox = Sandbox::new().unwrap();
        sandbox.deploy("probe", &server.connection()).unwrap();
        sandbox
    };
    let peers: Vec<Sandbox> = (0..4).map(|_| open()).collect();
    thread::scope(|scope| {
        for (value, peer) in ["a", "b", "c", "d"].into_iter().zip(&peers) {
            scope.spawn(move || {
                for _ in 0..10 {
                    peer.submit(call("probe", &format!("rmw k {value}"))).unwrap();
                }
            });
        }
    });
    for (value, peer) in ["a", "b", "c", "d"].into_iter().zip(&peers) {
        assert_eq!(text(peer, "get k"), value.repeat(10));
    }
    let mut peers = peers.into_iter();
    drop(peers.next());
    assert!(peers.all(|peer| text(&peer, "get k").len() == 10));
    assert_eq!(text(&open(), "get k"), "");
}

#[test]
fn a_stop_lets_the_running_transaction_end() {
    let server = serve("probe:1.0");
    let (sandbox, mut held) = with_held_chaincode(&server.connection());
    let stop = server.stop_handle();
    let ran = during(&sandbox, &mut held, || stop.stop());
    assert_eq!((ran.response.status, ran.response.message.as_str()), (200, ""));
    server.ended().unwrap();
    let refused = sandbox.endorse(call("probe", "noop")).unwrap().response;
    assert!(refused.message.contains("could not launch chaincode probe:1.0"), "{refused:?}");
}

#[test]
fn a_connection_that_says_nothing_does_not_hold_up_a_stop() {
    let server = serve("probe:1.0");
    let sandbox = Sandbox::new().unwrap();
    let _silent = TcpStream::connect(server.address()).unwrap();
    // The other connection was accepted by the time this one is served.
    sandbox.deploy("probe", &server.connection()).unwrap();
    let mut greeted = TcpStream::connect(server.address()).unwrap();
    greeted.write_all(b"PRI * HTTP/2.0\r\n").unwrap();
    server.stop_handle().stop();
    server.ended().unwrap();
}

#[test]
fn a_peer_that_refuses_the_id_ends_the_dial_in_with_both_ids() {
    let sandbox = Sandbox::new().unwrap();
    sandbox.install(&definition("other"), CONNECTS).unwrap();
    let served = Served::start(Arc::clone(sandbox.peer()));
    let peer = PeerAddress { address: served.address().to_string(), tls: None };
    let program = program("probe:1.0", &guest("probe"), ProgramConfig::default());
    let error = Bridged::register(program, &peer).unwrap().ended().unwrap_err().to_string();
    assert!(error.contains("'probe:1.0'") && error.contains("expected is other:1.0"), "{error}");
}

/// `wasmcc serve` as a process; killed when dropped. Its standard error is read line by line.
pub(crate) struct Process {
    child: Child,
    out: Lines<BufReader<ChildStdout>>,
    err: Option<Lines<BufReader<ChildStderr>>>,
}

impl Process {
    pub(crate) fn start(args: &[&str]) -> Self {
        let mut child = Command::new(wasmcc_tests::program::program())
            .arg("serve")
            .args(args)
            .envs([("CHAINCODE_TLS_DISABLED", "true"), ("CORE_PEER_LOCALMSPID", "Org1MSP")])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let out = BufReader::new(child.stdout.take().unwrap()).lines();
        let err = Some(BufReader::new(child.stderr.take().unwrap()).lines());
        Self { child, out, err }
    }

    /// Returns the next address at which it serves.
    pub(crate) fn address(&mut self, id: &str) -> String {
        let line = self.out.next().unwrap().unwrap();
        line.strip_prefix(&format!("serving {id} on ")).unwrap().to_owned()
    }

    /// Returns the next connection for a peer's package.
    pub(crate) fn connection(&mut self, id: &str) -> Vec<u8> {
        format!(r#"{{"address": "{}"}}"#, self.address(id)).into_bytes()
    }

    pub(crate) fn terminate(&self) {
        let kill = Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status();
        assert!(kill.unwrap().success());
    }

    /// Returns the lines on standard error up to one that contains this text.
    pub(crate) fn read_until(&mut self, words: &str) -> Vec<String> {
        let mut lines = Vec::new();
        for line in self.err.as_mut().unwrap() {
            lines.push(line.unwrap());
            if lines.last().unwrap().contains(words) {
                return lines;
            }
        }
        panic!("it ended without {words:?}: {lines:#?}")
    }

    /// Sends SIGTERM; returns the remaining lines on standard error.
    pub(crate) fn terminated(mut self) -> Vec<String> {
        self.terminate();
        self.err.take().unwrap().map(Result::unwrap).collect()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // The process may have ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Configured by the environment variables of Fabric's samples.
#[test]
fn the_program_serves_two_components_until_it_is_told_to_end() {
    let (probe, transfer) = (guest_path("probe").display(), guest_path("transfer").display());
    let mut process = Process::start(&[
        &format!("{probe}=probe:1.0@127.0.0.1:0"),
        &format!("{transfer}=transfer:1.0@127.0.0.1:0"),
    ]);
    let sandbox = Sandbox::new().unwrap();
    sandbox.deploy("probe", &process.connection("probe:1.0")).unwrap();
    sandbox.deploy("transfer", &process.connection("transfer:1.0")).unwrap();
    sandbox.submit(call("probe", "put k v")).unwrap();
    assert_eq!(text(&sandbox, "get k"), "v");
    assert!(text(&sandbox, "info").contains("peer=Org1MSP\n"));
    process.terminate();
    assert!(process.child.wait().unwrap().success());
}

#[test]
fn a_second_signal_does_not_wait_for_transactions() {
    let probe = guest_path("probe").display();
    let target = format!("{probe}=probe:1.0@127.0.0.1:0");
    let mut process = Process::start(&[&target, "--grace", "1h"]);
    let (sandbox, mut held) = with_held_chaincode(&process.connection("probe:1.0"));
    let mut said = process.err.take().unwrap();
    let ran = during(&sandbox, &mut held, || {
        process.terminate();
        assert!(said.any(|line| line.unwrap().contains("a second signal ends")));
        process.terminate();
        assert_eq!(process.child.wait().unwrap().code(), Some(130));
    });
    assert!(ran.response.message.ends_with("chaincode stream terminated"), "{:?}", ran.response);
}

#[test]
fn transactions_that_are_cut_off_have_a_line_each_and_nothing_panics() {
    let probe = guest_path("probe").display();
    let target = format!("{probe}=probe:1.0@127.0.0.1:0");
    let mut process = Process::start(&[&target, "--grace", "10ms"]);
    let (sandbox, mut held) = with_held_chaincode(&process.connection("probe:1.0"));
    let mut said = process.err.take().unwrap();
    let ran = during(&sandbox, &mut held, || {
        process.terminate();
        let said: Vec<String> = said.by_ref().map(Result::unwrap).collect();
        let of = |words: &str| said.iter().filter(|line| line.contains(words)).count();
        assert_eq!(of("a transaction failed"), 1, "{said:#?}");
        assert_eq!(of("transactions were still running"), 1, "{said:#?}");
        assert_eq!(of("panicked"), 0, "{said:#?}");
        assert_eq!(process.child.wait().unwrap().code(), Some(1));
    });
    assert!(ran.response.message.ends_with("chaincode stream terminated"), "{:?}", ran.response);
}

#[test]
fn tls_material_that_cannot_be_used_is_named_with_its_file() {
    let site = Site::new();
    let ours = Authority::new("ours");
    let (certificate, key) = ours.issue(&["localhost"]);
    for (file, text) in [("s.crt", &*certificate), ("s.key", &*key), ("empty.pem", "")] {
        std::fs::write(site.path(file), text).unwrap();
    }
    let probe = guest_path("probe").to_str().unwrap();
    let refused = |key: &str, certificate: &str, ca: &str, why: &str| {
        let words = ["serve", probe, "--chaincode-id", "probe:1.0", "--tls-key", key];
        let more = ["--tls-cert", certificate, "--client-ca-cert", ca];
        let error = site.run(&[&words[..], &more, &NOWHERE].concat()).failed(1);
        assert!(error.contains(why), "{error}");
    };
    let why = "empty.pem cannot be used as the CA of clients (--client-ca-cert): there is no \
               certificate";
    refused("s.key", "s.crt", "empty.pem", why);
    let why = "s.crt cannot be used as the server's private key (--tls-key): it is a certificate";
    refused("s.crt", "s.key", "s.crt", why);
    let why = "s.key cannot be used as the server's certificate (--tls-cert): it is a private key";
    refused("s.key", "s.key", "s.crt", why);
}

/// An address that cannot be bound: a server that does not refuse earlier ends with another error.
const NOWHERE: [&str; 2] = ["--address", "nowhere"];

#[test]
fn a_client_ca_without_tls_is_refused() {
    let site = Site::new();
    let probe = guest_path("probe").to_str().unwrap();
    let words = [&["serve", probe, "--chaincode-id", "probe:1.0"], &NOWHERE[..]].concat();
    let serve = |more: &[&str]| site.run(&[&words[..], more].concat());
    let error = serve(&["--client-ca-cert", "ca.pem"]).failed(2);
    let text = "--client-ca-cert needs TLS: without it, every client may connect. Give --tls-key \
                (CHAINCODE_TLS_KEY) and --tls-cert (CHAINCODE_TLS_CERT) as well, or --tls-disabled";
    assert!(error.contains(text), "{error}");
    let variable = [("CHAINCODE_CLIENT_CA_CERT", "ca.pem")];
    assert!(site.run_with(&variable, &words).failed(2).contains(text));
    for (given, missing) in [("--tls-key", "--tls-cert"), ("--tls-cert", "--tls-key")] {
        let error = serve(&[given, "x.pem"]).failed(2);
        assert!(error.contains(&format!("Give {missing} (")), "{error}");
    }
    // Fabric's samples set all variables.
    let off = [&variable[..], &[("CHAINCODE_TLS_DISABLED", "true")]].concat();
    assert!(site.run_with(&off, &words).failed(1).contains("cannot listen on nowhere"));
    let empty = site.run(&[&["serve", probe, "--chaincode-id", ""], &NOWHERE[..]].concat());
    assert!(empty.failed(2).contains("it is empty: give the id"));
}

#[test]
fn another_component_than_that_of_the_package_is_refused() {
    let site = Site::new();
    let path = |name: &str| guest_path(name).to_str().unwrap();
    let package = |extra: &[&str]| {
        let words = ["package", path("probe"), "--label", "x", "-o", "x.tgz"];
        site.run(&[&words[..], extra].concat()).ok();
    };
    let serve = |component: &str| {
        let words = ["serve", path(component), "--package", "x.tgz"];
        site.run(&[&words[..], &NOWHERE].concat()).failed(1)
    };
    package(&[]);
    let error = serve("transfer");
    assert!(error.contains(" is not the component of x.tgz: its SHA-256 is "), "{error}");
    assert!(error.contains("\n  hint: serve the component that is in the package"), "{error}");
    assert!(serve("probe").contains("cannot listen on nowhere"));
    // The package of a service does not name its component.
    package(&["--type", "ccaas", "--address", "{{.peername}}:9999"]);
    assert!(serve("transfer").contains("cannot listen on nowhere"));
}
