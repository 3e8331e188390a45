//! Runs each measured path several times, so that valgrind's callgrind counts its instructions.
//! `cargo xtask counts` starts it and reads the counts.
//!
//! Does not count itself, and does not compare counts.

#[cfg(target_arch = "x86_64")]
mod paths;
#[cfg(target_arch = "x86_64")]
mod valgrind;

use std::io::Write;

use anyhow::Result;
use mimalloc::MiMalloc;

/// The allocator of the program.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

/// Uncounted calls that fill caches and pools.
#[cfg(target_arch = "x86_64")]
const WARM_UP: usize = 4;

#[cfg(target_arch = "x86_64")]
fn main() -> Result<()> {
    let mut out = std::io::stdout().lock();
    let wanted: Vec<String> = std::env::args().skip(1).collect();
    let is_wanted = |name: &str| wanted.is_empty() || wanted.iter().any(|wanted| wanted == name);
    let mut paths = paths::all(WARM_UP, is_wanted)?;
    if !valgrind::is_here() {
        writeln!(out, "not under valgrind: nothing is counted")?;
    }
    for path in &mut paths {
        (1..WARM_UP).try_for_each(|_| (path.call)())?;
    }
    valgrind::start();
    for path in &mut paths {
        (path.call)()?;
        valgrind::zero();
        (0..path.calls).try_for_each(|_| (path.call)())?;
        valgrind::dump(path.name);
        writeln!(out, "counted {} {}", path.name, path.calls * path.units)?;
    }
    Ok(())
}

#[cfg(not(target_arch = "x86_64"))]
fn main() -> Result<()> {
    writeln!(std::io::stdout(), "counts are made on x86_64 only")?;
    Ok(())
}
