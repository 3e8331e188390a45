//! Watches the files of a contract and deploys it again when they change.
//!
//! Polls the files, a component a hundred times a second. That takes less than a thousandth of a
//! processor and works on every file system, for files that are replaced and for files that are
//! overwritten.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde::de::IgnoredAny;

use crate::dev::contract::{Contract, Source};
use crate::dev::deploying::{Deployer, build};
use crate::dev::events::Events;
use crate::dev::stamps::Stamps;

/// Pause between two checks of a component.
const COMPONENT: Duration = Duration::from_millis(10);
/// Pause between two checks of a project, which has more files.
const PROJECT: Duration = Duration::from_millis(150);
/// Time without a change after which an incomplete file is deployed anyway (and refused): a slow
/// copy may pause.
const STALLED: Duration = Duration::from_secs(1);
/// Limit on watched files outside of the project.
const MAX_FURTHER: usize = 5_000;

/// A watched contract.
pub(super) struct Watch {
    contract: Contract,
    deployer: Arc<Deployer>,
    events: Events,
    seen: Stamps,
    /// Files outside of the folder that the component was built from, or that the failed build
    /// named.
    further: Vec<PathBuf>,
    /// The user was warned that there are too many files.
    is_told: bool,
}

impl Watch {
    /// The first deployment uses the files as they are now.
    pub(super) fn new(contract: Contract, deployer: Arc<Deployer>, events: Events) -> Self {
        let seen = Stamps::of(&contract, &[]);
        Self { contract, deployer, events, seen, further: Vec::new(), is_told: false }
    }

    /// Builds and deploys. A failure is reported; the old version keeps running.
    pub(super) async fn deploy(&mut self) {
        let name = &self.contract.name;
        let before = Stamps::of(&self.contract, &self.further);
        if let Source::Project(folder) = &self.contract.source {
            self.events.say(format!("building {name} in {}", self.contract.describe()));
            if before.is_cut && !self.is_told {
                self.is_told = true;
                let folder = folder.display();
                self.events.say(format!("{folder} has too many files: not all are watched"));
            }
        }
        let file = match build(&self.contract).await {
            Ok(file) => file,
            Err(error) => {
                let words = format!("{error:#}");
                self.events.say(format!("{name} is not built, the old version stays: {words}"));
                if let Source::Project(folder) = &self.contract.source {
                    let files = named(&words, folder);
                    self.watch_further(files);
                }
                return;
            }
        };
        if let (Source::Project(_), Some(file)) = (&self.contract.source, &file) {
            self.seen = built(&self.contract, before, &mut self.further, sources(file));
        }
        if let Err(error) = self.deployer.deploy(&self.contract, file.as_deref()).await {
            self.events.say(format!("{name} is not deployed, the old version stays: {error:#}"));
        }
    }

    /// Adds files to the watched ones.
    fn watch_further(&mut self, files: Vec<PathBuf>) {
        for file in files {
            if self.further.len() < MAX_FURTHER && !self.further.contains(&file) {
                self.seen.add(&file);
                self.further.push(file);
            }
        }
    }

