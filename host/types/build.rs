//! Generates `proto` from our own .proto files with protox, so that no system protoc is needed.

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let files = [
        "gateway.proto",
        "ledger.proto",
        "kvrwset.proto",
        "lifecycle.proto",
        "msp.proto",
        "queryresult.proto",
        "rwset.proto",
    ];
    println!("cargo:rerun-if-changed=proto");
    let descriptors = protox::compile(files, ["proto"])?;
    let server = std::env::var_os("CARGO_FEATURE_GRPC").is_some();
    let mut config = tonic_prost_build::Config::new();
    config.prost_path("crate::proto::go_maps");
    tonic_prost_build::configure()
        .build_client(server)
        .build_server(server)
        .btree_map(".")
        .compile_fds_with_config(descriptors, config)?;
    Ok(())
}
