//! Time stamps of a contract's files.

use std::collections::{BTreeMap, VecDeque};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use crate::dev::contract::{Contract, Source};

/// Limits on the files of a project: on sources, on others, and on directory entries read.
const MAX_SOURCES: usize = 5_000;
const MAX_OTHERS: usize = 5_000;
const MAX_ENTRIES: usize = 20_000;
/// Extensions of sources. They have a limit of their own: test data may have more files than
/// anything else.
const SOURCES: [&str; 14] =
    ["c", "cjs", "cts", "go", "h", "js", "mjs", "mod", "mts", "py", "rs", "toml", "ts", "tsx"];
/// Folders without sources, at any depth.
const NEVER_SOURCES: [&str; 2] = ["node_modules", "__pycache__"];
/// Output folders of builds beside a manifest. Elsewhere, folders of these names may have sources.
const BUILT: [&str; 4] = ["target", "dist", "build", "venv"];
/// Files that mark a folder inside a project as one with builds of its own.
const MANIFESTS: [&str; 4] = ["Cargo.toml", "package.json", "pyproject.toml", "setup.py"];
/// The file that marks a virtual environment of Python.
const ENVIRONMENT: &str = "pyvenv.cfg";
/// Files that tools write beside a manifest during a build.
const LOCKS: [&str; 3] = ["Cargo.lock", "go.sum", "package-lock.json"];

/// The files' modification times and sizes.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Stamps {
    files: BTreeMap<PathBuf, (SystemTime, u64)>,
    /// There are more files than the limits allow.
    pub(super) is_cut: bool,
}

/// The state of a search for a project's files.
struct Search {
    folders: VecDeque<PathBuf>,
    /// The real paths of the project and of the targets of symbolic links.
    places: Vec<PathBuf>,
    sources: usize,
    others: usize,
    entries: usize,
}

impl Stamps {
    /// Returns the stamps of a contract and of further files.
    pub(super) fn of(contract: &Contract, further: &[PathBuf]) -> Self {
        let mut stamps = Self::default();
        match &contract.source {
            Source::Component(path) => stamps.add(path),
            Source::Project(folder) => stamps.add_folder(folder),
            Source::Service(_) => {}
        }
        further.iter().chain(&contract.collections).for_each(|path| stamps.add(path));
        stamps
    }

    /// Returns the files of the finished build. Files that changed during the build are left out,
    /// so they are built next. New files count only if the tool has written them or reports that it
    /// has read them.
    pub(super) fn and_built(mut self, after: Self, read: &[PathBuf]) -> Self {
        for (path, stamp) in after.files {
            if self.files.contains_key(&path) {
                continue;
            }
            let is_lock =
                path.file_name().is_some_and(|name| LOCKS.iter().any(|lock| name == *lock));
            if is_lock || read.contains(&path) {
                self.files.insert(path, stamp);
            }
        }
        self.is_cut = after.is_cut;
        self
    }

    pub(super) fn is_empty(&self) -> bool {
        self.files.is_empty()
    }

    /// Adds a file, if it exists.
    pub(super) fn add(&mut self, path: &Path) {
        if let Ok(metadata) = fs::metadata(path)
            && let Ok(modified) = metadata.modified()
        {
            self.files.insert(path.to_owned(), (modified, metadata.len()));
        }
    }

    fn add_folder(&mut self, root: &Path) {
        let mut search = Search {
            folders: [root.to_owned()].into(),
            places: root.canonicalize().into_iter().collect(),
            sources: 0,
            others: 0,
            entries: 0,
        };
        while let Some(folder) = search.folders.pop_front() {
            let is_root = folder == root;
            if is_root || !folder.join(ENVIRONMENT).is_file() {
                self.add_entries(&folder, is_root, &mut search);
            }
        }
    }

    /// Adds the files in a folder, and queues its folders.
    fn add_entries(&mut self, folder: &Path, is_root: bool, search: &mut Search) {
        let has_builds = is_root || MANIFESTS.iter().any(|name| folder.join(name).is_file());
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            let name = entry.file_name();
            if name.as_encoded_bytes().starts_with(b".") {
                continue;
            }
            search.entries += 1;
            if search.entries > MAX_ENTRIES {
                self.is_cut = true;
                return;
            }
            let path = entry.path();
            let Ok(kind) = entry.file_type() else { continue };
            let is_link = kind.is_symlink();
            let kind =
                if is_link { fs::metadata(&path).map(|it| it.file_type()) } else { Ok(kind) };
            let is_built = NEVER_SOURCES.iter().any(|never| name == *never)
                || has_builds && BUILT.iter().any(|built| name == *built);
            match kind {
                Ok(kind)
                    if kind.is_dir() && !is_built && (!is_link || search.is_new_place(&path)) =>
                {
                    search.folders.push_back(path);
                }
                Ok(kind) if kind.is_file() => match search.has_room(&path) {
                    true => self.add(&path),
                    false => self.is_cut = true,
                },
                _ => {}
            }
        }
    }
}

impl Search {
    /// True if a link leads to a folder outside of those that are searched anyway. Prevents
    /// circles.
    fn is_new_place(&mut self, link: &Path) -> bool {
        let Ok(place) = link.canonicalize() else { return false };
        let is_around = self.places.first().is_some_and(|project| project.starts_with(&place));
        if is_around || self.places.iter().any(|known| place.starts_with(known)) {
            return false;
        }
        self.places.push(place);
        true
    }

