//! Writes archives for Fabric, with the same bytes for the same contents, and reads archives from
//! other tools.
//!
//! Invariant: archives contain no times, owners or modes of this machine. Reading is bounded,
//! whatever the headers of an archive say, and writes nothing to a disk.

use std::io::{self, Read};
use std::path::{Component, Path};

use flate2::read::MultiGzDecoder;
use flate2::{Compression, GzBuilder};
use tar::{Archive, EntryType};

/// The first bytes of an archive.
const GZIP: [u8; 2] = [0x1f, 0x8b];
/// Limit on files and folders in an archive.
const MAX_ENTRIES: usize = 1000;
/// Limit on the headers of these, with long names and padding, in bytes.
const HEADER_BYTES: u64 = 4 << 20;

/// Files by their names, such as `META-INF/statedb/couchdb/indexes/owner.json`.
pub type Files = Vec<(String, Vec<u8>)>;

/// Makes a gzip tar of regular files, in the given order.
pub fn tar_gz(files: &[(String, Vec<u8>)]) -> io::Result<Vec<u8>> {
    // The header contains neither a time nor an operating system.
    let gzip = GzBuilder::new().mtime(0).operating_system(255);
    let mut archive = tar::Builder::new(gzip.write(Vec::new(), Compression::best()));
    for (path, bytes) in files {
        let mut header = tar::Header::new_gnu();
        header.set_entry_type(EntryType::Regular);
        header.set_mode(0o644);
        header.set_uid(0);
        header.set_gid(0);
        header.set_mtime(0);
        header.set_size(u64::try_from(bytes.len()).map_err(io::Error::other)?);
        archive.append_data(&mut header, path, bytes.as_slice())?;
    }
    archive.into_inner()?.finish()
}

/// The treatment of entries for folders, which are never part of the result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Folders {
    /// They are skipped.
    Skipped,
    /// They are refused, as Fabric does in a package that is installed.
    Refused,
    /// They are refused, and the "./" before names is left out: earlier versions of this program
    /// installed such packages.
    RefusedInStored,
}

/// Returns true if these bytes begin like an archive.
pub(super) fn is_gzip(bytes: &[u8]) -> bool {
    bytes.starts_with(&GZIP)
}

/// The reason why an archive cannot be read. Texts are Fabric's
/// (`core/chaincode/persistence/chaincode_package.go`, `core/container/externalbuilder/tar.go`)
/// where Fabric has one.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    /// The bytes do not begin like a gzip stream.
    #[error("error reading as gzip stream: gzip: invalid header")]
    NotGzip,
    /// The next entry cannot be found.
    #[error("error inspecting next tar header: {0}")]
    Header(io::Error),
    /// The contents of an entry cannot be read.
    #[error("could not read {name} from tar: {error}")]
    Contents {
        /// The entry's name.
        name: String,
        /// The cause.
        error: io::Error,
    },
    /// An entry would be unpacked outside of the archive's folder.
    #[error("tar contains the absolute or escaping path '{0}'")]
    EscapingPath(String),
    /// An entry is a link, a device, or a folder where folders are not allowed.
    #[error("tar entry {name} is not a regular file, type {kind}")]
    NotRegular {
        /// The entry's name.
        name: String,
        /// The type byte of its header.
        kind: u8,
    },
    /// There are more entries than the reader accepts.
    #[error("the archive holds more than {limit} files and folders")]
    TooManyEntries {
        /// The largest number that is read.
        limit: usize,
    },
    /// The contents are larger than the caller accepts.
    #[error("the archive holds more than {limit} bytes when unpacked")]
    TooLarge {
        /// The largest size that is read, in bytes.
        limit: u64,
    },
}

/// Returns the files of a gzip tar, in its order. All of them together have at most `max_bytes`.
/// The "./" that some tools put before names is removed where Fabric writes the files to a folder.
/// For packages, Fabric compares names unchanged.
pub(super) fn unpack(
    archive: &[u8],
    max_bytes: usize,
    folders: Folders,
) -> Result<Files, ArchiveError> {
    if !is_gzip(archive) {
        return Err(ArchiveError::NotGzip);
    }
    let max_bytes = u64::try_from(max_bytes).unwrap_or(u64::MAX);
    let room = max_bytes.saturating_add(HEADER_BYTES);
    let mut archive = Archive::new(MultiGzDecoder::new(archive).take(room));
    let files = read_entries(&mut archive, max_bytes, folders);
    // An archive that was cut at the limit may look damaged or shorter.
    match archive.into_inner().limit() {
        0 => Err(ArchiveError::TooLarge { limit: max_bytes }),
        _ => files,
    }
}

