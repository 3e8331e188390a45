//! Lines of a contract's source, from the debug information of its component (DWARF).
//!
//! Does not read the sources: a line is where the compiler says that an instruction came from.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use addr2line::Context;
use addr2line::gimli::{Dwarf, EndianSlice, Error, LittleEndian, SectionId};
use wasmparser::{Parser, Payload};

/// The debug information of a component's core module.
pub(crate) struct SourceLines {
    /// Where its functions are in the file. Addresses count from the start of that.
    code: Range<usize>,
    sections: Vec<(String, Vec<u8>)>,
}

impl SourceLines {
    /// Those of the first core module that has any; none if it was built without.
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

    /// The source of an instruction: file and line.
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
    /// From the start of the component's file.
    offset: usize,
}

impl SourcePlace {
    pub(crate) fn new(lines: Arc<SourceLines>, offset: usize) -> Self {
        Self { lines, offset }
    }

    /// File and line, as in `assets/src/lib.rs:57`. Takes some milliseconds.
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
    /// Within one component.
    fn eq(&self, other: &Self) -> bool {
        self.offset == other.offset
    }
}

impl Eq for SourcePlace {}
