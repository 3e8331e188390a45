//! Adds probes to a component: an empty loop after each call of a function.
//!
//! wasmtime checks a guest's fuel where a function or a loop begins. `loop end` does nothing and
//! costs nothing, but wasmtime checks there, too. So if fuel is provided in single units, every
//! call and every return is seen, and the fuel of the whole is the same as without probes.

use wasmparser::{BinaryReader, BinaryReaderError, CodeSectionReader, FunctionBody, Operator};

/// Ids of the sections of a component that contain a core module or a component, and of the section
/// of a core module that contains its functions.
const MODULE: u8 = 1;
const COMPONENT: u8 = 4;
const CODE: u8 = 10;
/// Magic number and version.
const HEADER: usize = 8;
/// Bytes five to eight of a core module.
const CORE_VERSION: [u8; 4] = [1, 0, 0, 0];
/// `loop` without parameters and results, `end`.
const PROBE: [u8; 3] = [0x03, 0x40, 0x0b];

/// A file is damaged at some place, so it gets no probes.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct Unprobed(BinaryReaderError);

/// Returns a component with probes in all its functions.
///
/// # Errors
/// The file is not an admitted component ([`inspect`](crate::inspect)); the error contains the
/// position.
pub fn with_probes(wasm: &[u8]) -> Result<Vec<u8>, Unprobed> {
    binary(wasm).map_err(Unprobed)
}

/// Rewrites a component or a module. Copies all sections except those with functions.
fn binary(wasm: &[u8]) -> Result<Vec<u8>, BinaryReaderError> {
    let mut reader = BinaryReader::new(wasm, 0);
    let mut out = reader.read_bytes(HEADER)?.to_vec();
    let is_core = out.ends_with(&CORE_VERSION);
    while !reader.eof() {
        let id = reader.read_u8()?;
        let size = reader.read_var_u32()? as usize;
        let section = reader.read_bytes(size)?;
        out.push(id);
        match (is_core, id) {
            (true, CODE) => sized(&mut out, &code(section)?),
            (false, MODULE | COMPONENT) => sized(&mut out, &binary(section)?),
            _ => sized(&mut out, section),
        }
    }
    Ok(out)
}

fn code(section: &[u8]) -> Result<Vec<u8>, BinaryReaderError> {
    let functions = CodeSectionReader::new(BinaryReader::new(section, 0))?;
    let mut out = Vec::with_capacity(section.len() + section.len() / 8);
    number(&mut out, functions.count());
    for body in functions {
        sized(&mut out, &function(&body?)?);
    }
    Ok(out)
}

fn function(body: &FunctionBody<'_>) -> Result<Vec<u8>, BinaryReaderError> {
    let (bytes, start) = (body.as_bytes(), body.range().start);
    let mut out = Vec::with_capacity(bytes.len() + 16);
    let mut copied = 0;
    let mut operators = body.get_operators_reader()?;
    while !operators.eof() {
        let operator = operators.read()?;
        if let Operator::Call { .. } | Operator::CallIndirect { .. } = operator {
            let end = operators.original_position() - start;
            out.extend_from_slice(&bytes[copied..end]);
            out.extend_from_slice(&PROBE);
            copied = end;
        }
    }
    out.extend_from_slice(&bytes[copied..]);
    Ok(out)
}

/// Writes bytes after their length.
fn sized(out: &mut Vec<u8>, bytes: &[u8]) {
    // A section grows by at most three times its size, and files are far smaller than 1 GiB.
    number(out, u32::try_from(bytes.len()).unwrap_or(u32::MAX));
    out.extend_from_slice(bytes);
}

/// Writes a number in LEB128.
fn number(out: &mut Vec<u8>, mut number: u32) {
    while number >= 0x80 {
        out.push((number & 0x7f) as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns (module (func) (func call 0)), with the given body of the second function.
    fn module(body: &[u8]) -> Vec<u8> {
        let mut wasm = b"\0asm\x01\0\0\0".to_vec();
        // One type without parameters and results, two functions of it.
        wasm.extend([1, 4, 1, 0x60, 0, 0, 3, 3, 2, 0, 0]);
        let mut code = vec![2, 2, 0, 0x0b];
        sized(&mut code, body);
        wasm.push(CODE);
        sized(&mut wasm, &code);
        // A custom section, which is copied.
        wasm.extend([0, 2, 1, b'x']);
        wasm
    }

    #[test]
    fn a_probe_follows_each_call() {
        let calls = module(&[0, 0x10, 0, 0x10, 0, 0x0b]);
        let probed = module(&[0, 0x10, 0, 3, 0x40, 0x0b, 0x10, 0, 3, 0x40, 0x0b, 0x0b]);
        assert_eq!(with_probes(&calls).unwrap(), probed);
        wasmparser::validate(&probed).unwrap();
        let without = module(&[0, 0x0b]);
        assert_eq!(with_probes(&without).unwrap(), without);
    }

    #[test]
    fn modules_inside_components_have_probes_too() {
        let component = |core: &[u8]| {
            let mut wasm = b"\0asm\x0d\0\x01\0".to_vec();
            wasm.push(MODULE);
            sized(&mut wasm, core);
            let mut outer = b"\0asm\x0d\0\x01\0".to_vec();
            outer.push(COMPONENT);
            sized(&mut outer, &wasm);
            outer
        };
        let calls = component(&module(&[0, 0x10, 0, 0x0b]));
        let probed = component(&module(&[0, 0x10, 0, 3, 0x40, 0x0b, 0x0b]));
        assert_eq!(with_probes(&calls).unwrap(), probed);
        wasmparser::validate(&probed).unwrap();
    }

    #[test]
    fn a_damaged_file_is_an_error() {
        let calls = module(&[0, 0x10, 0, 0x0b]);
        assert!(with_probes(&calls[..calls.len() - 1]).is_err());
        assert!(with_probes(b"\0asm").is_err());
        assert!(with_probes(&module(&[0, 0xff, 0x0b])).is_err());
    }

    #[test]
    fn sizes_are_written_in_leb128() {
        for (value, bytes) in [(0, &[0][..]), (127, &[127]), (128, &[128, 1]), (300, &[172, 2])] {
            let mut out = Vec::new();
            number(&mut out, value);
            assert_eq!(out, bytes);
        }
    }
}
