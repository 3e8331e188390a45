//! Reads the folder META-INF of a chaincode, with its indexes.
//!
//! Invariant: files that Fabric would not put into a package are refused. Hidden files are skipped
//! with a warning, as by Fabric's tools.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow, bail};

use wasmcc_peer::chaincode::{Files, META_INF, check_meta_inf, is_hidden};

/// The metadata of a contract for Fabric's Node modules.
const METADATA: &str = "META-INF/metadata.json";

/// Reads all visible files below a META-INF folder, sorted by name.
///
/// # Errors
/// A file is not an index definition, or is in the wrong folder.
pub(crate) fn read(folder: &Path) -> Result<Files> {
    let (mut files, mut folders) = (BTreeMap::new(), vec![(META_INF.to_owned(), folder.into())]);
    while let Some((name, folder)) = folders.pop() {
        let path: PathBuf = folder;
        let unreadable = || format!("cannot read {}", path.display());
        for entry in std::fs::read_dir(&path).with_context(unreadable)? {
            let entry = entry.with_context(unreadable)?;
            let path = entry.path();
            let shown = path.display();
            let own = entry.file_name().into_string();
            let own = own.map_err(|_| anyhow!("{shown}: the name is not UTF-8"))?;
            let name = format!("{name}/{own}");
            let kind = entry.file_type().with_context(|| format!("cannot read {shown}"))?;
            if is_hidden(&own) {
                tracing::warn!(file = %shown, "skipped: hidden files do not go into a package");
            } else if name == METADATA {
                // A component in JavaScript includes its metadata.
            } else if kind.is_dir() {
                folders.push((name, path));
            } else if kind.is_file() {
                let bytes = std::fs::read(&path);
                files.insert(name, bytes.with_context(|| format!("cannot read {shown}"))?);
            } else {
                bail!("{shown} is neither a file nor a folder");
            }
        }
    }
    let files = files.into_iter().collect();
    check_meta_inf(&files)?;
    Ok(files)
}
