//! The methods of the shim's `ChaincodeStubInterface`, by the version of the shim.
//!
//! The SDK has all of them. A contract's own type for the interface, such as a wrapper that logs,
//! has only those of the version that its go.mod names.

use std::path::Path;

use super::BuildError;
use super::go_overlay::Overlay;
use super::output_folder::OutputFolder;

/// Methods that a minor version of the shim added to the interface.
struct Added {
    minor: u32,
    methods: &'static [&'static str],
    /// The SDK's file of these methods only, and the name of its interface.
    file: &'static str,
    interface: &'static str,
}

static ADDED: [Added; 3] = [
    Added {
        minor: 1,
        methods: &["StartWriteBatch", "FinishWriteBatch"],
        file: "added_in_2_1.go",
        interface: "addedIn21",
    },
    Added {
        minor: 2,
        methods: &["GetMultipleStates", "GetMultiplePrivateData"],
        file: "added_in_2_2.go",
        interface: "addedIn22",
    },
    Added {
        minor: 3,
        methods: &["GetAllStatesCompositeKeyWithPagination"],
        file: "added_in_2_3.go",
        interface: "addedIn23",
    },
];

/// The methods of a version of the shim.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct StubMethods {
    /// The minor version of the shim.
    minor: u32,
}

impl StubMethods {
    /// All methods that the SDK has.
    pub(super) const ALL: Self = Self { minor: u32::MAX };

    /// Returns the methods of a version such as `v2.1.0`.
    pub(super) fn of_version(version: &str) -> Self {
        let minor = version.split('.').nth(1).and_then(|minor| minor.parse().ok());
        Self { minor: minor.unwrap_or(u32::MAX) }
    }

    /// True if the compiler's messages say that a type lacks a method that this version of the shim
    /// lacks, too.
    pub(super) fn explain(self, words: &str) -> bool {
        let mut missing = self.missing().flat_map(|added| added.methods);
        missing.any(|method| words.contains(&format!("(missing method {method})")))
    }

    /// Makes the compiler leave the other methods out of the shim in a folder.
    pub(super) fn select(
        self,
        shim: &Path,
        sdk: &Path,
        output: &OutputFolder,
        overlay: &mut Overlay,
    ) -> Result<(), BuildError> {
        // An SDK of an earlier version, which a contract may name, does not have these files.
        for added in self.missing().filter(|added| sdk.join("shim").join(added.file).is_file()) {
            let own = output.file(added.file);
            let text = format!("package shim\n\ntype {} interface{{}}\n", added.interface);
            output.write(&own, text.as_bytes())?;
            overlay.replace(shim.join(added.file), own);
        }
        Ok(())
    }

    fn missing(self) -> impl Iterator<Item = &'static Added> {
        ADDED.iter().filter(move |added| added.minor > self.minor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SDK: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../guest-sdk/go");

    #[test]
    fn the_sdk_has_a_file_for_each_version() {
        let shim = Path::new(SDK).join("shim");
        for added in &ADDED {
            let text = std::fs::read_to_string(shim.join(added.file)).unwrap();
            assert!(text.contains(&format!("\ntype {} interface {{\n", added.interface)), "{text}");
            let methods = text.lines().filter(|line| {
                line.starts_with('\t') && line.contains('(') && !line.starts_with("\t\t")
            });
            let methods = methods.filter(|line| !line.starts_with("\t//"));
            let names: Vec<_> =
                methods.map(|line| line.trim_start().split('(').next().unwrap()).collect();
            assert_eq!(names, added.methods);
        }
    }

    #[test]
    fn only_what_the_version_lacks_is_left_out() {
        let words = |method| format!("does not implement shim.X (missing method {method})");
        for (version, method, explains) in [
            ("v2.0.0", "FinishWriteBatch", true),
            ("v2.0.0", "GetState", false),
            ("v2.1.0", "FinishWriteBatch", false),
            ("v2.1.0", "GetMultiplePrivateData", true),
            ("v2.2.1-0.20250101000000-abcdefabcdef", "GetMultipleStates", false),
            ("v2.2.0", "GetAllStatesCompositeKeyWithPagination", true),
            ("v2.3.0", "GetAllStatesCompositeKeyWithPagination", false),
            ("latest", "FinishWriteBatch", false),
        ] {
            let found = StubMethods::of_version(version).explain(&words(method));
            assert_eq!(found, explains, "{version} {method}");
        }
        let contract = tempfile::TempDir::new().unwrap();
        let output = OutputFolder::of(contract.path()).unwrap();
        let mut overlay = Overlay::default();
        let methods = StubMethods::of_version("v2.1.0");
        methods.select(Path::new("/shim"), contract.path(), &output, &mut overlay).unwrap();
        assert_eq!(format!("{overlay:?}"), "Overlay({})", "an SDK of an earlier version");
        methods.select(Path::new("/shim"), Path::new(SDK), &output, &mut overlay).unwrap();
        let overlay = format!("{overlay:?}");
        assert!(overlay.contains("\"/shim/added_in_2_2.go\": "), "{overlay}");
        assert!(overlay.contains("\"/shim/added_in_2_3.go\": "), "{overlay}");
        assert!(!overlay.contains("added_in_2_1"), "{overlay}");
        let empty = std::fs::read_to_string(output.file("added_in_2_3.go")).unwrap();
        assert_eq!(empty, "package shim\n\ntype addedIn23 interface{}\n");
    }
}