fn read_entries(
    archive: &mut Archive<impl Read>,
    max_bytes: u64,
    folders: Folders,
) -> Result<Files, ArchiveError> {
    let (mut files, mut left) = (Files::new(), max_bytes);
    for (index, entry) in archive.entries().map_err(ArchiveError::Header)?.enumerate() {
        let mut entry = entry.map_err(ArchiveError::Header)?;
        if index >= MAX_ENTRIES {
            return Err(ArchiveError::TooManyEntries { limit: MAX_ENTRIES });
        }
        let name = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        if leaves_its_folder(&name) {
            return Err(ArchiveError::EscapingPath(name));
        }
        match entry.header().entry_type() {
            EntryType::Regular | EntryType::Continuous => {}
            EntryType::Directory if folders == Folders::Skipped => continue,
            other => {
                return Err(ArchiveError::NotRegular { name, kind: other.as_byte() });
            }
        }
        let mut bytes = Vec::new();
        // Reads one byte more than allowed, to detect that the file is too large.
        let read = entry.by_ref().take(left.saturating_add(1)).read_to_end(&mut bytes);
        let read = match read {
            Ok(read) => u64::try_from(read).unwrap_or(u64::MAX),
            Err(error) => return Err(ArchiveError::Contents { name, error }),
        };
        left = left.checked_sub(read).ok_or(ArchiveError::TooLarge { limit: max_bytes })?;
        let name = match folders {
            Folders::Skipped | Folders::RefusedInStored => {
                name.strip_prefix("./").map(str::to_owned).unwrap_or(name)
            }
            Folders::Refused => name,
        };
        files.push((name, bytes));
    }
    Ok(files)
}

