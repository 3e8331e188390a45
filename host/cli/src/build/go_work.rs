//! Go's workspaces, which a build ignores, as the builder of a Fabric peer does.

use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::BuildError;
use super::go::Go;
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
pub(super) fn explained(go: &Go<'_>, error: BuildError) -> BuildError {
    let add = |words: String| match hint(go, &words) {
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

fn hint(go: &Go<'_>, words: &str) -> Option<String> {
    let mut files = go.module().ancestors().map(|folder| folder.join("go.work"));
    let file = files.find(|file| file.is_file())?;
    let text = go.run(&["work".as_ref(), "edit".as_ref(), "-json".as_ref(), file.as_os_str()]);
    let workspace: Workspace = serde_json::from_str(&text.ok()?).ok()?;
    let paths = workspace.r#use.into_iter().flatten().map(|used| used.disk_path);
    replacements(go.module(), file.parent()?, paths, words)
}

/// Returns what go.mod needs for the modules of a workspace that `words` name.
fn replacements(
    module: &Path,
    workspace: &Path,
    paths: impl Iterator<Item = PathBuf>,
    words: &str,
) -> Option<String> {
    let lines: Vec<String> = paths
        .filter_map(|path| {
            let folder = workspace.join(path).canonicalize().ok()?;
            let name = module_name(&fs::read_to_string(folder.join("go.mod")).ok()?)?;
            let is_other = folder != module && names(words, &name);
            let to = relative(module, &folder);
            let to = if to.starts_with("..") { to } else { Path::new(".").join(to) };
            is_other.then(|| format!("\n    replace {name} => {}", to.display()))
        })
        .collect();
    (!lines.is_empty()).then(|| {
        format!(
            "the build does not use go.work: write into the contract's go.mod{}",
            lines.concat()
        )
    })
}

/// Returns true if a module, or a package of it, is in the compiler's messages.
fn names(words: &str, module: &str) -> bool {
    words.match_indices(module).any(|(at, _)| {
        let (before, after) = (&words[..at], &words[at + module.len()..]);
        let is_part = |c: char| c.is_ascii_alphanumeric() || "-_~/".contains(c);
        !before.ends_with(|c: char| is_part(c) || c == '.')
            && !after.starts_with(|c: char| is_part(c) && c != '/')
    })
}

/// Returns the name in the text of a go.mod.
fn module_name(manifest: &str) -> Option<String> {
    let name = manifest.lines().find_map(|line| line.trim().strip_prefix("module "))?;
    let name = name.split("//").next()?.trim().trim_matches('"');
    (!name.is_empty()).then(|| name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modules_of_the_workspace_are_replaced_by_their_folders() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        for (at, name) in [("cc", "x.org/cc"), ("common", "x.org/common"), ("cc/in", "x.org/in")] {
            fs::create_dir_all(root.join(at)).unwrap();
            fs::write(root.join(at).join("go.mod"), format!("module {name} // it\n")).unwrap();
        }
        let said = |words: &str| {
            let paths = ["./cc", "./common", "cc/in", "./gone"].map(PathBuf::from);
            replacements(&root.join("cc"), &root, paths.into_iter(), words)
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
    }
}
