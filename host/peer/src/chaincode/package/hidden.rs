//! Hidden files, such as `.DS_Store` and the `._` files in archives made on macOS. Users often do
//! not notice them (fabric `core/chaincode/platforms/util/writer.go`).

use crate::chaincode::package::tar_gz::Files;

/// Returns true if a file or one of its folders is hidden.
pub fn is_hidden(name: &str) -> bool {
    name.split('/').any(|part| part.starts_with('.') && !matches!(part, "." | ".."))
}

/// Skips hidden files, with a warning for each.
pub(super) fn without_hidden(files: Files) -> Files {
    let is_seen = |(name, _): &(String, Vec<u8>)| {
        let hidden = is_hidden(name);
        if hidden {
            tracing::warn!(file = %name, "skipped a hidden file of a chaincode package");
        }
        !hidden
    };
    files.into_iter().filter(is_seen).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hidden_files_and_files_of_hidden_folders_are_known() {
        for name in [".a", "._a.json", "META-INF/.DS_Store", ".git/config", "a/.b/c", "a/..."] {
            assert!(is_hidden(name), "{name}");
        }
        for name in ["a", "a.json", "META-INF/statedb/a.json", "b/../a", "./a", "_a", "a."] {
            assert!(!is_hidden(name), "{name}");
        }
    }
}
