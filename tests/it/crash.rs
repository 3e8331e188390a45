//! A process that commits as fast as it can is killed, or its disk is full. It is this test
//! program, started once more. Each block that it has reported as committed must exist afterwards.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use wasmcc_ledger::{Ledger, LedgerConfig, LedgerFolder, Verified};
use wasmcc_tests::chain::{CHANNEL, commit, open_chain, transaction};

const DIR: &str = "WASMCC_TEST_CRASH_DIR";
const INPUT: &str = "WASMCC_TEST_CRASH_INPUT_BYTES";

/// How often the process is killed; WASMCC_CRASH_ROUNDS sets more.
const ROUNDS: u64 = 10;

/// Pseudo-random numbers, repeatable by their seed.
struct Numbers(u64);

impl Numbers {
    /// Takes the seed from the environment, or else from the clock; prints it.
    fn new() -> Self {
        let clock = std::time::UNIX_EPOCH.elapsed().unwrap().as_nanos() as u64;
        let seed = std::env::var("WASMCC_CRASH_SEED").map_or(clock, |seed| seed.parse().unwrap());
        eprintln!("WASMCC_CRASH_SEED={seed}");
        Self(seed)
    }

    /// Returns the next number below `limit`. SplitMix64.
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % limit
    }
}

/// Not a test of its own: the code of the other process. Each reported line is flushed.
#[test]
fn child() {
    let Ok(dir) = std::env::var(DIR) else { return };
    let input: usize = std::env::var(INPUT).unwrap().parse().unwrap();
    let say = |line: String| {
        let mut out = std::io::stdout().lock();
        writeln!(out, "{line}").and_then(|()| out.flush()).unwrap();
    };
    let opened = open_chain(Path::new(&dir));
    let (_ledgers, ledger) = match opened {
        Ok(opened) => opened,
        Err(error) => return say(format!("not opened: {error}")),
    };
    let reading = Arc::clone(&ledger);
    thread::spawn(move || {
        loop {
            let mut simulator = reading.simulator("reader");
            let rows = simulator.range("ns", "", "").unwrap();
            while simulator.next_row(rows).is_ok_and(|row| row.is_some()) {}
        }
    });
    let mut numbers = Numbers(ledger.height());
    loop {
        match commit(&ledger, random_transactions(&ledger, &mut numbers, input)) {
            Ok(block) => say(format!("committed {}", block.number)),
            Err(error) => {
                let source = std::error::Error::source(&error).map(ToString::to_string);
                say(format!("failed {error}: {}", source.unwrap_or_default()));
                let next = commit(&ledger, Vec::new()).map(|block| block.number);
                say(format!("then {}", next.unwrap_err()));
                std::process::exit(0);
            }
        }
    }
}

/// Returns puts, deletes, reads and ranges over few keys, so that many of them conflict.
fn random_transactions(ledger: &Arc<Ledger>, numbers: &mut Numbers, input: usize) -> Vec<Vec<u8>> {
    let height = ledger.height();
    let txs = 1 + numbers.below(20);
    let simulate = |index| {
        let tx_id = format!("{height}-{index}");
        let mut simulator = ledger.simulator(&tx_id);
        for _ in 0..1 + numbers.below(4) {
            let key = format!("key{:03}", numbers.below(200));
            match numbers.below(8) {
                0..4 => simulator.put_state("ns", &key, tx_id.clone().into_bytes()).unwrap(),
                4 => simulator.delete_state("ns", &key).unwrap(),
                5 => {
                    let rows = simulator.range("ns", &key, "").unwrap();
                    for _ in 0..numbers.below(5) + 1 {
                        simulator.next_row(rows).unwrap();
                    }
                }
                _ => drop(simulator.get_state("ns", &key).unwrap()),
            }
        }
        transaction(&tx_id, &simulator.finish().public, vec![b'i'; input])
    };
    (0..txs).map(simulate).collect()
}

/// The other process and its output.
struct Load {
    child: Child,
    lines: Receiver<String>,
    /// The last block that it reported as committed.
    committed: Option<u64>,
    said: Vec<String>,
}

