//! Go's workspaces, which a build ignores, as the builder of a Fabric peer does.

use std::cmp::Reverse;
use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::BuildError;
use super::go::Go;
use super::go_modules::Modules;
use crate::builder_script::relative;

/// The parts of `go work edit -json` that are read.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Workspace {
    r#use: Option<Vec<Used>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Used {
    disk_path: PathBuf,
}

/// Adds a hint to an error that is about a module of the workspace around the contract.
pub(super) fn explained(go: &Go<'_>, modules: &Modules, error: BuildError) -> BuildError {
    let add = |words: String| match hint(go, modules, &words) {
        Some(hint) => format!("{}\n  hint: {hint}", words.trim_end()),
        None => words,
    };
    match error {
        BuildError::Compile { folder, words } => BuildError::Compile { folder, words: add(words) },
        BuildError::GoManifest { folder, words } => {
            BuildError::GoManifest { folder, words: add(words) }
        }
        other => other,
    }
}

fn hint(go: &Go<'_>, modules: &Modules, words: &str) -> Option<String> {
    let mut files = go.module().ancestors().map(|folder| folder.join("go.work"));
    let file = files.find(|file| file.is_file())?;
    let text = go.run(&["work".as_ref(), "edit".as_ref(), "-json".as_ref(), file.as_os_str()]);
    let workspace: Workspace = serde_json::from_str(&text.ok()?).ok()?;
    let paths = workspace.r#use.into_iter().flatten().map(|used| used.disk_path);
    let folders = paths.filter_map(|path| file.parent()?.join(path).canonicalize().ok());
    let contract = go.module().canonicalize().ok()?;
    replacements(&contract, folders, |module| modules.replaces(module), words)
}

/// Returns what go.mod needs for the modules in `folders` that are missing by the compiler's
/// messages.
fn replacements(
    contract: &Path,
    folders: impl Iterator<Item = PathBuf>,
    replaces: impl Fn(&str) -> bool,
    words: &str,
) -> Option<String> {
    // Packages are compiled, and named in such lines, only if none is missing.
    if words.lines().any(|line| line.starts_with("# ")) {
        return None;
    }
    let name = |folder: &Path| module_name(&fs::read_to_string(folder.join("go.mod")).ok()?);
    let mut modules: Vec<(String, PathBuf)> = folders
        .filter(|folder| folder != contract)
        .chain([contract.to_owned()])
        .filter_map(|folder| Some((name(&folder)?, folder)))
        .collect();
    // A package is of the module with the longest name that fits: a module may lie in another one.
    modules.sort_by_key(|(name, _)| Reverse(name.len()));
    let mut rest = words.to_owned();
    let mut lines = Vec::new();
    for (name, folder) in modules {
        let is_named = names(&rest, &name);
        rest = rest.replace(&name, "");
        if is_named && folder != contract && !replaces(&name) {
            let to = relative(contract, &folder);
            let to = if to.starts_with("..") { to } else { Path::new(".").join(to) };
            lines.push(format!("\n    replace {name} => {}", quoted(&to.display().to_string())));
        }
    }
    (!lines.is_empty()).then(|| {
        format!(
            "the build does not use go.work: write into the contract's go.mod{}",
            lines.concat()
        )
    })
}

/// Returns a path as go.mod has it.
fn quoted(path: &str) -> String {
    match path.contains(|c: char| c.is_whitespace() || "\"'`,()[]{}".contains(c)) {
        true => format!("{path:?}"),
        false => path.to_owned(),
    }
}

/// Returns true if a module, or a package of it, is in the compiler's messages.
pub(super) fn names(words: &str, module: &str) -> bool {
    words.match_indices(module).any(|(at, _)| {
        let (before, after) = (&words[..at], &words[at + module.len()..]);
        let is_part = |c: char| c.is_ascii_alphanumeric() || "-_~/".contains(c);
        let mut ends = after.split(|c: char| c.is_whitespace() || ":;,".contains(c));
        let is_file = ends.next().is_some_and(|end| end.ends_with(".go"));
        !is_file
            && !before.ends_with(|c: char| is_part(c) || c == '.')
            && !after.starts_with(|c: char| is_part(c) && c != '/')
    })
}

