//! Watches the files of a contract and deploys it again when they change.
//!
//! Files are looked at again and again, a component a hundred times a second. That costs less than
//! a thousandth of a processor, works on every file system, and sees a file that is replaced as
//! well as one that is written.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use serde::de::IgnoredAny;

use crate::dev::contract::{Contract, Source};
use crate::dev::deploying::{Deployer, build};
use crate::dev::events::Events;

/// Pause between two checks of a component.
const COMPONENT: Duration = Duration::from_millis(10);
/// Pause between two checks of a project, which has more files.
const PROJECT: Duration = Duration::from_millis(150);
/// How long an unfinished file stands still before it is deployed, and refused, as it is: whoever
/// copies it on a busy machine may pause.
const STALLED: Duration = Duration::from_secs(1);
/// Limit of files of a project.
const MAX_FILES: usize = 5_000;
/// Folders that hold no sources, wherever they are.
const NEVER_SOURCES: [&str; 2] = ["node_modules", "__pycache__"];
/// Folders that builds write beside the manifest of a project. Elsewhere they may have sources.
const BUILT: [&str; 4] = ["target", "dist", "build", "venv"];
/// What makes a folder inside of a project one with builds of its own.
const MANIFESTS: [&str; 4] = ["Cargo.toml", "package.json", "pyproject.toml", "setup.py"];

/// When the files were changed, and their sizes.
#[derive(Debug, Default, PartialEq, Eq)]
struct Stamps(BTreeMap<PathBuf, (SystemTime, u64)>);

/// One contract that is watched.
pub(super) struct Watch {
    contract: Contract,
    deployer: Arc<Deployer>,
    events: Events,
    seen: Stamps,
    /// Files outside of the folder from which the component was built.
    further: Vec<PathBuf>,
}

impl Watch {
    /// The files as they are now are those that the first deployment is made of.
    pub(super) fn new(contract: Contract, deployer: Arc<Deployer>, events: Events) -> Self {
        let seen = Stamps::of(&contract, &[]);
        Self { contract, deployer, events, seen, further: Vec::new() }
    }

    /// Builds and deploys. On failure reports it; the old version keeps running.
    pub(super) async fn deploy(&mut self) {
        let name = &self.contract.name;
        let mut before = Stamps::of(&self.contract, &self.further);
        if let Source::Project(_) = &self.contract.source {
            self.events.say(format!("building {name} in {}", self.contract.describe()));
        }
        let file = match build(&self.contract).await {
            Ok(file) => file,
            Err(error) => {
                self.events.say(format!("{name} is not built, and what runs goes on: {error:#}"));
                return;
            }
        };
        if let (Source::Project(_), Some(file)) = (&self.contract.source, &file) {
            self.further = sources(file);
            self.seen = Stamps::of(&self.contract, &self.further);
            // What was saved during the build differs from this, and is built next.
            self.seen.0.append(&mut before.0);
        }
        if let Err(error) = self.deployer.deploy(&self.contract, file.as_deref()).await {
            self.events.say(format!("{name} is not deployed, and what runs goes on: {error:#}"));
        }
    }

    /// Deploys whenever the files have changed; never returns, except at once for a server.
    pub(super) async fn run(mut self) {
        let pause = match &self.contract.source {
            Source::Component(_) => COMPONENT,
            Source::Project(_) => PROJECT,
            Source::Service(_) => return,
        };
        loop {
            tokio::time::sleep(pause).await;
            let mut now = Stamps::of(&self.contract, &self.further);
            // A missing file is being replaced.
            if now == self.seen || now.0.is_empty() {
                continue;
            }
            // Wait until the writer has finished.
            let (mut changed, mut finished) = (Instant::now(), None);
            loop {
                tokio::time::sleep(COMPONENT).await;
                let later = Stamps::of(&self.contract, &self.further);
                if later != now {
                    (now, changed, finished) = (later, Instant::now(), None);
                } else if *finished.get_or_insert_with(|| is_finished(&self.contract))
                    || changed.elapsed() >= STALLED
                {
                    break;
                }
            }
            self.seen = now;
            self.deploy().await;
        }
    }
}

/// Whether the files that are deployed as they are have their ends.
fn is_finished(contract: &Contract) -> bool {
    let component = match &contract.source {
        Source::Component(path) => fs::read(path).is_ok_and(|bytes| is_whole(&bytes)),
        Source::Project(_) | Source::Service(_) => true,
    };
    component
        && contract.collections.iter().all(|path| {
            let text = fs::read(path).unwrap_or_default();
            serde_json::from_slice::<IgnoredAny>(&text).is_ok()
        })
}

/// Whether this is a WebAssembly binary, and the last of its sections has its end.
fn is_whole(bytes: &[u8]) -> bool {
    let Some(mut sections) = bytes.strip_prefix(b"\0asm").and_then(|rest| rest.get(4..)) else {
        return false;
    };
    while let [_id, rest @ ..] = sections {
        let Some(rest) = after_section(rest) else { return false };
        sections = rest;
    }
    true
}