impl Load {
    fn start(mut command: Command, dir: &Path, input: usize) -> Self {
        let mut child = command
            .args(["--exact", "crash::child", "--nocapture", "--test-threads=1"])
            .env(DIR, dir)
            .env(INPUT, input.to_string())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let lines = lines(child.stdout.take().unwrap());
        Self { child, lines, committed: None, said: Vec::new() }
    }

    /// Reads its output until the time is over or the process has ended.
    fn listen(&mut self, until: Instant) {
        loop {
            let left = until.saturating_duration_since(Instant::now());
            match self.lines.recv_timeout(left) {
                // The first line begins with output of the test program.
                Ok(line) => match line.split_once("committed ") {
                    Some((_, number)) => self.committed = Some(number.parse().unwrap()),
                    None => self.said.push(line),
                },
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => break,
            }
        }
    }

    /// Kills the process and returns the last block that it reported as committed.
    fn kill(mut self) -> Option<u64> {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        self.listen(Instant::now() + Duration::from_secs(10));
        self.committed
    }
}

/// A killed process leaves no partial line: it writes each with one call.
fn lines(out: ChildStdout) -> Receiver<String> {
    let (sender, lines) = mpsc::channel();
    thread::spawn(move || {
        for line in BufReader::new(out).lines().map_while(Result::ok) {
            if sender.send(line).is_err() {
                break;
            }
        }
    });
    lines
}

fn verify(dir: &Path) -> Verified {
    let folder = LedgerFolder::open(dir, LedgerConfig::default()).unwrap();
    folder.verify(&folder.channel(CHANNEL).unwrap(), &mut |_| {}).unwrap()
}

/// Checks what must hold after every crash: before the ledger is opened again, and after.
fn check(dir: &Path, committed: Option<u64>) {
    let found = verify(dir);
    assert!(found.is_good(), "{:?}", found.faults);
    let expected = committed.map_or(1, |number| number + 1);
    assert!(found.blocks >= expected, "{} blocks, {expected} were acknowledged", found.blocks);
    let (ledgers, ledger) = open_chain(dir).unwrap();
    assert_eq!(ledger.height(), found.blocks);
    drop((ledger, ledgers));
    let found = verify(dir);
    assert!(found.is_good(), "{:?}", found.faults);
    assert_eq!((found.state_height, found.unfinished_bytes), (found.blocks, 0));
}

#[test]
fn a_process_killed_under_load_loses_no_acknowledged_block() {
    let mut numbers = Numbers::new();
    let rounds = std::env::var("WASMCC_CRASH_ROUNDS").map_or(ROUNDS, |text| text.parse().unwrap());
    let dir = tempfile::tempdir().unwrap();
    drop(open_chain(dir.path()).unwrap());
    for round in 0..rounds {
        let input = if round % 2 == 0 { 100 } else { 50_000 };
        let command = Command::new(std::env::current_exe().unwrap());
        let mut load = Load::start(command, dir.path(), input);
        load.listen(Instant::now() + Duration::from_micros(20_000 + numbers.below(400_000)));
        let committed = load.kill();
        eprintln!("round {round}: committed {committed:?}");
        check(dir.path(), committed);
    }
}

#[test]
fn a_full_disk_stops_the_ledger_and_loses_no_acknowledged_block() {
    // Large inputs fill the block file first, small ones the state database.
    for input in [30_000, 10] {
        let dir = tempfile::tempdir().unwrap();
        drop(open_chain(dir.path()).unwrap());
        // No file may grow beyond the limit. The signal is ignored, so the write reports the error.
        let mut command = Command::new("sh");
        command.args(["-c", "trap '' XFSZ; ulimit -f 4000; exec \"$0\" \"$@\""]);
        command.arg(std::env::current_exe().unwrap());
        let mut load = Load::start(command, dir.path(), input);
        load.listen(Instant::now() + Duration::from_secs(60));
        let said = load.said.clone();
        let committed = load.kill();
        eprintln!("input {input}: committed {committed:?}, {said:?}");
        let (failed, then) = (&said[said.len() - 2], &said[said.len() - 1]);
        assert!(failed.starts_with("failed cannot write") || input == 10, "{failed}");
        assert_eq!(
            then,
            "then channel mychannel accepts no more blocks until the ledger is opened again"
        );
        assert!(committed.is_some());
        check(dir.path(), committed);
    }
}
