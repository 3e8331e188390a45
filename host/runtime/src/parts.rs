//! Reuses functions that were compiled before. Contracts for one interpreter differ only in their
//! data, so the interpreter is compiled only for the first of them.
//!
//! Parts are kept under the hash of the code of a component's largest module. So they are reused
//! only for components with the same code, byte for byte.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::{Mutex, OnceLock, PoisonError};

use wasmparser::{Parser, Payload};
use wasmtime::CacheStore;

use wasmcc_types::sha256;

/// Smaller code compiles quickly, so its parts are not kept.
const LEAST_CODE_BYTES: usize = 256 << 10;

/// Compiled functions, by the input that they were compiled from.
#[derive(Debug, Default)]
pub(crate) struct Parts {
    /// Parts of an earlier compilation.
    given: OnceLock<HashMap<Vec<u8>, Vec<u8>>>,
    /// Parts of this compilation.
    made: Mutex<Vec<(Vec<u8>, Vec<u8>)>>,
}

impl CacheStore for Parts {
    fn get(&self, key: &[u8]) -> Option<Cow<'_, [u8]>> {
        self.given.get()?.get(key).map(|part| Cow::Borrowed(part.as_slice()))
    }

    fn insert(&self, key: &[u8], part: Vec<u8>) -> bool {
        // Given parts are complete for this code, so new ones are not collected.
        let is_wanted = self.given.get().is_none();
        if is_wanted {
            let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
            made.push((key.to_vec(), part));
        }
        is_wanted
    }
}

impl Parts {
    /// Takes parts that [`Parts::made`] wrote. Ignores bytes that are not parts.
    pub(crate) fn give(&self, bytes: &[u8]) {
        if let Some(parts) = read(bytes) {
            let _ = self.given.set(parts);
        }
    }

    /// Returns the parts that were made, in bytes; empty if parts were given.
    pub(crate) fn made(&self) -> Vec<u8> {
        let made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        let mut bytes = Vec::new();
        for piece in made.iter().flat_map(|(key, part)| [key, part]) {
            bytes.extend((piece.len() as u64).to_le_bytes());
            bytes.extend(piece);
        }
        bytes
    }
}

fn read(mut bytes: &[u8]) -> Option<HashMap<Vec<u8>, Vec<u8>>> {
    let mut piece = || {
        let (length, rest) = bytes.split_first_chunk::<8>()?;
        let length = usize::try_from(u64::from_le_bytes(*length)).ok()?;
        let (piece, rest) = rest.split_at_checked(length)?;
        bytes = rest;
        Some((piece.to_vec(), rest.is_empty()))
    };
    let mut parts = HashMap::new();
    loop {
        let (key, _) = piece()?;
        let (part, is_last) = piece()?;
        parts.insert(key, part);
        if is_last {
            return Some(parts);
        }
    }
}

/// Returns the hash under which the parts of a component are kept; None if they are not kept.
pub(crate) fn key_of(wasm: &[u8]) -> Option<[u8; 32]> {
    let mut largest: &[u8] = &[];
    for payload in Parser::new(0).parse_all(wasm) {
        if let Payload::CodeSectionStart { range, .. } = payload.ok()? {
            let code = wasm.get(range)?;
            if code.len() > largest.len() {
                largest = code;
            }
        }
    }
    // The prefix keeps these keys apart from the hashes of components.
    let key = || sha256(&[b"parts ", largest].concat());
    (largest.len() >= LEAST_CODE_BYTES).then(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_read_as_they_were_written() {
        let parts = Parts::default();
        assert!(parts.insert(b"key", b"part".to_vec()) && parts.insert(b"other", Vec::new()));
        let bytes = parts.made();
        let again = Parts::default();
        again.give(&bytes);
        assert_eq!(again.get(b"key").as_deref(), Some(&b"part"[..]));
        assert_eq!(again.get(b"other").as_deref(), Some(&b""[..]));
        assert_eq!(again.get(b"none"), None);
        assert!(!again.insert(b"new", Vec::new()) && again.made().is_empty());
        for damaged in [&bytes[..bytes.len() - 1], &bytes[..9], b""] {
            let none = Parts::default();
            none.give(damaged);
            assert_eq!(none.get(b"key"), None);
        }
    }

    #[test]
    fn small_components_have_no_parts() {
        assert_eq!(key_of(b"\0asm\x0d\0\x01\0"), None);
        assert_eq!(key_of(b"no component"), None);
    }
}
