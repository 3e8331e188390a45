//! Archives as Fabric wants them, with the same bytes for the same contents.
//!
//! Invariant: nothing of this machine gets in: no times, owners or modes of files.

use std::io;

use flate2::{Compression, GzBuilder};

/// A gzip tar of regular files, in the order given.
pub fn tar_gz(files: &[(String, Vec<u8>)]) -> io::Result<Vec<u8>> {
    // The header says neither when nor on which system it was made.
    let gzip = GzBuilder::new().mtime(0).operating_system(255);
    let mut archive = tar::Builder::new(gzip.write(Vec::new(), Compression::best()));
    for (path, bytes) in files {
        let mut header = tar::Header::new_gnu();
        header.set_entry_type(tar::EntryType::Regular);
        header.set_mode(0o644);
        header.set_uid(0);
        header.set_gid(0);
        header.set_mtime(0);
        header.set_size(u64::try_from(bytes.len()).map_err(io::Error::other)?);
        archive.append_data(&mut header, path, bytes.as_slice())?;
    }
    archive.into_inner()?.finish()
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    #[test]
    fn what_goes_in_comes_out_and_nothing_else() {
        let long = format!("META-INF/{}/index.json", "x".repeat(120));
        let files = [("a.wasm".to_owned(), vec![7; 1000]), (long, b"{}".to_vec())];
        let bytes = tar_gz(&files).unwrap();
        assert_eq!(bytes, tar_gz(&files).unwrap());
        assert_eq!(bytes[4..8], [0; 4], "no time");
        let mut archive = tar::Archive::new(flate2::read::GzDecoder::new(bytes.as_slice()));
        let read = archive.entries().unwrap().map(|entry| {
            let mut entry = entry.unwrap();
            let header = entry.header();
            let numbers = (header.mtime().unwrap(), header.uid().unwrap(), header.gid().unwrap());
            assert_eq!((numbers, header.mode().unwrap()), ((0, 0, 0), 0o644));
            let path = entry.path().unwrap().to_str().unwrap().to_owned();
            let mut contents = Vec::new();
            entry.read_to_end(&mut contents).unwrap();
            (path, contents)
        });
        assert_eq!(read.collect::<Vec<_>>(), files);
    }
}
