//! The code package of a chaincode: the component or description alone, or an archive with that and
//! a folder META-INF, as Fabric's `code.tar.gz` has it.
//!
//! Invariant: an archive is unpacked in memory within the limits here, whatever it claims.

use std::borrow::Cow;
use std::io::Read;

use crate::chaincode::external::Description;
use crate::chaincode::tar_gz::tar_gz;

/// The file that is a component.
const COMPONENT: &str = "chaincode.wasm";
/// The file that says where the chaincode is.
const DESCRIPTION: &str = "connection.json";
/// The folder of what belongs to a chaincode and is not its code.
pub(super) const META_INF: &str = "META-INF/";
/// How an archive begins.
const GZIP: [u8; 2] = [0x1f, 0x8b];
/// Bytes of an unpacked archive, a little more than what a peer takes in one message.
const MAX_BYTES: u64 = 128 << 20;
/// Entries of an archive.
const MAX_ENTRIES: usize = 1000;

/// Files by their names, such as `META-INF/statedb/couchdb/indexes/owner.json`.
pub type Files = Vec<(String, Vec<u8>)>;

/// What is in a code package.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CodePackage<'a> {
    /// The component file, or the JSON text of a [`Description`](crate::chaincode::Description).
    pub program: Cow<'a, [u8]>,
    /// What is below META-INF, ascending by name.
    pub meta_inf: Files,
}

impl<'a> CodePackage<'a> {
    /// Reads a code package.
    ///
    /// Errors: an archive that is damaged, too large, or lacks the program.
    pub fn read(package: &'a [u8]) -> Result<Self, String> {
        if !package.starts_with(&GZIP) {
            return Ok(Self { program: Cow::Borrowed(package), meta_inf: Vec::new() });
        }
        let damaged = |error: std::io::Error| format!("the code package is damaged: {error}");
        // With room for the heads of the files; what is skipped counts, too.
        let unpacked = flate2::read::GzDecoder::new(package).take(MAX_BYTES + (4 << 20));
        let mut archive = tar::Archive::new(unpacked);
        let (mut program, mut meta_inf, mut left) = (None, Files::new(), MAX_BYTES);
        for (index, entry) in archive.entries().map_err(damaged)?.enumerate() {
            let mut entry = entry.map_err(damaged)?;
            if index >= MAX_ENTRIES {
                return Err(format!("the code package has more than {MAX_ENTRIES} files"));
            }
            if !entry.header().entry_type().is_file() {
                continue;
            }
            let name = entry.path().map_err(damaged)?.to_string_lossy().into_owned();
            let mut bytes = Vec::new();
            (&mut entry).take(left + 1).read_to_end(&mut bytes).map_err(damaged)?;
            left = left.checked_sub(bytes.len() as u64).ok_or_else(|| {
                format!("the code package has more than {MAX_BYTES} bytes when unpacked")
            })?;
            match name.strip_prefix("./").unwrap_or(&name) {
                COMPONENT | DESCRIPTION if program.is_some() => {
                    return Err("the code package holds two programs".into());
                }
                COMPONENT | DESCRIPTION => program = Some(bytes),
                name if name.starts_with(META_INF) => meta_inf.push((name.to_owned(), bytes)),
                _ => {}
            }
        }
        meta_inf.sort();
        let missing = || format!("the code package has neither {COMPONENT} nor {DESCRIPTION}");
        Ok(Self { program: Cow::Owned(program.ok_or_else(missing)?), meta_inf })
    }

    /// The code package of a component or description with these files below META-INF; without
    /// files the program as it is. The same contents give the same bytes.
    pub fn pack(program: Vec<u8>, meta_inf: Files) -> std::io::Result<Vec<u8>> {
        if meta_inf.is_empty() {
            return Ok(program);
        }
        let name = if Description::is_one(&program) { DESCRIPTION } else { COMPONENT };
        let mut files = vec![(name.to_owned(), program)];
        files.extend(meta_inf);
        tar_gz(&files)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_packed_is_read() {
        let index = ("META-INF/statedb/couchdb/indexes/a.json".to_owned(), b"{}".to_vec());
        for program in [b"\0asm...".to_vec(), br#"{"external": true}"#.to_vec()] {
            let bytes = CodePackage::pack(program.clone(), vec![index.clone()]).unwrap();
            assert!(bytes.starts_with(&GZIP));
            let code = CodePackage::read(&bytes).unwrap();
            assert_eq!(
                (code.program.as_ref(), &code.meta_inf),
                (&program[..], &vec![index.clone()])
            );
            let alone = CodePackage::pack(program.clone(), Vec::new()).unwrap();
            assert_eq!(alone, program);
            assert_eq!(CodePackage::read(&alone).unwrap().program.as_ref(), program);
        }
    }

    #[test]
    fn archives_that_are_none_are_refused() {
        let packed = |files: &[(&str, usize)]| {
            let files: Files = files.iter().map(|(n, s)| ((*n).into(), vec![7; *s])).collect();
            tar_gz(&files).unwrap()
        };
        let whole = packed(&[(COMPONENT, 5000)]);
        for (bytes, error) in [
            (whole[..whole.len() / 2].to_vec(), "is damaged"),
            ([&GZIP[..], b"nonsense"].concat(), "is damaged"),
            (packed(&[("META-INF/a", 1)]), "has neither chaincode.wasm nor connection.json"),
            (packed(&[(COMPONENT, 1), (DESCRIPTION, 1)]), "two programs"),
            (packed(&[(COMPONENT, (MAX_BYTES + 1) as usize)]), "bytes when unpacked"),
            (packed(&vec![("a", 0); MAX_ENTRIES + 1]), "more than 1000 files"),
        ] {
            let refused = CodePackage::read(&bytes).unwrap_err();
            assert!(refused.contains(error), "{refused}");
        }
    }
}
