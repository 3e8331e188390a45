//! Generated Rust for the Fabric messages that wasmcc uses. Field numbers are those of Fabric; the
//! crate's own `.proto` files contain only these messages.
//!
//! Invariant: generated code only, no behaviour except the encoding of maps.
#![allow(missing_docs, clippy::all, clippy::pedantic, unused_qualifications)]

pub mod go_maps;

/// Descriptions of all these messages and services, a serialized
/// `google.protobuf.FileDescriptorSet` for reflection.
pub const FILE_DESCRIPTOR_SET: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/descriptors.bin"));

pub mod common {
    include!(concat!(env!("OUT_DIR"), "/common.rs"));
}
pub mod discovery {
    include!(concat!(env!("OUT_DIR"), "/discovery.rs"));
}
pub mod gossip {
    include!(concat!(env!("OUT_DIR"), "/gossip.rs"));
}
pub mod msp {
    include!(concat!(env!("OUT_DIR"), "/msp.rs"));
}
pub mod orderer {
    include!(concat!(env!("OUT_DIR"), "/orderer.rs"));
}
pub mod protos {
    include!(concat!(env!("OUT_DIR"), "/protos.rs"));
}
pub mod rwset {
    include!(concat!(env!("OUT_DIR"), "/rwset.rs"));
}
pub mod kvrwset {
    include!(concat!(env!("OUT_DIR"), "/kvrwset.rs"));
}
pub mod queryresult {
    include!(concat!(env!("OUT_DIR"), "/queryresult.rs"));
}
pub mod gateway {
    include!(concat!(env!("OUT_DIR"), "/gateway.rs"));
}
pub mod lifecycle {
    include!(concat!(env!("OUT_DIR"), "/lifecycle.rs"));
}
pub mod statedb {
    include!(concat!(env!("OUT_DIR"), "/statedb.rs"));
}
