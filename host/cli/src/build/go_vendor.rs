//! Contracts with their modules in the folder `vendor`: the compiler reads other files for some
//! modules. The copies are not changed.
//!
//! Invariant: adds no package that the original module lacks. The compiler takes the packages from
//! a list that cannot be replaced.

use std::fs;
use std::path::{Path, PathBuf};

use super::go_modules::sources;
use super::go_overlay::Overlay;

/// The list of the folder's contents.
const LIST: &str = "vendor/modules.txt";

/// True if the contract has a copy of a module.
pub(super) fn has(contract: &Path, module: &str) -> bool {
    let list = fs::read_to_string(contract.join(LIST)).unwrap_or_default();
    list.lines().any(|line| line.starts_with(&format!("# {module} ")))
}

/// Returns the folder of a module's copy.
pub(super) fn copy_of(contract: &Path, module: &str) -> PathBuf {
    contract.join("vendor").join(module)
}

/// Makes the compiler read the files of these folders instead of the modules' copies.
pub(super) fn replace(contract: &Path, replaced: &[(&str, PathBuf)], overlay: &mut Overlay) {
    for (module, folder) in replaced {
        let copy = copy_of(contract, module);
        let mut packages = Vec::new();
        below(&copy, Path::new(""), &mut packages);
        // All files of the copy are hidden.
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

/// Adds the folders with Go files in a folder and below it that belong to the same module.
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
