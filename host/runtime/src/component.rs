//! A component that may run.

use std::path::PathBuf;
use std::sync::Arc;

use crate::admission::{AdmissionError, Report};
use crate::ahead::{Shelf, Size};
use crate::output::short_line;
use crate::profile::ImportCalls;
use crate::source_lines::SourceLines;
use crate::versions::ContractPre;

/// Admitted, compiled and linked; shared by all its transactions.
pub struct Component {
    shelf: Arc<Shelf>,
    report: Report,
    sources: Sources,
}

/// What a component keeps of its file, beside what runs.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Keep {
    pub(crate) lines: bool,
    pub(crate) import_calls: bool,
}

/// What tells where in its source a guest is.
#[derive(Default)]
pub(crate) struct Sources {
    /// Its debug information, if it has some.
    pub(crate) lines: Option<Arc<SourceLines>>,
    /// Where it calls imports.
    pub(crate) import_calls: Option<Arc<ImportCalls>>,
}

impl Sources {
    pub(crate) fn of(wasm: &[u8], keep: Keep) -> Self {
        let lines = if keep.lines { SourceLines::of(wasm) } else { None };
        let import_calls = keep.import_calls.then(|| Arc::new(ImportCalls::of(wasm)));
        Self { lines, import_calls }
    }
}

impl Component {
    pub(super) fn new(pre: ContractPre, report: Report, sources: Sources) -> Self {
        Self { shelf: Shelf::new(pre, Size::of(report.needs)), report, sources }
    }

    pub(super) fn shelf(&self) -> &Arc<Shelf> {
        &self.shelf
    }

    pub(super) fn sources(&self) -> &Sources {
        &self.sources
    }

    /// How many of [`Limits::instances`](crate::Limits::instances) one instance takes: one, or, of
    /// a component with many memories or tables, as many as have that many.
    pub fn places(&self) -> usize {
        self.shelf.places()
    }

    /// What admission found out about the file.
    pub fn report(&self) -> &Report {
        &self.report
    }
}

impl std::fmt::Debug for Component {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Component").field("report", &self.report).finish_non_exhaustive()
    }
}

/// Why a component cannot be loaded.
#[derive(Clone, Debug, thiserror::Error)]
pub enum LoadError {
    /// The file breaks a rule.
    #[error(transparent)]
    NotAdmitted(#[from] AdmissionError),
    /// It is valid, but the compiler failed.
    #[error("the component does not compile: {0}")]
    Compile(String),
    /// It is valid, but compiling it needs more than the compiler's limits.
    #[error(
        "compiling the component takes {0}: split large functions, build with `opt-level` \"s\" or \
             \"z\", or raise the limits of the compiler"
    )]
    TooExpensive(String),
    /// A failure of this machine, not of the component.
    #[error("the component cannot be compiled now: {0}")]
    Machine(String),
    /// It compiles, but does not fit the interfaces that the host offers.
    #[error("the component does not fit this host: {0}")]
    Link(String),
    /// The folder of compiled code cannot be used.
    #[error("cannot use the folder of compiled code {}: {reason}", path.display())]
    CacheFolder {
        /// The folder.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
}

impl LoadError {
    /// The same in one line: what a compiler says may have names of the file in it.
    pub(crate) fn in_one_line(self) -> Self {
        match self {
            Self::Compile(text) => Self::Compile(short_line(text)),
            other => other,
        }
    }

    /// Whether the next attempt may succeed.
    pub fn is_of_this_machine(&self) -> bool {
        match self {
            Self::Machine(_) | Self::CacheFolder { .. } => true,
            Self::NotAdmitted(_) | Self::Compile(_) | Self::TooExpensive(_) | Self::Link(_) => {
                false
            }
        }
    }
}
