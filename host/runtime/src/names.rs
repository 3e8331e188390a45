//! Names of functions in components.

/// A name as in the source: rustc adds a hash, and a linker may leave the name mangled.
pub(crate) fn readable(name: &str) -> String {
    let plain = unmangled(name).unwrap_or_else(|| name.to_owned());
    match plain.rsplit_once("::h") {
        Some((path, hash)) if hash.len() == 16 && hash.bytes().all(|b| b.is_ascii_hexdigit()) => {
            path.to_owned()
        }
        _ => plain,
    }
}

/// `_ZN9my_assets12create_asset17h0123456789abcdefE`: each part follows its length.
fn unmangled(name: &str) -> Option<String> {
    let mut rest = name.strip_prefix("_ZN")?.strip_suffix('E')?;
    let mut parts = Vec::new();
    while !rest.is_empty() {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let length: usize = rest.get(..digits)?.parse().ok()?;
        parts.push(rest.get(digits..digits.checked_add(length)?)?);
        rest = rest.get(digits + length..)?;
    }
    Some(parts.join("::"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_readable() {
        let mangled = "_ZN9my_assets13AssetTransfer12create_asset17hab55ff702b472d03E";
        assert_eq!(readable(mangled), "my_assets::AssetTransfer::create_asset");
        let linked = "my_assets::AssetTransfer::create_asset::hab55ff702b472d03";
        assert_eq!(readable(linked), "my_assets::AssetTransfer::create_asset");
        assert_eq!(readable("_ZN99xE"), "_ZN99xE");
    }
}
