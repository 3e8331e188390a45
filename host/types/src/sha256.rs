//! SHA-256, Fabric's only hash.

use aws_lc_rs::digest;

/// Returns the hash of `bytes`.
pub fn sha256(bytes: &[u8]) -> [u8; 32] {
    array(&digest::digest(&digest::SHA256, bytes))
}

/// Returns the hash of the concatenated `parts`.
pub fn sha256_all<'a>(parts: impl IntoIterator<Item = &'a [u8]>) -> [u8; 32] {
    let mut context = digest::Context::new(&digest::SHA256);
    for part in parts {
        context.update(part);
    }
    array(&context.finish())
}

fn array(digest: &digest::Digest) -> [u8; 32] {
    digest.as_ref().try_into().expect("SHA-256 has 32 bytes")
}

/// Computes a hash incrementally.
#[derive(Clone)]
pub struct Sha256(digest::Context);

impl Sha256 {
    /// Starts a hash.
    #[allow(clippy::new_without_default, reason = "a hash that has begun is no default value")]
    pub fn new() -> Self {
        Self(digest::Context::new(&digest::SHA256))
    }

    /// Adds bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// Returns the hash of all bytes that were added.
    pub fn finish(self) -> [u8; 32] {
        self.0.finish().as_ref().try_into().expect("SHA-256 has 32 bytes")
    }
}
