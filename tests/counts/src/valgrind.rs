//! Requests of this program to valgrind. Without valgrind, each request is a few rotations without
//! effect.
#![allow(unsafe_code, reason = "valgrind sees a request in instructions, not in calls")]

use std::arch::asm;
use std::ffi::CString;

/// `callgrind.h` numbers the requests of its tool from this number on: the letters C and T.
const CALLGRIND: usize = 0x4354_0000;
const ZERO_STATS: usize = CALLGRIND + 1;
const DUMP_STATS_AT: usize = CALLGRIND + 3;
const START_INSTRUMENTATION: usize = CALLGRIND + 4;
/// `valgrind.h`, `VG_USERREQ__RUNNING_ON_VALGRIND`.
const RUNNING_ON_VALGRIND: usize = 0x1001;

/// Returns true if valgrind runs this program.
pub(crate) fn is_here() -> bool {
    request(RUNNING_ON_VALGRIND, 0) != 0
}

/// Starts counting on all threads.
pub(crate) fn start() {
    request(START_INSTRUMENTATION, 0);
}

/// Resets the counts.
pub(crate) fn zero() {
    request(ZERO_STATS, 0);
}

/// Writes the counts under a name and resets them.
pub(crate) fn dump(name: &str) {
    let name = CString::new(name).unwrap_or_default();
    request(DUMP_STATS_AT, name.as_ptr() as usize);
}

/// The magic sequence of `valgrind.h` for this processor: the rotations add up to a full turn.
fn request(code: usize, argument: usize) -> usize {
    let request = [code, argument, 0, 0, 0, 0];
    let mut answer = 0_usize;
    // SAFETY: no memory is written, and every register except the answer's is restored. Valgrind
    // reads the request and, for a dump, the text at its argument; both live longer.
    unsafe {
        asm!(
            "rol rdi, 3",
            "rol rdi, 13",
            "rol rdi, 61",
            "rol rdi, 51",
            "xchg rbx, rbx",
            in("rax") request.as_ptr(),
            inout("rdx") answer,
            options(nostack),
        );
    }
    answer
}
