//! A component that can run.

use std::path::PathBuf;
use std::sync::Arc;

use crate::admission::{AdmissionError, Report};
use crate::ahead::{Shelf, Size};
use crate::output::short_line;
use crate::profile::ImportCalls;
use crate::source_lines::SourceLines;
use crate::versions::ContractPre;

/// An admitted, compiled and linked component, shared by all its transactions.
pub struct Component {
    shelf: Arc<Shelf>,
    report: Report,
    sources: Sources,
}

/// Selects the parts of its file that a component keeps, in addition to its code.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Keep {
    pub(crate) lines: bool,
    pub(crate) import_calls: bool,
}

/// Data that maps an instruction of a guest to its source.
#[derive(Default)]
pub(crate) struct Sources {
    /// The component's debug information, if it has some.
    pub(crate) lines: Option<Arc<SourceLines>>,
    /// The positions of its calls of imports.
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

    /// Returns the number of slots of [`Limits::instances`](crate::Limits::instances) that one
    /// instance takes: usually one. A component with many memories or tables takes as many as
    /// provide them.
    pub fn places(&self) -> usize {
        self.shelf.places()
    }

    /// Returns the report of the admission.
    pub fn report(&self) -> &Report {
        &self.report
    }
}

impl std::fmt::Debug for Component {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Component").field("report", &self.report).finish_non_exhaustive()
    }
}

/// The reason why a component cannot be loaded.
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
        /// Describes the problem.
        reason: String,
    },
}

impl LoadError {
    /// Returns the same error in one line: a compiler's text may contain names from the file.
    pub(crate) fn in_one_line(self) -> Self {
        match self {
            Self::Compile(text) => Self::Compile(short_line(text)),
            other => other,
        }
    }

    /// Returns true if a single large function is the likely reason, so that splitting it helps.
    pub fn is_of_large_function(&self) -> bool {
        let is_limit = matches!(self, Self::NotAdmitted(AdmissionError::FunctionLimit { .. }));
        is_limit || matches!(self, Self::TooExpensive(_))
    }

    /// Returns true if the next attempt may succeed.
    pub fn is_of_this_machine(&self) -> bool {
        match self {
            Self::Machine(_) | Self::CacheFolder { .. } => true,
            Self::NotAdmitted(_) | Self::Compile(_) | Self::TooExpensive(_) | Self::Link(_) => {
                false
            }
        }
    }
}
