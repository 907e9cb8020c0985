//! Compiles the contract without protoc, and keeps its descriptors for reflection.

use prost::Message as _;
use std::{env, error::Error, fs, path::PathBuf};

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-changed=tributary");
    let mut files: Vec<PathBuf> =
        fs::read_dir("tributary/v1")?.map(|entry| Ok(entry?.path())).collect::<std::io::Result<_>>()?;
    files.sort();
    let descriptors = protox::compile(files, ["."])?;
    let out = PathBuf::from(env::var("OUT_DIR")?);
    fs::write(out.join("descriptors.bin"), descriptors.encode_to_vec())?;
    tonic_prost_build::configure()
        .bytes(".tributary.v1.DeadLetter.data")
        .extern_path(".google.protobuf.Struct", "crate::raw::RawStruct")
        .extern_path(".google.protobuf.Value", "crate::raw::RawValue")
        .compile_fds(descriptors)?;
    Ok(())
}
