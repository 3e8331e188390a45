//! Tests the whole crate with golden bytes of real peers, and with hostile ones.

mod authorities;
mod certificates;
mod channel;
mod folders;
mod golden;
mod hostile;
mod identities;
mod keys;
mod networks;
mod policies;
mod remembered;
mod rules;
mod setup;
mod signing;
mod validation;
mod versions;

use std::fs;
use std::path::PathBuf;

use prost::Message;

use wasmcc_types::proto::common::Block;

/// A file or folder of tests/golden.
fn golden_path(name: &str) -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/golden")).join(name)
}

fn golden(name: &str) -> Vec<u8> {
    fs::read(golden_path(name)).expect(name)
}

fn golden_block(name: &str) -> Block {
    Block::decode(golden(name).as_slice()).expect(name)
}

/// Returns all files of a golden folder whose names end with `ending`, with their names.
fn golden_files(folder: &str, ending: &str) -> Vec<(String, Vec<u8>)> {
    let mut files = Vec::new();
    for entry in fs::read_dir(golden_path(folder)).expect(folder) {
        let name = entry.expect(folder).file_name().into_string().expect("names are text");
        if name.ends_with(ending) {
            files.push((name.clone(), golden(&format!("{folder}/{name}"))));
        }
    }
    files.sort();
    assert!(!files.is_empty(), "{folder}/*{ending}");
    files
}
