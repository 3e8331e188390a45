//! Compiled code, in memory and on disk.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use wasmtime::Engine;
use wasmtime::component::Linker;

use crate::runtime::admission::inspect;
use crate::runtime::bindings::ChaincodePre;
use crate::runtime::component::{Component, LoadError};
use crate::runtime::engine::COST_TABLE;
use crate::runtime::limits::Limits;
use crate::runtime::loaded::Loaded;
use crate::runtime::tx_state::TxState;
use crate::types::{hex, sha256, sha256_all};

/// How many components that nobody uses, and refusals, stay in memory: 256 of usual size are a few
/// hundred megabytes.
const KEPT_UNUSED: usize = 256;

/// Each component is compiled once on a disk and, as long as it is used, is in memory once, however
/// many ask for it at the same time. Refusals are remembered too, so that a bad file that comes
/// again does not cost its compilation again.
pub struct Cache {
    dir: Option<PathBuf>,
    /// What compiled code depends on besides the component.
    target: [u8; 32],
    loaded: Loaded<Component, LoadError>,
}

impl Cache {
    /// A cache for `engine`, on disk if `dir` is given. The folder is made if need be; it must
    /// belong to this user alone, since what lies there is run as native code.
    pub fn open(engine: &Engine, dir: Option<PathBuf>) -> Result<Self, LoadError> {
        if let Some(dir) = &dir {
            private_folder(dir)
                .map_err(|reason| LoadError::CacheFolder { path: dir.clone(), reason })?;
        }
        let target = sha256_all([
            compatibility(engine).as_slice(),
            COST_TABLE.as_bytes(),
            std::env::consts::ARCH.as_bytes(),
        ]);
        Ok(Self { dir, target, loaded: Loaded::new(KEPT_UNUSED) })
    }

    /// Admits, compiles and links `wasm`, or gives what is already there.
    pub fn load(
        &self,
        wasm: &[u8],
        engine: &Engine,
        linker: &Linker<TxState>,
        limits: &Limits,
    ) -> Result<Arc<Component>, LoadError> {
        self.loaded.get_or_make(sha256(wasm), || self.prepare(wasm, engine, linker, limits))
    }

    fn prepare(
        &self,
        wasm: &[u8],
        engine: &Engine,
        linker: &Linker<TxState>,
        limits: &Limits,
    ) -> Result<Component, LoadError> {
        let report = inspect(wasm, limits)?;
        let path = self.dir.as_ref().map(|dir| {
            let key = sha256_all([report.hash.as_slice(), self.target.as_slice()]);
            dir.join(format!("{}.cwasm", hex(&key)))
        });
        let component = match path.as_deref().and_then(|path| read(engine, path)) {
            Some(component) => component,
            None => compile(engine, wasm, path.as_deref())?,
        };
        let link = |error: wasmtime::Error| LoadError::Link(format!("{error:#}"));
        let pre = linker.instantiate_pre(&component).map_err(link)?;
        let pre = ChaincodePre::new(pre).map_err(link)?;
        Ok(Component::new(pre, report))
    }
}

fn compile(
    engine: &Engine,
    wasm: &[u8],
    path: Option<&Path>,
) -> Result<wasmtime::component::Component, LoadError> {
    let failed = |error: wasmtime::Error| LoadError::Compile(format!("{error:#}"));
    let component = wasmtime::component::Component::from_binary(engine, wasm).map_err(failed)?;
    if let Some(path) = path {
        let compiled = component.serialize().map_err(failed)?;
        // The code is in memory: a full disk costs a compilation later, not this load.
        if let Err(error) = write(path, &compiled) {
            tracing::warn!(path = %path.display(), %error, "compiled code is not kept");
        }
    }
    Ok(component)
}

/// A file of compiled code is its SHA-256, then the code: a torn or damaged one is compiled again.
fn read(engine: &Engine, path: &Path) -> Option<wasmtime::component::Component> {
    let file = fs::read(path).ok()?;
    let (hash, compiled) = file.split_first_chunk::<32>()?;
    if *hash != sha256(compiled) {
        tracing::warn!(path = %path.display(), "compiled code is damaged, compiling again");
        return None;
    }
    // SAFETY: these bytes become native code. They were written by `write` below, by this user: the
    // folder was checked to be writable by nobody else, and the hash rules out damage.
    #[allow(unsafe_code)]
    let component = unsafe { wasmtime::component::Component::deserialize(engine, compiled) };
    component.ok()
}

/// Writes beside the target and renames, so that no reader sees half a file.
fn write(path: &Path, compiled: &[u8]) -> std::io::Result<()> {
    let dir = path.parent().unwrap_or(Path::new("."));
    let mut file = tempfile::NamedTempFile::new_in(dir)?;
    file.write_all(&sha256(compiled))?;
    file.write_all(compiled)?;
    file.persist(path)?;
    Ok(())
}

#[cfg(unix)]
fn private_folder(dir: &Path) -> Result<(), String> {
    use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
    let say = |error: std::io::Error| error.to_string();
    fs::DirBuilder::new().recursive(true).mode(0o700).create(dir).map_err(say)?;
    let folder = fs::symlink_metadata(dir).map_err(say)?;
    if !folder.is_dir() {
        return Err("it is not a folder but a link or a file".into());
    }
    // A new file belongs to this process's user; std has no other way to ask who that is.
    let probe = tempfile::NamedTempFile::new_in(dir).map_err(say)?;
    if probe.as_file().metadata().map_err(say)?.uid() != folder.uid() {
        return Err("it belongs to another user, and what lies there is run as native code".into());
    }
    let mode = folder.permissions().mode();
    if mode & 0o022 != 0 {
        return Err(format!(
            "others can write to it (mode {:o}), and what lies there is run as native code: \
             `chmod 700` it",
            mode & 0o777
        ));
    }
    Ok(())
}

#[cfg(not(unix))]
fn private_folder(dir: &Path) -> Result<(), String> {
    fs::create_dir_all(dir).map_err(|error| error.to_string())
}

fn compatibility(engine: &Engine) -> [u8; 8] {
    use std::hash::{DefaultHasher, Hash, Hasher};
    let mut hasher = DefaultHasher::new();
    engine.precompile_compatibility_hash().hash(&mut hasher);
    hasher.finish().to_le_bytes()
}
