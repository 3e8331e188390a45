//! Contracts whose modules are copies in the folder `vendor`: the compiler gets other files for
//! some of them, and the copies stay as they are.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::json;

use super::BuildError;
use super::go_modules::sources;
use super::output_folder::OutputFolder;

/// The list of what is in the folder.
const LIST: &str = "vendor/modules.txt";

/// Whether the contract has a copy of a module.
pub(super) fn has(contract: &Path, module: &str) -> bool {
    let list = fs::read_to_string(contract.join(LIST)).unwrap_or_default();
    list.lines().any(|line| line.starts_with(&format!("# {module} ")))
}

/// The flags by which the compiler reads the files of these folders in place of the modules' own.
pub(super) fn flags(
    contract: &Path,
    output: &OutputFolder,
    replaced: &[(&str, PathBuf)],
) -> Result<Vec<String>, BuildError> {
    let mut files: BTreeMap<PathBuf, PathBuf> = BTreeMap::new();
    let mut list = fs::read_to_string(contract.join(LIST)).unwrap_or_default();
    for (module, folder) in replaced {
        let copy = contract.join("vendor").join(module);
        let mut packages = Vec::new();
        below(&copy, Path::new(""), &mut packages);
        // Nothing is left of the copy: an empty path means that there is no such file.
        for package in packages.drain(..) {
            let names = sources(&copy.join(&package));
            files.extend(names.iter().map(|name| (copy.join(&package).join(name), PathBuf::new())));
        }
        below(folder, Path::new(""), &mut packages);
        for package in &packages {
            for name in sources(&folder.join(package)) {
                files.insert(copy.join(package).join(&name), folder.join(package).join(&name));
            }
        }
        list = listed(&list, module, &packages);
    }
    let own_list = output.file("modules.txt");
    output.write(&own_list, list.as_bytes())?;
    files.insert(contract.join(LIST), own_list);
    let overlay = output.file("overlay.json");
    output.write(&overlay, json!({ "Replace": files }).to_string().as_bytes())?;
    Ok(vec!["-mod=vendor".to_owned(), format!("-overlay={}", overlay.display())])
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

/// The list with these packages of a module, in place of those that it names.
fn listed(list: &str, module: &str, packages: &[PathBuf]) -> String {
    let mut lines = Vec::new();
    let mut is_of_module = false;
    for line in list.lines() {
        match line.starts_with('#') {
            true if line.starts_with(&format!("# {module} ")) => is_of_module = true,
            true if line.starts_with("## ") => {}
            true => is_of_module = false,
            false if is_of_module => continue,
            false => {}
        }
        lines.push(line.to_owned());
        if is_of_module && line.starts_with("## ") {
            let name = |package: &PathBuf| match package.as_os_str().is_empty() {
                true => module.to_owned(),
                false => format!("{module}/{}", package.display()),
            };
            lines.extend(packages.iter().map(name));
        }
    }
    lines.join("\n") + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_names_the_packages_that_are_there_instead() {
        let list = "# a.b/c v1.0.0\n## explicit; go 1.23\na.b/c/old\n# a.b/d v1.0.0\n## explicit\na.b/d\n";
        let packages = [PathBuf::from("new"), PathBuf::new()];
        assert_eq!(
            listed(list, "a.b/c", &packages),
            "# a.b/c v1.0.0\n## explicit; go 1.23\na.b/c/new\na.b/c\n# a.b/d v1.0.0\n## explicit\na.b/d\n"
        );
    }
}
