//! Contracts whose modules are copies in the folder `vendor`: the compiler gets other files for
//! some of them, and the copies stay as they are.
//!
//! Invariant: no package is added that the original module does not have. The compiler reads which
//! ones there are in a list that cannot be replaced.

use std::fs;
use std::path::{Path, PathBuf};

use super::go_modules::sources;
use super::go_overlay::Overlay;

/// The list of what is in the folder.
const LIST: &str = "vendor/modules.txt";

/// Whether the contract has a copy of a module.
pub(super) fn has(contract: &Path, module: &str) -> bool {
    let list = fs::read_to_string(contract.join(LIST)).unwrap_or_default();
    list.lines().any(|line| line.starts_with(&format!("# {module} ")))
}

/// The folder of a module's copy.
pub(super) fn copy_of(contract: &Path, module: &str) -> PathBuf {
    contract.join("vendor").join(module)
}

/// Has the compiler read the files of these folders in place of the modules' own.
pub(super) fn replace(contract: &Path, replaced: &[(&str, PathBuf)], overlay: &mut Overlay) {
    for (module, folder) in replaced {
        let copy = copy_of(contract, module);
        let mut packages = Vec::new();
        below(&copy, Path::new(""), &mut packages);
        // Nothing is left of the copy.
        for package in packages.drain(..) {
            for name in sources(&copy.join(&package)) {
                overlay.remove(copy.join(&package).join(name));
            }
        }
        below(folder, Path::new(""), &mut packages);
        packages.retain(|package| copy.join(package).is_dir());
        for package in &packages {
            for name in sources(&folder.join(package)) {
                overlay.replace(copy.join(package).join(&name), folder.join(package).join(&name));
            }
        }
    }
}

/// The folders with Go files below a folder, itself included, that are of the same module.
fn below(root: &Path, relative: &Path, packages: &mut Vec<PathBuf>) {
    let folder = root.join(relative);
    if !relative.as_os_str().is_empty() && folder.join("go.mod").is_file() {
        return;
    }
    if !sources(&folder).is_empty() {
        packages.push(relative.to_owned());
    }
    let entries = fs::read_dir(&folder).into_iter().flatten().flatten();
    let mut names: Vec<_> = entries
        .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()))
        .map(|entry| entry.file_name())
        .collect();
    names.sort();
    for name in names {
        below(root, &relative.join(name), packages);
    }
}