/// What comes after a section that begins with its size, an unsigned number in LEB128; None if the
/// bytes end before.
fn after_section(bytes: &[u8]) -> Option<&[u8]> {
    let digits = bytes.iter().take(5).position(|byte| byte & 0x80 == 0)? + 1;
    let (size, content) = bytes.split_at_checked(digits)?;
    let size = size.iter().rev().fold(0_usize, |size, byte| size << 7 | usize::from(byte & 0x7f));
    content.get(size..)
}

impl Stamps {
    fn of(contract: &Contract, further: &[PathBuf]) -> Self {
        let mut stamps = Self::default();
        match &contract.source {
            Source::Component(path) => stamps.add(path),
            Source::Project(folder) => stamps.add_folder(folder),
            Source::Service(_) => {}
        }
        further.iter().chain(&contract.collections).for_each(|path| stamps.add(path));
        stamps
    }

    fn add(&mut self, path: &Path) {
        if let Ok(metadata) = fs::metadata(path)
            && let Ok(modified) = metadata.modified()
        {
            self.0.insert(path.to_owned(), (modified, metadata.len()));
        }
    }

    fn add_folder(&mut self, folder: &Path) {
        let root = folder;
        let mut folders = vec![folder.to_owned()];
        while let Some(folder) = folders.pop() {
            let has_builds =
                folder == root || MANIFESTS.iter().any(|name| folder.join(name).is_file());
            for entry in fs::read_dir(&folder).into_iter().flatten().flatten() {
                let name = entry.file_name();
                let is_hidden = name.as_encoded_bytes().starts_with(b".");
                let is_built = NEVER_SOURCES.iter().any(|never| name == *never)
                    || has_builds && BUILT.iter().any(|built| name == *built);
                match entry.file_type() {
                    _ if is_hidden || self.0.len() >= MAX_FILES => {}
                    Ok(kind) if kind.is_dir() && !is_built => folders.push(entry.path()),
                    Ok(kind) if kind.is_file() => self.add(&entry.path()),
                    _ => {}
                }
            }
        }
    }
}

/// The source files that cargo names in the file `.d` beside a component: also those of other
/// crates on this machine.
fn sources(component: &Path) -> Vec<PathBuf> {
    let text = fs::read_to_string(component.with_extension("d")).unwrap_or_default();
    let Some((_, files)) = text.split_once(": ") else { return Vec::new() };
    let files = files.lines().next().unwrap_or_default();
    // A blank in a path has a backslash before it.
    let files = files.replace("\\ ", "\0");
    let files = files.split_ascii_whitespace().map(|file| file.replace('\0', " "));
    files.take(MAX_FILES).map(PathBuf::from).collect()
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
            Stamps::of(&contract, &[]).0.contains_key(&path)
        };
        for path in ["src/build/a.ts", "src/dist/a.js", "app/target/a.py", "app/venv/a.py"] {
            assert!(is_seen(path), "{path}");
        }
        assert!(is_seen("inner/package.json"));
        for path in ["build/a.js", "dist/a.js", "target/a", "venv/a.py", "inner/dist/a.js"] {
            assert!(!is_seen(path), "{path}");
        }
        for path in ["src/node_modules/a.js", "app/__pycache__/a.pyc", "src/.git/a"] {
            assert!(!is_seen(path), "{path}");
        }
    }

    #[test]
    fn a_component_that_is_being_copied_is_not_finished() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        let whole = [b"\0asm\x0d\0\x01\0".as_slice(), &[0, 130, 1], &[7; 130], &[1, 0]].concat();
        fs::write(path("a.wasm"), "").unwrap();
        let file = path("a.wasm").display().to_string();
        let mut contract: Contract = file.parse().unwrap();
        for length in 0..whole.len() {
            fs::write(path("a.wasm"), &whole[..length]).unwrap();
            // Where a section ends, so may the file.
            let is_an_end = [8, whole.len() - 2].contains(&length);
            assert_eq!(is_finished(&contract), is_an_end, "{length}");
        }
        fs::write(path("a.wasm"), &whole).unwrap();
        assert!(is_finished(&contract));
        contract.collections = Some(path("collections.json"));
        for (text, is_all) in [("", false), ("[{\"name\":", false), ("[]", true)] {
            fs::write(path("collections.json"), text).unwrap();
            assert_eq!(is_finished(&contract), is_all, "{text}");
        }
    }

    #[test]
    fn the_sources_of_a_component_are_those_that_cargo_names() {
        let folder = tempfile::tempdir().unwrap();
        let component = folder.path().join("a.wasm");
        assert!(sources(&component).is_empty());
        fs::write(folder.path().join("a.d"), "/t/a.wasm: /s/a\\ b.rs /s/c.rs\n").unwrap();
        assert_eq!(sources(&component), [PathBuf::from("/s/a b.rs"), PathBuf::from("/s/c.rs")]);
    }
}
