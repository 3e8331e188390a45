//! `wasmcc profile`: the fuel of a call, by function.

use std::fs;
use std::path::PathBuf;
use std::sync::LazyLock;

use serde_json::Value;
use wasmcc_node::sandbox::{Call, Sandbox};
use wasmcc_tests::guest_path;
use wasmcc_tests::program::Run;
use wasmcc_types::Timestamp;

use crate::new_contract::{Desk, replace};

/// A function that computes, and one that it calls in each round.
const WORK: &str = "\
#[inline(never)]
fn mix(mut number: u64, steps: u32) -> u64 {
    for step in 0..steps {
        number = number.rotate_left(7) ^ u64::from(step);
    }
    number
}

#[inline(never)]
fn all_rounds(rounds: u32) -> u64 {
    (0..rounds).fold(1, |number, _| mix(number, 100))
}

#[contract(name";

const DIGEST: &str = "    /// Computes for some rounds, and writes what comes out.
    #[transaction]
    fn digest(&self, ctx: &Context, rounds: u32) -> Result<()> {
        ctx.put_state(\"digest\", &all_rounds(rounds).to_le_bytes())
    }

    /// Returns the asset with this id.";

/// The contract, built once.
struct Work {
    desk: Desk,
}

impl Work {
    fn get() -> &'static Self {
        static WORK_CONTRACT: LazyLock<Work> = LazyLock::new(|| {
            let desk = Desk::new();
            desk.contract("work");
            let source = desk.path("work/src/lib.rs");
            replace(&source, "#[contract(name", WORK);
            replace(&source, "    /// Returns the asset with this id.", DIGEST);
            Work { desk }
        });
        &WORK_CONTRACT
    }

    fn path(&self, name: &str) -> PathBuf {
        self.desk.path(name)
    }

    /// Profiles a call of the folder's contract into files of this name.
    fn profile(&self, name: &str, call: &str, more: &[&str]) -> Run {
        let args = ["profile", "work", "--json", "-o", name, "-c", call];
        self.desk.run(".", &[&args, more].concat())
    }

    fn file(&self, name: &str) -> Value {
        serde_json::from_slice(&fs::read(self.path(name)).unwrap()).unwrap()
    }
}

/// Returns the row of the function whose name has this end.
fn row<'a>(report: &'a Value, name: &str) -> &'a Value {
    let rows = report["functions"].as_array().unwrap();
    let ends = |row: &&Value| row["function"].as_str().unwrap().ends_with(name);
    rows.iter().find(ends).unwrap_or_else(|| panic!("there is no {name} in {report:#}"))
}

fn fuel(row: &Value) -> u64 {
    row["fuel"].as_u64().unwrap()
}