/// Returns the name in the text of a go.mod.
fn module_name(manifest: &str) -> Option<String> {
    let name = manifest.lines().find_map(|line| {
        let mut words = line.split("//").next()?.split_whitespace();
        (words.next()? == "module").then(|| words.next())?
    })?;
    Some(name.trim_matches(['"', '`']).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Makes folders with these texts of go.mod; returns the folder around them.
    fn workspace(modules: &[(&str, &str)]) -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        for (at, manifest) in modules {
            fs::create_dir_all(root.join(at)).unwrap();
            fs::write(root.join(at).join("go.mod"), manifest).unwrap();
        }
        (folder, root)
    }

    #[test]
    fn modules_of_the_workspace_are_replaced_by_their_folders() {
        let (_folder, root) = workspace(&[
            ("cc", "module x.org/cc // it\n"),
            ("common", "module x.org/common // it\n"),
            ("cc/in", "module x.org/in // it\n"),
        ]);
        let said = |words: &str| {
            let folders = ["cc", "common", "cc/in", "gone"].map(|at| root.join(at));
            replacements(&root.join("cc"), folders.into_iter(), |_| false, words)
        };
        let hint = "the build does not use go.work: write into the contract's go.mod\n    replace \
                    x.org/common => ../common";
        let unknown = "main.go:4:2: x.org/common@v0.0.0: unrecognized import path";
        assert_eq!(said(unknown).as_deref(), Some(hint));
        let hint = hint.replace("x.org/common => ../common", "x.org/in => ./in");
        assert_eq!(said("no module provides package x.org/in/a;"), Some(hint));
        for other in ["x.org/cc: no", "x.org/common2: no", "y/x.org/common: no", "main.go:1: x"] {
            assert_eq!(said(other), None, "{other}");
        }
        let folders = [root.join("common")].into_iter();
        let said = replacements(&root.join("cc"), folders, |name| name == "x.org/common", unknown);
        assert_eq!(said, None, "go.mod replaces it");
    }

    #[test]
    fn a_package_is_of_the_innermost_module() {
        let (_folder, root) = workspace(&[
            ("", "module\tx.org/app\n"),
            ("cc", "module\tx.org/app/cc\n"),
            ("lib", "module\tlib\n"),
        ]);
        let said = |words: &str| {
            let folders = [root.clone(), root.join("lib")].into_iter();
            replacements(&root.join("cc"), folders, |_| false, words)
        };
        let other = said("main.go:4:2: no required module provides package x.org/app/log");
        assert!(other.is_some_and(|hint| hint.ends_with("\n    replace x.org/app => ..")));
        let local = said("main.go:4:2: package lib/log is not in std (/go/src/lib/log)");
        assert!(local.is_some_and(|hint| hint.ends_with("\n    replace lib => ../lib")));
        for own in [
            "# x.org/app/cc\n./main.go:11:76: undefined: shim.Succes\n",
            "# x.org/app\n../app.go:1:7: x.org/app.Log is no type\n",
            "main.go:4:2: cannot find module providing package x.org/app/cc/log: no\n",
            "lib/a.go:4:2: cannot find module providing package x.org/z: no\n",
            "lib.go:4:2: cannot find module providing package x.org/z: no\n",
        ] {
            assert_eq!(said(own), None, "{own}");
        }
    }

    #[test]
    fn paths_are_quoted_as_go_mod_needs_it() {
        assert_eq!(quoted("../the common"), r#""../the common""#);
        assert_eq!(quoted("../common_2.x~y"), "../common_2.x~y");
        for text in ["module x.org/a", "// a\nmodule\tx.org/a // b", "module \"x.org/a\"\ngo 1.21"]
        {
            assert_eq!(module_name(text).as_deref(), Some("x.org/a"), "{text}");
        }
        assert_eq!(module_name("go 1.21\nmodules x"), None);
    }
}
