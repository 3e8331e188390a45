//! The first check of a component file: one linear pass that bounds the work of all later steps.
//! Its memory is bounded by the allowed nesting, and it does not recurse.
//!
//! Invariant: no other code reads a file before this check. Validators and compilers recurse into
//! types, keep each open component, and merge each variable where branches meet.

use std::ops::Range;

use wasmparser::{FunctionBody, Operator, Parser, Payload, TypeSectionReader};

use crate::admission::{AdmissionError, invalid};
use crate::code_limits::CodeLimits;
use crate::limits::Limits;

/// Counts the parts of a file read so far.
pub(crate) struct Outline<'a> {
    wasm: &'a [u8],
    limits: &'a CodeLimits,
    functions_limit: u64,
    depth: u64,
    modules: u64,
    sections: u64,
    custom_sections: u64,
    items: u64,
    functions: u64,
    type_bytes: u64,
    element_bytes: u64,
    code_bytes: u64,
    merges: u64,
    /// The open blocks of a function; true for each loop.
    blocks: Vec<bool>,
}

/// Refuses a count over its limit; `what` names the counted parts.
fn within(count: u64, limit: u64, what: &str) -> Result<(), AdmissionError> {
    if count > limit {
        return Err(AdmissionError::Limit { what: format!("more than {limit} {what}"), limit });
    }
    Ok(())
}

/// Adds to a count and refuses it over its limit.
fn add(count: &mut u64, more: u64, limit: u64, what: &str) -> Result<(), AdmissionError> {
    *count = count.saturating_add(more);
    within(*count, limit, what)
}

/// Makes the refusal of a count that of one function.
fn of_function(refusal: AdmissionError) -> AdmissionError {
    match refusal {
        AdmissionError::Limit { what, limit } => AdmissionError::FunctionLimit { what, limit },
        other => other,
    }
}

impl<'a> Outline<'a> {
    /// Checks the file.
    pub(crate) fn check(wasm: &'a [u8], limits: &'a Limits) -> Result<(), AdmissionError> {
        let mut outline = Self {
            wasm,
            limits: &limits.code,
            functions_limit: limits.functions.into(),
            depth: 0,
            modules: 0,
            sections: 0,
            custom_sections: 0,
            items: 0,
            functions: 0,
            type_bytes: 0,
            element_bytes: 0,
            code_bytes: 0,
            merges: 0,
            blocks: Vec::new(),
        };
        for payload in Parser::new(0).parse_all(wasm) {
            outline.see(&payload.map_err(invalid)?)?;
        }
        Ok(())
    }

    fn see(&mut self, payload: &Payload<'_>) -> Result<(), AdmissionError> {
        let limits = self.limits;
        match payload {
            Payload::Version { .. } => {
                let limit = limits.modules.into();
                add(&mut self.modules, 1, limit, "components and modules")?;
                let limit = limits.nesting.into();
                return add(&mut self.depth, 1, limit, "components and modules inside each other");
            }
            Payload::End(_) => {
                self.depth = self.depth.saturating_sub(1);
                return Ok(());
            }
            Payload::CodeSectionEntry(body) => return self.function(body),
            _ => add(&mut self.sections, 1, limits.sections.into(), "sections")?,
        }
        match payload {
            Payload::CustomSection(_) => {
                let limit = limits.custom_sections.into();
                add(&mut self.custom_sections, 1, limit, "custom sections")
            }
            Payload::CodeSectionStart { count, .. } => {
                add(&mut self.functions, (*count).into(), self.functions_limit, "functions")
            }
            Payload::TypeSection(section) => {
                self.types(section.range(), section.count())?;
                results(section, limits.results)
            }
            Payload::CoreTypeSection(section) => self.types(section.range(), section.count()),
            Payload::ComponentTypeSection(section) => {
                self.types(section.range(), section.count())?;
                self.type_nesting(section.range())
            }
            Payload::ElementSection(section) => {
                let limit = limits.element_bytes as u64;
                let bytes = section.range().len() as u64;
                add(&mut self.element_bytes, bytes, limit, "bytes of element segments")?;
                self.items(section.count())
            }
            Payload::ImportSection(section) => self.items(section.count()),
            Payload::FunctionSection(section) => self.items_of_code(section.count()),
            Payload::TableSection(section) => self.items(section.count()),
            Payload::MemorySection(section) => self.items(section.count()),
            Payload::TagSection(section) => self.items(section.count()),
            Payload::GlobalSection(section) => self.items(section.count()),
            Payload::ExportSection(section) => self.items(section.count()),
            Payload::DataSection(section) => self.items(section.count()),
            Payload::InstanceSection(section) => self.items(section.count()),
            Payload::ComponentInstanceSection(section) => self.items(section.count()),
            Payload::ComponentAliasSection(section) => self.items(section.count()),
            Payload::ComponentCanonicalSection(section) => self.items(section.count()),
            Payload::ComponentImportSection(section) => self.items(section.count()),
            Payload::ComponentExportSection(section) => self.items(section.count()),
            _ => Ok(()),
        }
    }

