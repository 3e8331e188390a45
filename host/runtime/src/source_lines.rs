//! Lines of a contract's source, read from the debug information of its component (DWARF).
//!
//! Does not read the sources: a line is the compiler's statement about an instruction.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use addr2line::Context;
use addr2line::gimli::{Dwarf, EndianSlice, Error, LittleEndian, SectionId};
use wasmparser::{Parser, Payload};

/// The debug information of a core module of a component.
pub(crate) struct SourceLines {
    /// Position of its functions in the file. Addresses in the debug information count from its
    /// start.
    code: Range<usize>,
    sections: Vec<(String, Vec<u8>)>,
}

impl SourceLines {
    /// Returns that of the first core module that has any; None if all were built without.
    pub(crate) fn of(wasm: &[u8]) -> Option<Arc<Self>> {
        let mut module = Self::none();
        for payload in Parser::new(0).parse_all(wasm) {
            match payload.ok()? {
                Payload::Version { .. } => module = Self::none(),
                Payload::CodeSectionStart { range, .. } => module.code = range,
                Payload::CustomSection(section) if section.name().starts_with(".debug_") => {
                    module.sections.push((section.name().to_owned(), section.data().to_vec()));
                }
                Payload::End(_) if module.section(SectionId::DebugLine).is_some() => {
                    return Some(Arc::new(module));
                }
                _ => {}
            }
        }
        None
    }

    fn none() -> Self {
        Self { code: 0..0, sections: Vec::new() }
    }

    fn section(&self, id: SectionId) -> Option<&[u8]> {
        let found = self.sections.iter().find(|(name, _)| name == id.name());
        found.map(|(_, bytes)| bytes.as_slice())
    }

    /// Returns the source of an instruction: file and line.
    fn place(&self, offset: usize) -> Option<String> {
        let address = offset.checked_sub(self.code.start).filter(|_| offset < self.code.end)?;
        let section = |id| {
            let bytes = self.section(id).unwrap_or_default();
            Ok::<_, Error>(EndianSlice::new(bytes, LittleEndian))
        };
        let context = Context::from_dwarf(Dwarf::load(section).ok()?).ok()?;
        let location = context.find_location(address as u64).ok()??;
        Some(format!("{}:{}", location.file?, location.line?))
    }
}

/// An instruction of a component with debug information.
#[derive(Clone)]
pub struct SourcePlace {
    lines: Arc<SourceLines>,
    /// Counted from the start of the component's file, in bytes.
    offset: usize,
}

impl SourcePlace {
    pub(crate) fn new(lines: Arc<SourceLines>, offset: usize) -> Self {
        Self { lines, offset }
    }

    /// Returns file and line, as in `assets/src/lib.rs:57`. Takes some milliseconds.
    pub fn line(&self) -> Option<String> {
        self.lines.place(self.offset)
    }
}

impl fmt::Debug for SourcePlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SourcePlace").field(&self.offset).finish()
    }
}

impl PartialEq for SourcePlace {
    /// Compares places within one component.
    fn eq(&self, other: &Self) -> bool {
        self.offset == other.offset
    }
}

impl Eq for SourcePlace {}
