//! Packages of Fabric 2.x, made by the program.

use std::collections::HashMap;
use std::fs;
use std::sync::{Mutex, PoisonError};

use crate::guest_path;
use crate::program::Site;

/// Returns a package of a chaincode of this repository, made with further arguments of `wasmcc
/// package`. Each is made once.
///
/// # Panics
/// Panics if the program fails.
#[allow(clippy::unwrap_used, reason = "a test cannot go on without its package")]
pub fn package(guest: &str, label: &str, more: &[&str]) -> Vec<u8> {
    static MADE: Mutex<Option<HashMap<String, Vec<u8>>>> = Mutex::new(None);
    let key = [&[guest, label], more].concat().join(" ");
    let mut made = MADE.lock().unwrap_or_else(PoisonError::into_inner);
    let make = || {
        let site = Site::new();
        let component = guest_path(guest).to_str().unwrap();
        let usual = ["package", component, "--label", label, "-o", "package.tgz"];
        site.run(&[&usual[..], more].concat()).ok();
        fs::read(site.path("package.tgz")).unwrap()
    };
    made.get_or_insert_default().entry(key).or_insert_with(make).clone()
}
