//! Compiled code, in memory and on disk.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::Arc;

use wasmtime::Engine;
use wasmtime::component::Linker;

use crate::admission::{AdmissionError, inspect};
use crate::compiler::{Compiler, Compilers, Reuse};
use crate::component::{Component, Keep, LoadError, Sources};
use crate::engine::{COST_TABLE, CodeShape};
use crate::files;
use crate::folder::{self, Folder};
use crate::limits::Limits;
use crate::loaded::Loaded;
use crate::network::with_refusals;
use crate::output::short_line;
use crate::parts::key_of;
use crate::tx_state::TxState;
use crate::versions::ContractPre;
use crate::wanted::{Waiter, Wanted};
use wasmcc_types::{sha256, sha256_all};

/// Components by the hash of their file. Each is compiled once per disk. While it is in use, it is
/// in memory once, even with concurrent callers. Refusals are remembered, so that a bad file is not
/// compiled again; failures of this machine are not.
pub(crate) struct Cache {
    folder: Option<Folder>,
    compilers: Compilers,
    /// The parts of the file that components keep.
    keep: Keep,
    loaded: Loaded<Component, LoadError>,
}

impl Cache {
    /// Opens a cache for `engine`, on disk if `dir` is given; creates the folder if necessary. Only
    /// this user may be able to write to it, since its files are run as native code.
    pub(crate) fn open(
        engine: &Engine,
        dir: Option<PathBuf>,
        compiler: Compiler,
        shape: CodeShape,
        keep: Keep,
    ) -> Result<Self, LoadError> {
        let target = sha256_all([
            compatibility(engine).as_slice(),
            COST_TABLE.as_bytes(),
            std::env::consts::ARCH.as_bytes(),
        ]);
        let open = |path: PathBuf| {
            let opened = Folder::open(path.clone(), &target, folder::Keep::default());
            opened.map_err(|error| LoadError::CacheFolder { path, reason: error.to_string() })
        };
        let folder = dir.map(open).transpose()?;
        let compilers = Compilers::new(compiler, shape);
        Ok(Self { folder, compilers, keep, loaded: Loaded::new(files::unused_components) })
    }

    /// Returns the number of components in memory, including refused ones.
    pub(crate) fn count(&self) -> usize {
        self.loaded.count()
    }

    /// Admits, compiles and links `wasm`, or returns the cached component. A caller with a `waiter`
    /// may stop waiting; one without waits to the end.
    pub(crate) fn load(
        &self,
        wasm: &[u8],
        engine: &Engine,
        linker: &Linker<TxState>,
        limits: &Limits,
        waiter: Option<&Waiter>,
    ) -> Result<Arc<Component>, LoadError> {
        let prepare = |wanted: &Wanted| {
            // A file that makes the compiler panic is refused.
            let prepare = || self.prepare(wasm, engine, linker, limits, wanted);
            let prepared = catch_unwind(AssertUnwindSafe(prepare));
            prepared.unwrap_or_else(|panic| Err(panicked(panic)))
        };
        self.loaded.get_or_make(sha256(wasm), waiter, prepare, LoadError::is_of_this_machine)
    }

    fn prepare(
        &self,
        wasm: &[u8],
        engine: &Engine,
        linker: &Linker<TxState>,
        limits: &Limits,
        wanted: &Wanted,
    ) -> Result<Component, LoadError> {
        let report = inspect(wasm, limits)?;
        let component = match self.compiled(engine, &report.hash) {
            Some(component) => component,
            None => {
                let compiled = self.compile(engine, wasm, wanted);
                let code = compiled.map_err(LoadError::in_one_line)?;
                let component = native(engine, &code);
                let component = component.map_err(|e| LoadError::Compile(format!("{e:#}")))?;
                if let Some(folder) = &self.folder {
                    folder.write(&report.hash, &code);
                }
                component
            }
        };
        let link = |error: wasmtime::Error| LoadError::Link(short_line(format!("{error:#}")));
        let linker = match report.has_shared_libraries {
            true => &with_refusals(linker, &component).map_err(link)?,
            false => linker,
        };
        let pre = linker.instantiate_pre(&component).map_err(link)?;
        let version = report.version().ok_or(AdmissionError::NoContract)?;
        let pre = ContractPre::new(version, pre).map_err(link)?;
        Ok(Component::new(pre, report, Sources::of(wasm, self.keep)))
    }

    /// Compiles with the parts that the folder has for this code; stores the parts if it had none.
    fn compile(&self, engine: &Engine, wasm: &[u8], wanted: &Wanted) -> Result<Vec<u8>, LoadError> {
        let kept = self.folder.as_ref().and_then(|folder| Some((folder, key_of(wasm)?)));
        let Some((folder, key)) = kept else {
            return Ok(self.compilers.compile(engine, wasm, Reuse::Nothing, wanted)?.code);
        };
        let reuse = folder.read(&key).map_or(Reuse::Keep, Reuse::Given);
        let compiled = self.compilers.compile(engine, wasm, reuse, wanted)?;
        if !compiled.parts.is_empty() {
            folder.write(&key, &compiled.parts);
        }
        Ok(compiled.code)
    }

    /// Returns compiled code from the folder.
    fn compiled(&self, engine: &Engine, hash: &[u8; 32]) -> Option<wasmtime::component::Component> {
        let folder = self.folder.as_ref()?;
        let component = native(engine, &folder.read(hash)?);
        if component.is_err() {
            folder.forget(hash);
        }
        component.ok()
    }
}

/// Makes a component from compiled code.
fn native(engine: &Engine, code: &[u8]) -> wasmtime::Result<wasmtime::component::Component> {
    // SAFETY: these bytes become native code. They come from this program's own compiler: directly,
    // from its process as a complete answer, or from the folder. Only this user can write to the
    // folder, which was checked, and a hash detects damage.
    #[allow(unsafe_code)]
    unsafe {
        wasmtime::component::Component::deserialize(engine, code)
    }
}

/// Returns the refusal of a file that made the compiler panic.
pub(super) fn panicked(panic: Box<dyn Any + Send>) -> LoadError {
    LoadError::Compile(panic_text(panic))
}

/// Returns the text of a panic.
pub(super) fn panic_text(panic: Box<dyn Any + Send>) -> String {
    let text = match panic.downcast::<String>() {
        Ok(text) => *text,
        Err(panic) => {
            panic.downcast::<&str>().map_or_else(|_| String::new(), |text| (*text).into())
        }
    };
    format!("the compiler panicked: {text}")
}

fn compatibility(engine: &Engine) -> [u8; 8] {
    use std::hash::{DefaultHasher, Hash, Hasher};
    let mut hasher = DefaultHasher::new();
    engine.precompile_compatibility_hash().hash(&mut hasher);
    hasher.finish().to_le_bytes()
}
