//! LSCC's rows: a chaincode's definition under its name, and its collections under
//! `name~collection` (fabric `core/common/privdata/collection.go`, `BuildCollectionKVSKey` and
//! `IsCollectionConfigKey`).
//!
//! Distinguishes the two kinds of rows. Does not decode them.

/// Separator in the keys of collections. No chaincode name contains it.
const SEPARATOR: char = '~';

/// A name under which LSCC may keep a definition. A name with a `~` is the key of collections.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LsccName<'a>(&'a str);

impl<'a> LsccName<'a> {
    /// Returns None if LSCC keeps no definition under this name, whatever the row contains.
    pub fn new(name: &'a str) -> Option<Self> {
        (!name.is_empty() && !name.contains(SEPARATOR)).then_some(Self(name))
    }

    /// The key of the definition.
    pub fn definition_key(self) -> &'a str {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_of_collections_is_no_name() {
        assert_eq!(LsccName::new("basic~collection"), None);
        assert_eq!(LsccName::new(""), None);
        assert_eq!(LsccName::new("basic").map(LsccName::definition_key), Some("basic"));
    }
}
