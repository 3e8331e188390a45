//! Earlier major versions of Fabric's Go modules, which the SDK does not replace.

use super::go_modules::SHIM;
use super::go_work::names;

/// Such a module.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct OldModule {
    /// Its path, in words for a person.
    pub(crate) module: &'static str,
    /// What to do.
    pub(crate) hint: &'static str,
    /// Its path in a go.mod.
    path: &'static str,
    /// The path of its current version.
    current: &'static str,
    /// Its package that contracts import.
    package: &'static str,
}

const SHIM_HINT: &str = "import github.com/hyperledger/fabric-chaincode-go/v2 and \
                         fabric-protos-go-apiv2: a response is a pointer there (*peer.Response)";

/// The contract API comes first: it uses the shim, which the contract may not import itself.
static OLD: [OldModule; 3] = [
    OldModule {
        module: "github.com/hyperledger/fabric-contract-api-go without /v2",
        hint: "import github.com/hyperledger/fabric-contract-api-go/v2/contractapi instead of \
               github.com/hyperledger/fabric-contract-api-go/contractapi, the other packages \
               likewise, and run `go mod tidy`",
        path: "github.com/hyperledger/fabric-contract-api-go",
        current: "github.com/hyperledger/fabric-contract-api-go/v2",
        package: "github.com/hyperledger/fabric-contract-api-go/contractapi",
    },
    OldModule {
        module: "github.com/hyperledger/fabric-chaincode-go without /v2",
        hint: SHIM_HINT,
        path: "github.com/hyperledger/fabric-chaincode-go",
        current: SHIM,
        package: "github.com/hyperledger/fabric-chaincode-go/shim",
    },
    OldModule {
        module: "the shim of Fabric 1, github.com/hyperledger/fabric/core/chaincode/shim",
        hint: SHIM_HINT,
        // A package of the peer's module, which a contract may require for other packages. So only
        // its functions in a program count.
        path: "github.com/hyperledger/fabric/core/chaincode/shim",
        current: SHIM,
        package: "github.com/hyperledger/fabric/core/chaincode/shim",
    },
];

/// Returns the old module that a contract is written for. A go.mod before Go 1.17 lists only
/// modules that the contract imports; a later one may list modules that it no longer needs.
pub(super) fn required(requires: impl Fn(&str) -> bool) -> Option<&'static OldModule> {
    OLD.iter().find(|old| requires(old.path) && !requires(old.current) && !requires(SHIM))
}

/// Returns the old module whose functions are in a program, by their names, which the linker keeps
/// in a table. A name there follows the NUL that ends the one before; texts have none between them.
pub(super) fn linked(has_text: impl Fn(&str) -> bool) -> Option<&'static OldModule> {
    OLD.iter().find(|old| has_text(&format!("\0{}.", old.package)))
}

/// Returns the old module that the compiler's messages name.
pub(super) fn named(words: &str) -> Option<&'static OldModule> {
    OLD.iter().find(|old| names(words, old.package))
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONTRACT_API: &str = "github.com/hyperledger/fabric-contract-api-go";
    const OLD_SHIM: &str = "github.com/hyperledger/fabric-chaincode-go";

    #[test]
    fn the_module_that_the_contract_imports_is_named() {
        let named = |required_ones: &[&str]| {
            required(|module| required_ones.contains(&module)).map(|old| old.module)
        };
        let api = named(&[CONTRACT_API]);
        assert_eq!(api, Some("github.com/hyperledger/fabric-contract-api-go without /v2"));
        assert_eq!(named(&[OLD_SHIM, CONTRACT_API]), api);
        let shim = named(&[OLD_SHIM]);
        assert_eq!(shim, Some("github.com/hyperledger/fabric-chaincode-go without /v2"));
        let current = format!("{CONTRACT_API}/v2");
        for fits in [&[SHIM, OLD_SHIM][..], &[&current, CONTRACT_API], &[SHIM, CONTRACT_API]] {
            assert_eq!(named(fits), None, "{fits:?}");
        }
    }

    #[test]
    fn a_program_has_the_names_of_its_functions() {
        let linked_of = |text: &str| linked(|name| text.contains(name)).map(|old| old.path);
        let both =
            format!("main.main\0{OLD_SHIM}/shim.Start\0{CONTRACT_API}/contractapi.(*C).Start");
        assert_eq!(linked_of(&both), Some(CONTRACT_API));
        assert_eq!(linked_of(&format!("main.main\0{OLD_SHIM}/shim.Start\0")), Some(OLD_SHIM));
        assert_eq!(linked_of(&format!("main.main\0{SHIM}/shim.Start")), None);
        assert_eq!(linked_of(&format!("a text of {OLD_SHIM}/shim.Start")), None);
    }

    #[test]
    fn messages_name_the_old_package_that_is_missing() {
        let missing = |package: &str| {
            let words = format!("main.go:4:2: cannot find module providing package {package}: no");
            named(&words).map(|old| old.module)
        };
        let fabric = "github.com/hyperledger/fabric/core/chaincode/shim";
        assert_eq!(
            missing(fabric),
            Some("the shim of Fabric 1, github.com/hyperledger/fabric/core/chaincode/shim")
        );
        let shim = missing(&format!("{OLD_SHIM}/shim"));
        assert_eq!(shim, Some("github.com/hyperledger/fabric-chaincode-go without /v2"));
        for other in [format!("{SHIM}/shim"), format!("{OLD_SHIM}/shimtest"), "x".into()] {
            assert_eq!(missing(&other), None, "{other}");
        }
    }
}