/// Returns true if a path leaves the folder of the archive (`ValidPath`).
fn leaves_its_folder(name: &str) -> bool {
    let mut parts = Path::new(name).components();
    let depth = parts.try_fold(0_usize, |depth, part| match part {
        Component::Normal(_) => depth.checked_add(1),
        Component::CurDir => Some(depth),
        Component::ParentDir => depth.checked_sub(1),
        Component::RootDir | Component::Prefix(_) => None,
    });
    depth.is_none()
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    const MAX: usize = 1 << 20;

    fn packed(files: &[(&str, usize)]) -> Vec<u8> {
        let files: Files =
            files.iter().map(|(name, size)| ((*name).into(), vec![0; *size])).collect();
        tar_gz(&files).unwrap()
    }

    /// Makes an archive of one entry with any name.
    fn entry(kind: EntryType, name: &[u8], contents: &[u8]) -> Vec<u8> {
        let mut header = tar::Header::new_gnu();
        header.set_entry_type(kind);
        header.set_size(contents.len() as u64);
        header.as_old_mut().name[..name.len()].copy_from_slice(name);
        header.set_cksum();
        let mut archive =
            tar::Builder::new(GzBuilder::new().write(Vec::new(), Compression::fast()));
        archive.append(&header, contents).unwrap();
        archive.into_inner().unwrap().finish().unwrap()
    }

    fn refusal(archive: &[u8]) -> String {
        unpack(archive, MAX, Folders::Skipped).unwrap_err().to_string()
    }

    #[test]
    fn what_goes_in_comes_out_and_nothing_else() {
        let long = format!("META-INF/{}/index.json", "x".repeat(120));
        let files = [("a.wasm".to_owned(), vec![7; 1000]), (long, b"{}".to_vec())];
        let bytes = tar_gz(&files).unwrap();
        assert_eq!(bytes, tar_gz(&files).unwrap());
        assert_eq!(bytes[4..8], [0; 4], "no time");
        let mut archive = Archive::new(MultiGzDecoder::new(bytes.as_slice()));
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

    #[test]
    fn what_is_packed_is_read() {
        let long = format!("META-INF/{}/index.json", "x".repeat(120));
        let files = vec![("a.wasm".to_owned(), vec![7; 1000]), (long, b"{}".to_vec())];
        for folders in [Folders::Skipped, Folders::Refused] {
            assert_eq!(unpack(&tar_gz(&files).unwrap(), MAX, folders).unwrap(), files);
        }
        let dotted = entry(EntryType::Regular, b"./b/../a", b"1");
        assert_eq!(refusal(b"no"), "error reading as gzip stream: gzip: invalid header");
        let read = unpack(&dotted, MAX, Folders::Skipped).unwrap();
        assert_eq!(read, [("b/../a".to_owned(), b"1".to_vec())]);
        let read = unpack(&dotted, MAX, Folders::Refused).unwrap();
        assert_eq!(read, [("./b/../a".to_owned(), b"1".to_vec())]);
    }

    /// gzip, tar and Go read two gzip files in sequence as one stream.
    #[test]
    fn a_gzip_stream_may_have_several_members() {
        let mut tar = Vec::new();
        let files = vec![("a".to_owned(), vec![7; 1000]), ("b".to_owned(), b"{}".to_vec())];
        MultiGzDecoder::new(&tar_gz(&files).unwrap()[..]).read_to_end(&mut tar).unwrap();
        let (first, second) = tar.split_at(700);
        let member = |bytes: &[u8]| {
            let mut gzip = GzBuilder::new().write(Vec::new(), Compression::fast());
            gzip.write_all(bytes).unwrap();
            gzip.finish().unwrap()
        };
        let archive = [member(first), member(second)].concat();
        assert_eq!(unpack(&archive, MAX, Folders::Refused).unwrap(), files);
    }

    #[test]
    fn damaged_archives_are_refused() {
        let whole = tar_gz(&[("a".to_owned(), (0..=255).cycle().take(5000).collect())]).unwrap();
        let half = refusal(&whole[..whole.len() / 2]);
        assert!(half.starts_with("could not read a from tar: "), "{half}");
        let nonsense = refusal(&[&GZIP[..], b"nonsense"].concat());
        assert!(nonsense.starts_with("error inspecting next tar header: "), "{nonsense}");
    }

    #[test]
    fn an_archive_cannot_unpack_to_more_than_allowed() {
        let whole = packed(&[("a", MAX / 2), ("b", MAX / 2)]);
        assert_eq!(unpack(&whole, MAX, Folders::Refused).unwrap().len(), 2);
        let text = "the archive holds more than 1048576 bytes when unpacked";
        let bomb = packed(&[("a", MAX), ("b", 1)]);
        assert!(bomb.len() < MAX / 50);
        assert_eq!(refusal(&bomb), text);
        // Skipped entries, and long names that are read as a whole, count too.
        let large = vec![0; MAX + (4 << 20)];
        assert_eq!(refusal(&entry(EntryType::Directory, b"folder", &large)), text);
        assert_eq!(refusal(&entry(EntryType::GNULongName, b"long", &large)), text);
    }

    #[test]
    fn an_archive_cannot_hold_more_files_than_allowed() {
        let most = packed(&vec![("a", 0); MAX_ENTRIES]);
        assert_eq!(unpack(&most, MAX, Folders::Refused).unwrap().len(), MAX_ENTRIES);
        let more = packed(&vec![("a", 0); MAX_ENTRIES + 1]);
        assert_eq!(refusal(&more), "the archive holds more than 1000 files and folders");
    }

    #[test]
    fn folders_are_skipped_or_refused() {
        let folder = entry(EntryType::Directory, b"META-INF/", b"");
        assert_eq!(unpack(&folder, MAX, Folders::Skipped).unwrap(), Files::new());
        let text = "tar entry META-INF/ is not a regular file, type 53";
        assert_eq!(unpack(&folder, MAX, Folders::Refused).unwrap_err().to_string(), text);
    }

    #[test]
    fn links_are_no_part_of_an_archive() {
        for (kind, byte) in [(EntryType::Symlink, 50), (EntryType::Link, 49), (EntryType::Fifo, 54)]
        {
            let text = format!("tar entry chaincode.wasm is not a regular file, type {byte}");
            assert_eq!(refusal(&entry(kind, b"chaincode.wasm", b"")), text);
        }
    }

    #[test]
    fn names_that_leave_the_folder_are_refused() {
        for name in ["/etc/passwd", "../a", "a/../../b", "./.."] {
            let text = format!("tar contains the absolute or escaping path '{name}'");
            assert_eq!(refusal(&entry(EntryType::Regular, name.as_bytes(), b"")), text);
        }
        for name in ["a/../b", "..a", "a/..."] {
            let archive = entry(EntryType::Regular, name.as_bytes(), b"");
            assert_eq!(unpack(&archive, MAX, Folders::Refused).unwrap().len(), 1, "{name}");
        }
    }
}
