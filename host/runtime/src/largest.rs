//! Finds the largest function of a core module, which is the one that limits of a function refuse.

use wasmparser::{KnownCustom, Name, Parser, Payload, TypeRef};

use crate::names::readable;

/// Returns the name and the size in bytes of the function with the most code in a core module.
/// Returns None if the module is damaged, or has no name for this function.
pub fn largest_function(module: &[u8]) -> Option<(String, usize)> {
    let (mut imported, mut bodies, mut names) = (0, Vec::new(), None);
    for payload in Parser::new(0).parse_all(module) {
        match payload.ok()? {
            Payload::ImportSection(section) => {
                let all = section.into_imports().map_while(Result::ok);
                imported += all.filter(|import| matches!(import.ty, TypeRef::Func(_))).count();
            }
            Payload::CodeSectionEntry(body) => bodies.push(body.range().len()),
            Payload::CustomSection(section) => {
                if let KnownCustom::Name(section) = section.as_known() {
                    names = Some(section);
                }
            }
            _ => {}
        }
    }
    let (place, bytes) = bodies.into_iter().enumerate().max_by_key(|(_, bytes)| *bytes)?;
    let index = u32::try_from(imported + place).ok()?;
    let functions = names?.filter_map(Result::ok).find_map(|names| match names {
        Name::Function(functions) => Some(functions),
        _ => None,
    })?;
    let mut named = functions.into_iter().filter_map(Result::ok);
    let name = named.find(|naming| naming.index == index)?.name;
    Some((readable(name), bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A module that imports one function and has three, the second of them with the most code.
    const MODULE: &[u8] = b"\0asm\x01\0\0\0\x01\x04\x01\x60\0\0\x02\x07\x01\x01m\x01f\0\0\
        \x03\x04\x03\0\0\0\x0a\x0c\x03\x02\0\x0b\x04\0\x01\x01\x0b\x02\0\x0b";

    #[test]
    fn the_largest_function_is_named() {
        assert_eq!(largest_function(MODULE), None, "without names");
        let names = b"\0\x1b\x04name\x01\x14\x02\x01\x04init\x02\x0bmain.Invoke";
        let named = [MODULE, names].concat();
        assert_eq!(largest_function(&named), Some(("main.Invoke".into(), 4)));
        assert_eq!(largest_function(&named[..60]), None, "it is cut");
        assert_eq!(largest_function(b"\0asm\x01\0\0\0"), None);
    }
}