    /// Deploys after each change of the files. Never returns, except at once for a server.
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
            if now == self.seen || now.is_empty() {
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

/// Returns the files of a build that has succeeded: those `before` it, and its sources. Only cargo
/// lists these, and they replace the further files. Without a list, the files that failed builds
/// named are still watched.
fn built(
    contract: &Contract,
    before: Stamps,
    further: &mut Vec<PathBuf>,
    sources: Vec<PathBuf>,
) -> Stamps {
    if !sources.is_empty() {
        *further = sources;
    }
    before.and_built(Stamps::of(contract, further), further)
}

/// True if the files that are deployed unchanged are complete.
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

/// True if this is a WebAssembly binary whose last section is complete.
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

/// Returns the bytes after a section. A section begins with its size, an unsigned number in LEB128.
/// None if the bytes end before.
fn after_section(bytes: &[u8]) -> Option<&[u8]> {
    let digits = bytes.iter().take(5).position(|byte| byte & 0x80 == 0)? + 1;
    let (size, content) = bytes.split_at_checked(digits)?;
    let size = size.iter().rev().fold(0_usize, |size, byte| size << 7 | usize::from(byte & 0x7f));
    content.get(size..)
}

/// Returns the sources that cargo lists in the file `.d` beside a component, including those of
/// other crates on this machine.
fn sources(component: &Path) -> Vec<PathBuf> {
    let text = fs::read_to_string(component.with_extension("d")).unwrap_or_default();
    let Some((_, files)) = text.split_once(": ") else { return Vec::new() };
    let files = files.lines().next().unwrap_or_default();
    // A blank in a path is escaped by a backslash.
    let files = files.replace("\\ ", "\0");
    let files = files.split_ascii_whitespace().map(|file| file.replace('\0', " "));
    files.take(MAX_FURTHER).map(PathBuf::from).collect()
}

/// Returns the files outside of a project that a tool's output names, such as
/// `../shared/a.ts:1:17`. Names are relative to the project, or to a workspace around it.
fn named(words: &str, project: &Path) -> Vec<PathBuf> {
    let Ok(project) = project.canonicalize() else { return Vec::new() };
    let is_around = |letter: char| "\"'`()[]<>,;".contains(letter);
    let words = words.split_whitespace().map(|word| word.trim_matches(is_around));
    let mut files = Vec::new();
    for word in words.filter(|word| word.contains('/')).take(MAX_FURTHER) {
        // A line and a column may follow.
        let name = word.split(':').next().unwrap_or_default();
        let paths = project.ancestors().map(|folder| folder.join(name));
        let file = paths.filter(|path| path.is_file()).find_map(|path| path.canonicalize().ok());
        files.extend(file.filter(|file| !file.starts_with(&project)));
    }
    files.sort();
    files.dedup();
    files
}

#[cfg(test)]
mod tests {
    use super::*;

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
            // At the end of a section, the file may be complete.
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
    fn a_file_that_a_failed_build_named_is_watched_after_the_next_one() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        fs::create_dir(path("app")).unwrap();
        for file in ["app/main.ts", "util.ts", "lib.rs"] {
            fs::write(path(file), "1").unwrap();
        }
        let contract: Contract = format!("a={}", path("app").display()).parse().unwrap();
        let mut further = vec![path("util.ts")];
        let before = Stamps::of(&contract, &further);
        let seen = built(&contract, before, &mut further, Vec::new());
        assert_eq!(seen, Stamps::of(&contract, &further), "nothing is left to build");
        fs::write(path("util.ts"), "12").unwrap();
        assert_ne!(seen, Stamps::of(&contract, &further));
        let before = Stamps::of(&contract, &further);
        built(&contract, before, &mut further, vec![path("lib.rs")]);
        assert_eq!(further, [path("lib.rs")]);
    }

    #[test]
    fn the_sources_of_a_component_are_those_that_cargo_names() {
        let folder = tempfile::tempdir().unwrap();
        let component = folder.path().join("a.wasm");
        assert!(sources(&component).is_empty());
        fs::write(folder.path().join("a.d"), "/t/a.wasm: /s/a\\ b.rs /s/c.rs\n").unwrap();
        assert_eq!(sources(&component), [PathBuf::from("/s/a b.rs"), PathBuf::from("/s/c.rs")]);
    }

    #[test]
    fn files_outside_of_a_project_that_a_tool_names_are_found() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        for path in ["shared/src/util.ts", "app/src/main.ts"] {
            fs::create_dir_all(root.join(path).parent().unwrap()).unwrap();
            fs::write(root.join(path), "x").unwrap();
        }
        let app = root.join("app");
        let util = root.join("shared/src/util.ts");
        for words in [
            "../shared/src/util.ts:1:17: ERROR: Expected \";\"",
            "error: x\n  --> shared/src/util.ts:3:5\n   |",
            &format!("error: \"{}\" is no module; /etc", util.display()),
        ] {
            assert_eq!(named(words, &app), std::slice::from_ref(&util), "{words}");
        }
        assert!(named("src/main.ts:1:1: ../shared/none.ts: a/b", &app).is_empty());
    }
}