    fn items(&mut self, count: u32) -> Result<(), AdmissionError> {
        let what = "types, imports, exports, globals, segments, aliases and instances";
        add(&mut self.items, count.into(), self.limits.items.into(), what)
    }

    /// A section of functions alone adds no more than their bodies, which are counted elsewhere.
    fn items_of_code(&mut self, count: u32) -> Result<(), AdmissionError> {
        within(count.into(), self.functions_limit, "functions")
    }

    fn types(&mut self, section: Range<usize>, count: u32) -> Result<(), AdmissionError> {
        let bytes = section.len() as u64;
        add(&mut self.type_bytes, bytes, self.limits.type_bytes as u64, "bytes of types")?;
        self.items(count)
    }

    /// Bounds the depth of component types in each other, which parsers follow by recursion. Each
    /// level begins with the byte of a type declaration and that of a component's or an instance's
    /// type. So the number of such pairs, wherever they come from, is an upper bound.
    fn type_nesting(&self, section: Range<usize>) -> Result<(), AdmissionError> {
        let bytes = self.wasm.get(section).unwrap_or_default();
        let pairs = bytes.windows(2).filter(|pair| matches!(pair, [0x01, 0x41 | 0x42])).count();
        let what = "types of components inside each other";
        within(pairs as u64, self.limits.type_nesting as u64, what)
    }

    fn function(&mut self, body: &FunctionBody<'_>) -> Result<(), AdmissionError> {
        let limits = self.limits;
        let bytes = body.range().len() as u64;
        add(&mut self.code_bytes, bytes, limits.code_bytes as u64, "bytes of functions")?;
        let mut locals = 0_u64;
        for group in body.get_locals_reader().map_err(invalid)? {
            let (count, _) = group.map_err(invalid)?;
            let what = "local variables in a function";
            add(&mut locals, count.into(), limits.locals.into(), what).map_err(of_function)?;
        }
        let (mut branches, mut blocks, mut loops) = (0_u64, 0_u64, 0_u32);
        let (mut uses, mut variables) = (0_u64, 0_u64);
        self.blocks.clear();
        for operator in body.get_operators_reader().map_err(invalid)? {
            let targets = match operator.map_err(invalid)? {
                Operator::LocalGet { local_index }
                | Operator::LocalSet { local_index }
                | Operator::LocalTee { local_index } => {
                    uses += 1;
                    variables = variables.max(u64::from(local_index) + 1);
                    continue;
                }
                Operator::Block { .. } | Operator::If { .. } | Operator::TryTable { .. } => {
                    self.blocks.push(false);
                    1
                }
                Operator::Loop { .. } => {
                    self.blocks.push(true);
                    loops += 1;
                    1
                }
                Operator::End => {
                    loops -= u32::from(self.blocks.pop() == Some(true));
                    continue;
                }
                Operator::Else | Operator::Br { .. } | Operator::BrIf { .. } => 1,
                Operator::BrTable { targets } => u64::from(targets.len()) + 1,
                _ => continue,
            };
            within(self.blocks.len() as u64, limits.block_nesting as u64, DEEP_BLOCKS)
                .and_then(|()| within(loops.into(), limits.loop_nesting.into(), DEEP_LOOPS))
                .map_err(of_function)?;
            blocks += 1;
            let what = "blocks and branches in a function";
            add(&mut branches, targets, limits.branches, what).map_err(of_function)?;
        }
        let merges = blocks.saturating_mul(variables.min(uses));
        let what = "values that may merge in a function: split it";
        within(merges, limits.merges, what).map_err(of_function)?;
        add(&mut self.merges, merges, limits.all_merges, "values that may merge in all functions")
    }
}

