//! Generates `proto` from our own .proto files with protox, so that no system protoc is needed.

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let files = [
        "discovery.proto",
        "gateway.proto",
        "ledger.proto",
        "kvrwset.proto",
        "lifecycle.proto",
        "msp.proto",
        "queryresult.proto",
        "rwset.proto",
        "snapshot.proto",
    ];
    println!("cargo:rerun-if-changed=proto");
    let descriptors = protox::compile(files, ["proto"])?;
    let set = std::path::Path::new(&std::env::var("OUT_DIR")?).join("descriptors.bin");
    std::fs::write(set, protox::prost_reflect::prost::Message::encode_to_vec(&descriptors))?;
    let server = std::env::var_os("CARGO_FEATURE_GRPC").is_some();
    let mut config = tonic_prost_build::Config::new();
    config.prost_path("crate::proto::go_maps");
    // The bytes of a block are shared by all users of its entries.
    config.bytes([".common.BlockData"]);
    tonic_prost_build::configure()
        .build_client(server)
        .build_server(server)
        .codec_path("crate::codec::BoundedCodec")
        .btree_map(".")
        .compile_fds_with_config(descriptors, config)?;
    Ok(())
}
