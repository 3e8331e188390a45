//! What contracts in other languages than Rust cost: the table of `docs/languages.md`.
#![allow(missing_docs, clippy::unwrap_used, clippy::print_stdout)]

mod support;

use std::time::{Duration, Instant};

use wasmcc_runtime::{Limits, Runtime, RuntimeConfig};
use wasmcc_tests::foreign::{Foreign, foreign};
use xtask::languages::Language;

const CALLS: usize = 30;

/// How long a job takes in the middle of many times.
fn median(mut job: impl FnMut()) -> Duration {
    let mut times: Vec<Duration> = (0..CALLS)
        .map(|_| {
            let begin = Instant::now();
            job();
            begin.elapsed()
        })
        .collect();
    times.sort();
    times[CALLS / 2]
}

fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

fn main() {
    println!(
        "| contract | bytes | compile | endorse noop | endorse transfer | fuel: noop | transfer |"
    );
    println!("| --- | ---: | ---: | ---: | ---: | ---: | ---: |");
    for language in Language::ALL {
        let component = foreign(language);
        let limits = Limits { instances: 1, ..Limits::default() };
        let runtime = Runtime::new(RuntimeConfig { limits, ..RuntimeConfig::default() }).unwrap();
        let begin = Instant::now();
        runtime.load(&component).unwrap();
        let compile = begin.elapsed();
        drop(runtime);
        let guest = Foreign::deploy(language);
        guest.submit(&["put", "a", "100"]);
        guest.submit(&["put", "b", "5"]);
        let transfer = ["transfer", "a", "b", "1"];
        let noop_time = median(|| drop(guest.text(&["noop"])));
        let transfer_time = median(|| drop(guest.text(&transfer)));
        println!(
            "| {} | {} | {:.0} ms | {:.2} ms | {:.2} ms | {} | {} |",
            language.name(),
            component.len(),
            ms(compile),
            ms(noop_time),
            ms(transfer_time),
            guest.simulate(&["noop"]).fuel,
            guest.simulate(&transfer).fuel,
        );
    }
}
