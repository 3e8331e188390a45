//! The contents of a chaincode's code package: only the component or description, or an archive
//! with that and a folder META-INF, as in Fabric's `code.tar.gz`.
//!
//! Invariant: an archive is unpacked in memory, within a limit that does not depend on its headers.

use std::borrow::Cow;

use crate::chaincode::package::description::Description;
use crate::chaincode::package::hidden::without_hidden;
use crate::chaincode::package::tar_gz::{ArchiveError, Files, Folders, is_gzip, tar_gz, unpack};

/// The file name of a component.
pub const COMPONENT_FILE: &str = "chaincode.wasm";
/// The file name of a [`Description`].
pub const CONNECTION_FILE: &str = "connection.json";
/// The folder of files that belong to a chaincode but are not its code.
pub const META_INF: &str = "META-INF";
/// Limit on an unpacked archive in bytes, a little more than the largest message of a peer.
const MAX_BYTES: usize = 128 << 20;

/// A program and its META-INF: the contents of the field `code_package` of LSCC's deployment
/// specifications, and of `code.tar.gz` in a package of Fabric 2.x.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProgramBundle<'a> {
    /// The component file, or the JSON text of a [`Description`].
    pub program: Cow<'a, [u8]>,
    /// The files below META-INF, ascending by name.
    pub meta_inf: Files,
}

/// Returns true for the name of a file below META-INF.
pub(super) fn is_below_meta_inf(name: &str) -> bool {
    name.strip_prefix(META_INF).is_some_and(|rest| rest.starts_with('/'))
}

/// The reason why a code package cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum BundleError {
    /// The archive cannot be read.
    #[error("the code package cannot be used: {0}")]
    Archive(ArchiveError),
    /// The archive has two programs, so it is not clear which one should run.
    #[error("the code package holds two programs")]
    TwoPrograms,
    /// There is nothing to run.
    #[error("the code package has neither {COMPONENT_FILE} nor {CONNECTION_FILE}")]
    NoProgram,
}

impl<'a> ProgramBundle<'a> {
    /// Reads a code package.
    pub fn read(package: &'a [u8]) -> Result<Self, BundleError> {
        if !is_gzip(package) {
            return Ok(Self { program: Cow::Borrowed(package), meta_inf: Vec::new() });
        }
        let files = unpack(package, MAX_BYTES, Folders::Skipped).map_err(BundleError::Archive)?;
        let (mut program, mut meta_inf) = (None, Files::new());
        for (name, bytes) in without_hidden(files) {
            match name.as_str() {
                COMPONENT_FILE | CONNECTION_FILE if program.is_some() => {
                    return Err(BundleError::TwoPrograms);
                }
                COMPONENT_FILE | CONNECTION_FILE => program = Some(bytes),
                other if is_below_meta_inf(other) => meta_inf.push((name, bytes)),
                _ => {}
            }
        }
        meta_inf.sort();
        Ok(Self { program: Cow::Owned(program.ok_or(BundleError::NoProgram)?), meta_inf })
    }

    /// Packs a component or description with these files below META-INF; without files, returns the
    /// program itself. The same contents result in the same bytes.
    pub fn pack(program: Vec<u8>, meta_inf: Files) -> std::io::Result<Vec<u8>> {
        if meta_inf.is_empty() {
            return Ok(program);
        }
        let name = if Description::is_one(&program) { CONNECTION_FILE } else { COMPONENT_FILE };
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
            let bytes = ProgramBundle::pack(program.clone(), vec![index.clone()]).unwrap();
            assert!(is_gzip(&bytes));
            let code = ProgramBundle::read(&bytes).unwrap();
            assert_eq!(
                (code.program.as_ref(), &code.meta_inf),
                (&program[..], &vec![index.clone()])
            );
            let alone = ProgramBundle::pack(program.clone(), Vec::new()).unwrap();
            assert_eq!(alone, program);
            assert_eq!(ProgramBundle::read(&alone).unwrap().program.as_ref(), program);
        }
    }

    #[test]
    fn archives_that_are_none_are_refused() {
        let packed = |files: &[(&str, usize)]| {
            let files: Files = files.iter().map(|(n, s)| ((*n).into(), vec![7; *s])).collect();
            tar_gz(&files).unwrap()
        };
        let whole = packed(&[(COMPONENT_FILE, 5000)]);
        for (bytes, error) in [
            (whole[..whole.len() / 2].to_vec(), "the code package cannot be used: "),
            (packed(&[("META-INF/a", 1)]), "has neither chaincode.wasm nor connection.json"),
            (packed(&[(COMPONENT_FILE, 1), (CONNECTION_FILE, 1)]), "two programs"),
            (packed(&[(COMPONENT_FILE, MAX_BYTES + 1)]), "more than 134217728 bytes when unpacked"),
        ] {
            let refused = ProgramBundle::read(&bytes).unwrap_err().to_string();
            assert!(refused.contains(error), "{refused}");
        }
    }
}
