//! One file of a snapshot. Fabric: `common/ledger/snapshot/file.go`.
//!
//! ```text
//! file  = format part*          format: one byte, 1
//! part  = number | bytes        number: protobuf's varint; bytes: a number, then so many bytes
//! ```

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use prost::encoding::encode_varint;

use crate::error::LedgerError;
use crate::store::disk::{self, attempt, io};
use wasmcc_types::{Sha256, hex};

/// The first byte of every file.
const FORMAT: u8 = 1;

/// The hashes of files in hexadecimal, by name.
pub(super) type Hashes = BTreeMap<&'static str, String>;

/// A file that is being written.
pub(super) struct SnapshotFile {
    name: &'static str,
    path: PathBuf,
    out: BufWriter<File>,
    hash: Sha256,
}

impl SnapshotFile {
    pub(super) fn create(folder: &Path, name: &'static str) -> Result<Self, LedgerError> {
        let path = folder.join(name);
        let out = BufWriter::new(disk::create_file(&path).map_err(io("make", &path))?);
        let mut file = Self { name, path, out, hash: Sha256::new() };
        file.write(&[FORMAT])?;
        Ok(file)
    }

    pub(super) fn number(&mut self, number: u64) -> Result<(), LedgerError> {
        let mut digits = Vec::with_capacity(10);
        encode_varint(number, &mut digits);
        self.write(&digits)
    }

    pub(super) fn bytes(&mut self, bytes: &[u8]) -> Result<(), LedgerError> {
        self.number(bytes.len() as u64)?;
        self.write(bytes)
    }

    /// Flushes the file to disk and adds its hash.
    pub(super) fn finish(self, hashes: &mut Hashes) -> Result<(), LedgerError> {
        let Self { name, path, out, hash } = self;
        let flushed = out.into_inner().map_err(|error| error.into_error());
        let flushed = flushed.and_then(|file| {
            attempt("flush a snapshot")?;
            file.sync_all()
        });
        flushed.map_err(io("flush", &path))?;
        hashes.insert(name, hex(&hash.finish()));
        Ok(())
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), LedgerError> {
        self.hash.update(bytes);
        self.out.write_all(bytes).map_err(io("write", &self.path))
    }
}
