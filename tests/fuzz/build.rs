//! Generates the messages as the host's build script does, without the services.

const PROTO: &str = "../../host/proto";

fn main() -> Result<(), Box<dyn std::error::Error>> {
    println!("cargo:rerun-if-changed={PROTO}");
    let mut files = Vec::new();
    for entry in std::fs::read_dir(PROTO)? {
        files.push(entry?.file_name());
    }
    files.sort();
    let descriptors = protox::compile(files, [PROTO])?;
    let mut config = tonic_prost_build::Config::new();
    config.prost_path("crate::proto::go_maps");
    tonic_prost_build::configure()
        .build_client(false)
        .build_server(false)
        .btree_map(".")
        .compile_fds_with_config(descriptors, config)?;
    Ok(())
}