const DEEP_BLOCKS: &str = "blocks inside each other in a function";
const DEEP_LOOPS: &str = "loops inside each other in a function";

/// Each result is a value that a call makes with one or two bytes of code.
fn results(section: &TypeSectionReader<'_>, limit: usize) -> Result<(), AdmissionError> {
    for group in section.clone() {
        for ty in group.map_err(invalid)?.types() {
            if let wasmparser::CompositeInnerType::Func(ty) = &ty.composite_type.inner {
                within(ty.results().len() as u64, limit as u64, "results of a function")?;
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const COMPONENT: &[u8] = b"\0asm\x0d\0\x01\0";
    const MODULE: &[u8] = b"\0asm\x01\0\0\0";

    fn leb(mut number: usize) -> Vec<u8> {
        let mut bytes = Vec::new();
        loop {
            let low = (number & 0x7f) as u8;
            number >>= 7;
            if number == 0 {
                bytes.push(low);
                return bytes;
            }
            bytes.push(low | 0x80);
        }
    }

    fn section(id: u8, body: &[u8]) -> Vec<u8> {
        [&[id][..], &leb(body.len()), body].concat()
    }

    fn component(sections: &[u8]) -> Vec<u8> {
        [COMPONENT, sections].concat()
    }

    /// Returns a component with a module of `count` functions (param i32), each with this code.
    fn functions(count: usize, locals: usize, code: &[u8]) -> Vec<u8> {
        let locals = match locals {
            0 => leb(0),
            locals => [&leb(1), &leb(locals)[..], b"\x7f"].concat(),
        };
        let body = [&locals[..], code, b"\x0b"].concat();
        let body = [leb(body.len()), body].concat();
        let module = [
            MODULE,
            &section(1, b"\x01\x60\x01\x7f\x00"),
            &section(3, &[leb(count), vec![0; count]].concat()),
            &section(10, &[leb(count), body.repeat(count)].concat()),
        ];
        component(&section(1, &module.concat()))
    }

    fn function(locals: usize, code: &[u8]) -> Vec<u8> {
        functions(1, locals, code)
    }

    fn nested(depth: usize) -> Vec<u8> {
        let mut inner = COMPONENT.to_vec();
        for _ in 1..depth {
            inner = component(&section(4, &inner));
        }
        inner
    }

    fn refusal(wasm: &[u8]) -> String {
        Outline::check(wasm, &Limits::default()).expect_err("it passed").to_string()
    }

    fn passes(wasm: &[u8]) {
        assert_eq!(Outline::check(wasm, &Limits::default()), Ok(()));
    }

    #[test]
    fn components_lie_in_each_other_up_to_a_bound() {
        passes(&nested(32));
        let text = "the component has more than 32 components and modules inside each other, the \
                    limit is 32";
        for depth in [33, 1_000, 20_000] {
            assert_eq!(refusal(&nested(depth)), text);
        }
        let many = component(&section(4, COMPONENT).repeat(250));
        assert!(refusal(&many).contains("more than 250 components and modules, "));
    }

    #[test]
    fn types_lie_in_each_other_up_to_a_bound() {
        // A component's type with one declaration, which is again such a type.
        let types = |depth: usize| {
            let levels = [b"\x41\x01\x01".repeat(depth), b"\x41\x00".to_vec()].concat();
            component(&section(7, &[&[1][..], &levels].concat()))
        };
        let limits = Limits::default();
        assert_eq!(Outline::check(&types(199), &limits), Ok(()));
        let admitted = crate::inspect(&types(199), &limits).unwrap_err();
        assert!(!matches!(admitted, AdmissionError::Limit { .. }), "{admitted}");
        assert!(refusal(&types(1_000_000)).contains("more than 200 types of components inside"));
    }

    #[test]
    fn sections_and_items_are_counted() {
        let custom = |count| component(&b"\0\x02\x01j".repeat(count));
        passes(&custom(1_000));
        assert!(refusal(&custom(2_000_000)).contains("more than 1000 custom sections"));
        let types = component(&section(1, &[MODULE, &section(1, &leb(0))].concat()).repeat(3));
        passes(&types);
        let module =
            [MODULE, &section(6, &[leb(300_000), b"\x7f\0\x41\0\x0b".repeat(300_000)].concat())];
        let text = refusal(&component(&section(1, &module.concat())));
        assert!(text.contains("more than 200000 types, imports, exports"), "{text}");
    }

    #[test]
    fn functions_are_counted_before_they_are_read() {
        let limit = Limits::default().functions as usize;
        passes(&functions(limit, 0, b""));
        let text = refusal(&functions(limit + 1, 0, b""));
        assert!(text.contains(&format!("more than {limit} functions")), "{text}");
    }

    #[test]
    fn blocks_lie_in_each_other_up_to_a_bound() {
        let loops = |n: usize| function(0, &[b"\x03\x40".repeat(n), b"\x0b".repeat(n)].concat());
        passes(&loops(200));
        assert!(refusal(&loops(100_000)).contains("more than 200 loops inside each other"));
        let ifs =
            |n: usize| function(0, &[b"\x20\0\x04\x40".repeat(n), b"\x0b".repeat(n)].concat());
        passes(&ifs(30_000));
        assert!(refusal(&ifs(30_001)).contains("more than 30000 blocks inside each other"));
    }

    #[test]
    fn variables_and_branches_are_bounded_together() {
        passes(&function(10_000, b""));
        assert!(refusal(&function(10_001, b"")).contains("more than 10000 local variables"));
        let phis = |locals: usize, blocks: usize| {
            let block = |n: usize| {
                let (from, to) = (leb(1 + n % locals), leb(1 + n * 7 % locals));
                [b"\x20\0\x04\x40\x20", &from[..], b"\x41\x01\x6a\x21", &to, b"\x0b"].concat()
            };
            let blocks: Vec<u8> = (0..blocks).flat_map(block).collect();
            function(locals, &[b"\x03\x40", &blocks[..], b"\x20\0\x0d\0\x0b"].concat())
        };
        passes(&phis(1_000, 4_500));
        let text = refusal(&phis(3_000, 10_000));
        assert!(text.contains("more than 5000000 values that may merge in a function"), "{text}");
        let br_table = [&b"\x02\x40\x20\0\x0e"[..], &leb(300_000), &[0; 300_001], b"\x0b"].concat();
        assert!(refusal(&function(0, &br_table)).contains("more than 200000 blocks and branches"));
    }

    #[test]
    fn a_call_makes_few_values() {
        let ty = [&[1, 0x60, 0][..], &leb(17), &[0x7f; 17]].concat();
        let module = [MODULE, &section(1, &ty)].concat();
        let text = refusal(&component(&section(1, &module)));
        assert!(text.contains("more than 16 results of a function"), "{text}");
    }
}