    /// Counts a file; true if its kind is within the limit.
    fn has_room(&mut self, path: &Path) -> bool {
        let is_source =
            path.extension().is_some_and(|ending| SOURCES.iter().any(|it| ending == *it));
        let (count, limit) = match is_source {
            true => (&mut self.sources, MAX_SOURCES),
            false => (&mut self.others, MAX_OTHERS),
        };
        *count += 1;
        *count <= limit
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_of_sources_are_seen_and_those_of_builds_are_not() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        fs::create_dir_all(path("src")).unwrap();
        fs::create_dir_all(path("target/release")).unwrap();
        fs::write(path("src/lib.rs"), "1").unwrap();
        let mut contract: Contract = format!("a={}", folder.path().display()).parse().unwrap();
        let before = Stamps::of(&contract, &[]);
        fs::write(path("target/release/x.wasm"), "x").unwrap();
        fs::write(path(".hidden"), "x").unwrap();
        assert_eq!(Stamps::of(&contract, &[]), before);
        fs::write(path("src/lib.rs"), "12").unwrap();
        let later = Stamps::of(&contract, &[]);
        assert_ne!(later, before);
        fs::create_dir(path(".elsewhere")).unwrap();
        fs::write(path(".elsewhere/collections.json"), "[]").unwrap();
        contract.collections = Some(path(".elsewhere/collections.json"));
        assert_ne!(Stamps::of(&contract, &[]), later);
    }

    #[test]
    fn folders_called_like_those_of_builds_are_watched_inside_of_a_project() {
        let folder = tempfile::tempdir().unwrap();
        let contract: Contract = format!("a={}", folder.path().display()).parse().unwrap();
        let is_seen = |path: &str| {
            let path = folder.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, "x").unwrap();
            Stamps::of(&contract, &[]).files.contains_key(&path)
        };
        for path in ["src/build/a.ts", "src/dist/a.js", "app/target/a.py", "app/venv/a.py"] {
            assert!(is_seen(path), "{path}");
        }
        assert!(is_seen("inner/package.json"));
        for path in ["build/a.js", "dist/a.js", "target/a", "venv/a.py", "inner/dist/a.js"] {
            assert!(!is_seen(path), "{path}");
        }
        assert!(is_seen("env/a.py"));
        fs::write(folder.path().join("env/pyvenv.cfg"), "x").unwrap();
        for path in ["env/a.py", "src/node_modules/a.js", "app/__pycache__/a.pyc", "src/.git/a"] {
            assert!(!is_seen(path), "{path}");
        }
    }

    #[test]
    fn what_is_made_while_a_build_runs_is_not_built() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        let write = |name: &str, text: &str| fs::write(path(name), text).unwrap();
        fs::create_dir(path("app")).unwrap();
        let contract: Contract = format!("a={}", path("app").display()).parse().unwrap();
        write("app/main.go", "1");
        write("shared.go", "1");
        let read = [path("shared.go")];
        let before = || Stamps::of(&contract, &[]);
        let after = || Stamps::of(&contract, &read);
        let built = before().and_built(after(), &read);
        assert_eq!(built, after());
        let begun = before();
        write("app/go.sum", "1");
        assert_eq!(begun.and_built(after(), &read), after());
        let begun = before();
        write("app/helper.go", "1");
        assert_ne!(begun.and_built(after(), &read), after());
        let begun = before();
        write("app/main.go", "12");
        assert_ne!(begun.and_built(after(), &read), after());
        let begun = before();
        fs::remove_file(path("app/helper.go")).unwrap();
        assert_ne!(begun.and_built(after(), &read), after());
    }

    #[test]
    fn sources_are_watched_however_many_other_files_there_are() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        let contract: Contract = format!("a={}", folder.path().display()).parse().unwrap();
        fs::create_dir_all(path("src/inner")).unwrap();
        fs::create_dir(path("data")).unwrap();
        fs::write(path("src/inner/contract.c"), "x").unwrap();
        assert!(!Stamps::of(&contract, &[]).is_cut);
        for number in 0..=MAX_OTHERS {
            fs::write(path(&format!("data/{number}")), "").unwrap();
        }
        let stamps = Stamps::of(&contract, &[]);
        assert!(stamps.is_cut && stamps.files.contains_key(&path("src/inner/contract.c")));
    }

    #[test]
    fn links_are_followed_and_come_to_an_end() {
        use std::os::unix::fs::symlink;
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        fs::create_dir_all(path("app/src")).unwrap();
        fs::create_dir_all(path("all/inner")).unwrap();
        fs::create_dir(path("common")).unwrap();
        fs::write(path("outside.c"), "x").unwrap();
        fs::write(path("common/a.c"), "x").unwrap();
        fs::write(path("all/b.c"), "x").unwrap();
        // First a folder, then its parent.
        symlink("../all/inner", path("app/inner")).unwrap();
        symlink("../../all", path("app/src/all")).unwrap();
        symlink(".", path("all/inner/again")).unwrap();
        symlink(path("outside.c"), path("app/contract.c")).unwrap();
        symlink("../../common", path("app/src/common")).unwrap();
        symlink("..", path("common/all")).unwrap();
        symlink(path("app"), path("app/src/app")).unwrap();
        symlink("nowhere", path("app/none.c")).unwrap();
        let contract: Contract = format!("a={}", path("app").display()).parse().unwrap();
        let stamps = Stamps::of(&contract, &[]);
        let seen: Vec<_> = stamps.files.keys().cloned().collect();
        let expected = ["app/contract.c", "app/src/all/b.c", "app/src/common/a.c"];
        assert_eq!(seen, expected.map(path));
        fs::write(path("outside.c"), "xx").unwrap();
        assert_ne!(Stamps::of(&contract, &[]), stamps);
    }
}
