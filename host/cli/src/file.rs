//! Files that users name.

use std::fs::File;
use std::io::{Error, ErrorKind, Read};
use std::path::Path;

/// More than a component, a package or a message has. Without a limit, a device or a sparse file
/// would fill the memory.
const MOST_BYTES: u64 = 256 << 20;

/// Reads a whole file, unless it is larger than anything that is read here.
pub(crate) fn read(path: &Path) -> Result<Vec<u8>, Error> {
    read_up_to(path, MOST_BYTES)
}

fn read_up_to(path: &Path, most: u64) -> Result<Vec<u8>, Error> {
    let mut bytes = Vec::new();
    File::open(path)?.take(most + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > most {
        let words = format!("it has more than {most} bytes, and nothing that a peer takes has");
        return Err(Error::new(ErrorKind::FileTooLarge, words));
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_read_up_to_a_size() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        std::fs::write(&path, [7; 100]).unwrap();
        assert_eq!(read_up_to(&path, 100).unwrap(), [7; 100]);
        let refused = read_up_to(&path, 99).unwrap_err().to_string();
        assert_eq!(refused, "it has more than 99 bytes, and nothing that a peer takes has");
        assert_eq!(read_up_to(Path::new("/dev/zero"), 99).unwrap_err().to_string(), refused);
        assert_eq!(read(folder.path()).unwrap_err().kind(), ErrorKind::IsADirectory);
        assert_eq!(read(&folder.path().join("no")).unwrap_err().kind(), ErrorKind::NotFound);
    }
}
