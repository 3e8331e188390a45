//! Filters a call's metadata.
//!
//! Invariant: an open call keeps only metadata that the peer reads, so a client cannot fill the
//! peer's memory with metadata of many open calls.

use tonic::codegen::http::HeaderMap;

use wasmcc_types::grpc_metadata;

/// Names in lower case, as in HTTP/2.
const KNOWN: [&str; 7] = [
    "content-type",
    "te",
    "user-agent",
    "grpc-timeout",
    "grpc-encoding",
    "grpc-accept-encoding",
    grpc_metadata::TRAILER_BYTES,
];
/// Maximum size of a value; longer ones are dropped.
const VALUE_BYTES: usize = 1 << 10;

/// Drops metadata that the peer does not read.
pub(super) fn keep_known(metadata: &mut HeaderMap) {
    let is_kept = |name: &str, bytes: usize| KNOWN.contains(&name) && bytes <= VALUE_BYTES;
    if metadata.len() <= KNOWN.len()
        && metadata.iter().all(|(name, value)| is_kept(name.as_str(), value.len()))
    {
        return;
    }
    let mut kept = HeaderMap::with_capacity(KNOWN.len());
    for name in KNOWN {
        if let Some(value) = metadata.get(name).filter(|value| value.len() <= VALUE_BYTES) {
            kept.insert(name, value.clone());
        }
    }
    *metadata = kept;
}

#[cfg(test)]
mod tests {
    use super::*;
    use tonic::codegen::http::HeaderValue;

    #[test]
    fn only_metadata_that_the_peer_reads_is_kept() {
        let mut metadata = HeaderMap::new();
        for name in KNOWN {
            metadata.insert(name, HeaderValue::from_static("1"));
        }
        let known = metadata.clone();
        keep_known(&mut metadata);
        assert_eq!(metadata, known);
        metadata.insert("authorization", "a".repeat(60_000).parse().unwrap());
        metadata.append("te", HeaderValue::from_static("2"));
        keep_known(&mut metadata);
        assert_eq!(metadata, known);
        metadata.insert("user-agent", "a".repeat(60_000).parse().unwrap());
        keep_known(&mut metadata);
        assert_eq!(metadata.len(), KNOWN.len() - 1);
    }
}
