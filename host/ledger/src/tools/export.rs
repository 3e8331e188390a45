//! Writes the blocks of a channel to one file.
//!
//! ```text
//! file  = block*                      from the genesis block on, without gaps
//! block = length message              length: a protobuf varint; message: common.Block
//! ```
//!
//! Protobuf libraries call this form delimited messages (`writeDelimitedTo`). The metadata of each
//! block contain the verdicts and the commit hash, as on a Fabric peer.
//!
//! Invariant: an exported file is complete: it gets its final name last.

use std::io::{BufWriter, Write};
use std::path::Path;

use prost::Message;

use crate::error::LedgerError;
use crate::tools::folder::LedgerFolder;
use crate::tools::replay::Step;
use wasmcc_types::ChannelId;

impl LedgerFolder {
    /// Writes all blocks of a channel to a new file and returns their number. Checks the chain and
    /// the data hashes. Omits an incomplete last block.
    ///
    /// Errors: `CorruptBlock`; `StateAhead` if the end is lost; `Io` if the file exists;
    /// `Interrupted`. No new file is left behind.
    pub fn export(
        &self,
        channel: &ChannelId,
        path: &Path,
        on_step: &mut dyn FnMut(Step),
    ) -> Result<u64, LedgerError> {
        let io = |source| LedgerError::Io { action: "write", path: path.to_owned(), source };
        let folder = match path.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            _ => Path::new("."),
        };
        let unfinished = tempfile::NamedTempFile::new_in(folder).map_err(io)?;
        let mut out = BufWriter::with_capacity(1 << 20, unfinished);
        let mut walk = self.walk(channel)?;
        while let Some(block) = walk.next()? {
            out.write_all(&block.encode_length_delimited_to_vec()).map_err(io)?;
            on_step(walk.step()?);
            self.interrupt.check()?;
        }
        let unfinished = out.into_inner().map_err(|error| io(error.into_error()))?;
        unfinished.as_file().sync_all().map_err(io)?;
        unfinished.persist_noclobber(path).map_err(|error| io(error.error))?;
        Ok(walk.step()?.blocks)
    }
}
