//! Measurements that several benches share.
#![allow(clippy::unwrap_used, reason = "a bench cannot go on without its figures")]

use std::fs;

/// Returns the median.
pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// Returns the processor time of a process and its threads so far, in microseconds, in the user's
/// and the kernel's part.
pub fn cpu_us(process: u32) -> f64 {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).unwrap();
    // The name before may contain blanks.
    let fields: Vec<&str> = stat.rsplit_once(')').unwrap().1.split_whitespace().collect();
    let ticks: f64 = fields[11].parse::<f64>().unwrap() + fields[12].parse::<f64>().unwrap();
    // The kernel reports hundredths of a second to every program.
    ticks * 10_000.0
}