#[test]
fn the_function_that_computes_is_on_top_and_the_sum_is_what_the_call_costs() {
    let work = Work::get();
    let report = work.profile("digest", r#"{"Args":["Digest","1000"]}"#, &[]).ok().json();
    let rows = report["functions"].as_array().unwrap();
    assert!(rows[0]["function"].as_str().unwrap().ends_with("::mix"), "{report:#}");
    // Each of its 100,000 steps is a few instructions, and there is almost no other work.
    assert!((400_000..1_500_000).contains(&fuel(&rows[0])), "{report:#}");
    assert_eq!(rows.iter().map(fuel).sum::<u64>(), fuel(&report));
    let caller = row(&report, "::all_rounds");
    assert_eq!(
        caller["fuel_with_callees"].as_u64().unwrap(),
        fuel(caller) + fuel(&rows[0]),
        "{report:#}"
    );
    // A call, a key of 6 bytes and a value of 8 bytes; and the path to the import.
    let put = row(&report, "fabric:chaincode/state#put-state");
    assert!((5_514..5_600).contains(&fuel(put)), "{put}");
    assert_eq!(put["kind"], "import");

    let target = xtask::cargo::target_dir().unwrap().join("new-contract");
    let component = fs::read(target.join("wasm32-wasip2/profiling/work.wasm")).unwrap();
    let sandbox = Sandbox::new().unwrap();
    sandbox.deploy("work", &component).unwrap();
    let time = Timestamp { seconds: 1_700_000_000, nanos: 0 };
    let call = Call::new("work", "Digest").args(["1000"]).timestamp(time).nonce("profiled");
    assert_eq!(sandbox.endorse(call).unwrap().fuel, fuel(&report), "without probes");
}

#[test]
fn the_same_call_has_the_same_profile() {
    let work = Work::get();
    work.desk.run(".", &["network", "net"]).ok();
    // It reads the client's identity, and uses a random order.
    let call = r#"{"Args":["CreateAsset","asset1","blue","300"]}"#;
    let files = ["one", "two"].map(|name| {
        work.profile(name, call, &["--network", "net"]).ok();
        [".svg", ".json"].map(|end| fs::read_to_string(work.path(&format!("{name}{end}"))).unwrap())
    });
    assert_eq!(files[0], files[1]);
}

/// Checks that each column of a table has as many entries as stated, and returns their number.
fn length(table: &Value) -> usize {
    let length = table["length"].as_u64().unwrap() as usize;
    for (column, values) in table.as_object().unwrap() {
        if let Some(values) = values.as_array() {
            assert_eq!(values.len(), length, "{column} in {table}");
        }
    }
    length
}

/// Checks that all numbers in a column are below a limit; `null` and -1 are ignored.
fn below(table: &Value, column: &str, limit: usize) {
    for value in table[column].as_array().unwrap() {
        let number = value.as_i64().unwrap_or(-1);
        assert!(number < limit as i64 && number >= -1, "{column}: {value} of {limit}");
    }
}

#[test]
fn the_file_for_the_firefox_profiler_is_whole() {
    let work = Work::get();
    let before = ["--before", r#"{"Args":["CreateAsset","a1","blue","300"]}"#];
    let report = work.profile("read", r#"{"Args":["ReadAsset","a1"]}"#, &before).ok().json();
    assert!(report["payload"].as_str().unwrap().contains(r#""ID":"a1""#), "{report:#}");
    let file = work.file("read.json");
    assert_eq!(file["meta"]["preprocessedProfileVersion"], 62);
    let categories = file["meta"]["categories"].as_array().unwrap().len();
    let shared = &file["shared"];
    let strings = shared["stringArray"].as_array().unwrap().len();
    let [functions, frames, stacks] =
        ["funcTable", "frameTable", "stackTable"].map(|table| length(&shared[table]));
    below(&shared["funcTable"], "name", strings);
    below(&shared["frameTable"], "func", functions);
    below(&shared["frameTable"], "category", categories);
    below(&shared["stackTable"], "frame", frames);
    let prefixes = shared["stackTable"]["prefix"].as_array().unwrap();
    for (number, prefix) in prefixes.iter().enumerate() {
        assert!(prefix.as_u64().is_none_or(|prefix| prefix < number as u64), "{prefix}");
    }
    for table in ["resourceTable", "nativeSymbols", "sources"] {
        assert_eq!(length(&shared[table]), 0);
    }
    let thread = &file["threads"][0];
    assert_eq!(length(&thread["markers"]), 0);
    let samples = &thread["samples"];
    assert!(length(samples) > 10, "{samples}");
    below(samples, "stack", stacks);
    let weights = samples["weight"].as_array().unwrap();
    let sum: u64 = weights.iter().map(|weight| weight.as_u64().unwrap()).sum();
    assert_eq!(sum, fuel(&report));
    let last = weights.last().unwrap().as_u64().unwrap();
    let deltas = samples["timeDeltas"].as_array().unwrap();
    let time: f64 = deltas.iter().map(|delta| delta.as_f64().unwrap()).sum();
    assert!((time * 1_000.0 - (sum - last) as f64).abs() < 1.0, "{time}");
}

#[test]
fn the_flame_graph_is_well_formed_and_shows_the_function() {
    let work = Work::get();
    work.profile("flame", r#"{"Args":["Digest","10"]}"#, &[]).ok();
    let svg = fs::read_to_string(work.path("flame.svg")).unwrap();
    let (head, script) = svg.split_once("<script>").unwrap();
    assert!(script.ends_with("</script>\n</svg>\n"));
    let mut open = Vec::new();
    for tag in head.split('<').skip(1) {
        let (tag, _) = tag.split_once('>').unwrap_or_else(|| panic!("<{tag} has no end"));
        let name = tag.split_whitespace().next().unwrap();
        match name.strip_prefix('/') {
            Some(name) => assert_eq!(open.pop(), Some(name)),
            None if tag.ends_with('/') => {}
            None => open.push(name),
        }
    }
    assert_eq!(open, ["svg"]);
    assert!(head.contains("::mix: ") && head.contains("work.wasm: Digest 10"), "{head}");
}

#[test]
fn a_call_that_fails_has_a_profile_of_what_it_did() {
    let work = Work::get();
    let call = r#"{"Args":["Digest","1000"]}"#;
    let stopped = work.profile("stopped", call, &["--fuel", "100000"]);
    // The error is also printed as JSON.
    let mut printed = serde_json::Deserializer::from_str(&stopped.out).into_iter::<Value>();
    let report = printed.next().unwrap().unwrap();
    let said = stopped.failed(1);
    assert!(said.contains("chaincode used up its fuel of 100000 units"), "{said}");
    assert!(said.contains("stopped.svg and stopped.json are written"), "{said}");
    assert_eq!(fuel(&report), 100_000);
    assert!(report["functions"][0]["function"].as_str().unwrap().ends_with("::mix"));

    let said = work.profile("none", r#"{"Args":["Nothing"]}"#, &[]).failed(1);
    assert!(said.contains("the contract answers ") && said.contains("Nothing"), "{said}");
    let before = ["--before", r#"{"Args":["ReadAsset","a9"]}"#];
    let said = work.profile("none", call, &before).failed(1);
    assert!(said.contains("call 1 before (ReadAsset a9)") && said.contains("a9 does not exist"));
}

#[test]
fn what_cannot_be_profiled_is_told() {
    let desk = Desk::new();
    let profile = |file: &str, call: &str| desk.run(".", &["profile", file, "-c", call]).failed(1);
    let call = r#"{"Args":["f"]}"#;
    assert!(profile("nothing.wasm", call).contains("cannot read nothing.wasm"));
    fs::write(desk.path("core.wasm"), b"\0asm\x01\0\0\0").unwrap();
    let said = profile("core.wasm", call);
    assert!(said.contains("core.wasm is refused: this is a core WebAssembly module"), "{said}");
    fs::write(desk.path("text.wasm"), b"words of a text").unwrap();
    assert!(profile("text.wasm", call).contains("not a WebAssembly file"));
    let basic = guest_path("asset-transfer-basic").to_str().unwrap();
    let said = profile(basic, r#"{"Args":[]}"#);
    assert!(said.contains("the call names no function"), "{said}");
    let said = desk.run(".", &["profile", basic, "-c", "{}"]).failed(2);
    assert!(said.contains("expected {\"Args\""), "{said}");
    let missing = ["profile", basic, "-c", call, "--collections-config", "none.json"];
    let said = desk.run(".", &missing).failed(1);
    assert!(said.contains("cannot read none.json"), "{said}");
}

/// The sample's collections have two organizations, and one more peer must store a value.
#[test]
fn a_contract_with_collections_is_profiled() {
    let desk = Desk::new();
    let probe = guest_path("probe").to_str().unwrap();
    let call = r#"{"Args":["pput","assetCollection","k","v"]}"#;
    let sample = "sample-chaincodes/asset-transfer-private-data/collections_config.json";
    let collections = xtask::root().join(sample);
    let collections = ["--collections-config", collections.to_str().unwrap()];
    desk.run(".", &[&["profile", probe, "-c", call][..], &collections].concat()).ok();
}

#[test]
fn a_stripped_component_is_profiled_without_names() {
    let desk = Desk::new();
    let basic = guest_path("asset-transfer-basic").to_str().unwrap();
    let call = r#"{"Args":["GetAllAssets"]}"#;
    let before = r#"{"Args":["InitLedger"]}"#;
    let done = desk.run(".", &["profile", basic, "--before", before, "-c", call]);
    assert!(done.err.contains("most functions have no names"), "{}", done.err);
    let out = done.ok().out;
    assert!(out.contains(" function ") && out.contains("fabric:chaincode/query#"), "{out}");
    assert!(out.trim_end().ends_with("the whole call"), "{out}");
}
