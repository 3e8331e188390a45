//! LSCC's rows: a chaincode's definition under its name, and its collections under
//! `name~collection` (fabric `core/common/privdata/collection.go`, `BuildCollectionKVSKey` and
//! `IsCollectionConfigKey`).
//!
//! Tells the two kinds of rows apart. Does not decode them.

/// Part of the key of collections, and of no name.
const SEPARATOR: char = '~';

/// A name under which LSCC may keep a definition. A name with a `~` is the key of collections.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LsccName<'a>(&'a str);

impl<'a> LsccName<'a> {
    /// None if LSCC keeps no definition under this name, whatever the row has.
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
