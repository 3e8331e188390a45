//! Names of functions in components.

use rustc_demangle::try_demangle;

/// Returns a name as in the source, without the hash that rustc adds. Leaves names of other
/// languages unchanged.
pub(crate) fn readable(name: &str) -> String {
    // A linker may have decoded `_ZN...17h...E` and left the hash.
    try_demangle(name).map_or_else(|_| without_hash(name), |plain| format!("{plain:#}"))
}

fn without_hash(name: &str) -> String {
    match name.rsplit_once("::h") {
        Some((path, hash)) if hash.len() == 16 && hash.bytes().all(|b| b.is_ascii_hexdigit()) => {
            path.to_owned()
        }
        _ => name.to_owned(),
    }
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
        let of_trait = "_ZN33_$LT$a..B$u20$as$u20$c..Debug$GT$3fmt17h0123456789abcdefE";
        assert_eq!(readable(of_trait), "<a::B as c::Debug>::fmt");
        let of_std = "_RNvNtNtCs9pv848UzQwQ_4core3str8converts9from_utf8";
        assert_eq!(readable(of_std), "core::str::converts::from_utf8");
        for name in ["_ZN99xE", "transfer", "cabi_realloc"] {
            assert_eq!(readable(name), name);
        }
    }
}
