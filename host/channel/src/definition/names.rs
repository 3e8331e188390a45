//! The names and versions of chaincodes that LSCC accepts (fabric 1.4 `core/scc/lscc/lscc.go`).
//!
//! Does not produce the texts of refusals.

/// Longest name or version, in bytes.
const MAX_BYTES: usize = 249;

/// True if the name matches `[A-Za-z0-9][A-Za-z0-9_-]*`.
pub fn is_legacy_name(name: &str) -> bool {
    let allowed = |c: u8| c.is_ascii_alphanumeric() || c == b'_' || c == b'-';
    let begins = name.as_bytes().first().is_some_and(u8::is_ascii_alphanumeric);
    begins && name.len() <= MAX_BYTES && name.bytes().all(allowed)
}

/// True if the version matches `[A-Za-z0-9_.+-]+`.
pub fn is_legacy_version(version: &str) -> bool {
    let allowed = |c: u8| c.is_ascii_alphanumeric() || b"_.+-".contains(&c);
    !version.is_empty() && version.len() <= MAX_BYTES && version.bytes().all(allowed)
}
