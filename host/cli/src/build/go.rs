//! Runs Go's compiler on a contract that is written for Fabric's Go shim.
//!
//! Does not change the contract's go.mod: the compiler reads a copy in which `guest-sdk/go`
//! replaces the shim.

use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use super::go_modules::{Messages, Modules, Zones, may_be_of_messages, module_of};
use super::output_folder::OutputFolder;
use super::{BuildError, Built, Language, Order, Words, componentize, go_old, go_work, tools};
use wasmcc_runtime::largest_function;

/// The first version of Go that can export WebAssembly functions.
const OLDEST: (u32, u32) = (1, 24);
/// A template that prints the folder of a program. A package without files has only tests.
const PROGRAM: &str = "{{if and (eq .Name \"main\") (or .GoFiles .CgoFiles)}}{{.Dir}}{{end}}";
/// A template that prints the files of a package that build constraints exclude.
const IGNORED: &str = "{{range .IgnoredGoFiles}}{{$.Dir}}/{{println .}}{{end}}";
/// A text of the shim's `Start`, which the linker keeps only if the program calls `Start`.
const START: &[u8] = b"a second chaincode is started";
/// A text of `time.LoadLocation`, which the linker keeps only if the program calls that.
const LOADS_ZONES: &[u8] = b"unknown time zone ";

/// The file of a module with names.
const NAMED: &str = "named.wasm";

/// Builds the contract of a folder, given as an absolute path: a module, or a package of one.
pub(super) fn build(folder: &Path, order: &Order) -> Result<Built, BuildError> {
    let go = Go::of(folder);
    go.has_version()?;
    let output = OutputFolder::of(folder)?;
    let modules = Modules::of(&go, &output)?;
    let module = componentize::module(folder, &output, order)?;
    go.compile(&modules, &module, order)
        .map_err(|error| go_work::explained(&go, &modules, error))?;
    let path = componentize::write(folder, &module, &output, |module| {
        if has_text(module, START) {
            return Ok(());
        }
        Err(match go_old::linked(|name| has_text(module, name.as_bytes())) {
            Some(old) => format!("it uses {}\n  hint: {}", old.module, old.hint),
            None => "the program does not start a chaincode: main has to call shim.Start, or \
                     Start of a contractapi chaincode"
                .to_owned(),
        })
    })?;
    Ok(Built { path, folder: folder.to_owned(), language: Language::Go })
}

/// Returns a hint for a contract with a function that is too large. Builds the contract again to
/// find out which one: functions of a component have no names.
pub(super) fn hint(folder: &Path, order: &Order) -> String {
    let function = match with_names(folder, order).as_deref().and_then(largest_function) {
        Some((name, bytes)) => format!("the largest function is {name}, with {bytes} bytes. "),
        None => String::new(),
    };
    format!(
        "\n  hint: {function}In Go, each call and each target of a jump (if, case, for) adds a \
         block around the code before it: move parts of the function into functions of their own. \
         If it is large because others were inlined into it, `wasmcc build -- -gcflags=all=-l` may \
         help"
    )
}

/// Returns a contract's module with the names of its functions, if it can be built.
fn with_names(folder: &Path, order: &Order) -> Option<Vec<u8>> {
    let go = Go::of(folder);
    let output = OutputFolder::of(folder).ok()?;
    let modules = Modules::of(&go, &output).ok()?;
    let to = output.file(NAMED);
    let mut args = without_linker_flags(&order.args);
    args.push("-ldflags=-w".into());
    go.compile(&modules, &to, &Order { args, ..order.clone() }).ok()?;
    let module = fs::read(&to).ok();
    output.remove(NAMED).ok();
    module
}

/// Returns a build's arguments without those for the linker, which may remove the names.
fn without_linker_flags(args: &[OsString]) -> Vec<OsString> {
    let mut args = args.iter();
    let mut others = Vec::new();
    while let Some(arg) = args.next() {
        match arg.to_string_lossy().trim_start_matches('-').split_once('=') {
            Some(("ldflags", _)) => {}
            None if arg == "-ldflags" || arg == "--ldflags" => {
                args.next();
            }
            _ => others.push(arg.clone()),
        }
    }
    others
}

/// Go's compiler for one contract.
pub(super) struct Go<'a> {
    /// The folder with go.mod.
    module: &'a Path,
    /// The contract's folder: that folder, or one below it.
    folder: &'a Path,
}

impl<'a> Go<'a> {
    fn of(folder: &'a Path) -> Self {
        Self { module: module_of(folder).unwrap_or(folder), folder }
    }
}

impl Go<'_> {
    /// Returns the folder of the module, in which the tool runs.
    pub(super) fn module(&self) -> &Path {
        self.module
    }

    /// Returns the command with the settings for WebAssembly.
    fn command(&self) -> Command {
        let mut go = Command::new("go");
        go.current_dir(self.module)
            .envs([("GOOS", "wasip1"), ("GOARCH", "wasm"), ("GOWORK", "off"), ("CGO_ENABLED", "0")])
            .stdin(Stdio::null());
        go
    }

    /// Runs the tool and returns its output; the error is its error output.
    pub(super) fn run<S: AsRef<OsStr>>(&self, args: &[S]) -> Result<String, String> {
        let mut go = self.command();
        go.args(args);
        printed(go)
    }

    fn has_version(&self) -> Result<(), BuildError> {
        let mut go = self.command();
        // Ask for the tool's own version, not for the one that go.mod requests.
        let output = go.args(["env", "GOVERSION"]).output();
        let output = output.map_err(|error| BuildError::NoGo { why: error.to_string() })?;
        let words = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        match version(&words) {
            Some(found) if found < OLDEST => Err(BuildError::OldGo { found: words }),
            None if !output.status.success() => {
                let words = String::from_utf8_lossy(&output.stderr).trim().to_owned();
                Err(BuildError::NoGo { why: words })
            }
            _ => Ok(()),
        }
    }

    fn compile(&self, modules: &Modules, to: &Path, order: &Order) -> Result<(), BuildError> {
        let compiles = |messages| {
            let words = self.compile_with(modules, messages, to, order)?;
            // A type of the contract may have the methods of an earlier shim only.
            match words.as_deref().and_then(|words| modules.with_earlier_methods(words)) {
                Some(earlier) => self.compile_with(&earlier, messages, to, order),
                None => Ok(words),
            }
        };
        let Some(plain) = compiles(Messages::Plain)? else {
            return Ok(());
        };
        let mut real = None;
        if modules.has_messages() || may_be_of_messages(&plain) {
            real = compiles(Messages::Protobuf)?;
            if real.is_none() {
                return Ok(());
            }
        }
        let words = modules.explained(plain, real);
        Err(BuildError::Compile { folder: self.folder.to_owned(), words })
    }

    /// Compiles; returns the compiler's messages if it fails. Adds time zone data (450 KB) if the
    /// program loads zones by name, as it can on a Fabric peer.
    fn compile_with(
        &self,
        modules: &Modules,
        messages: Messages,
        to: &Path,
        order: &Order,
    ) -> Result<Option<String>, BuildError> {
        let compile =
            |zones| self.try_to_compile(&modules.flags(self, messages, zones)?, to, order);
        match compile(Zones::None)? {
            // If there is no module, the next step reports it.
            None if fs::read(to).is_ok_and(|module| has_text(&module, LOADS_ZONES)) => {
                compile(Zones::Embedded)
            }
            outcome => Ok(outcome),
        }
    }

    /// Compiles; returns the compiler's messages if it fails.
    fn try_to_compile(
        &self,
        flags: &[String],
        to: &Path,
        order: &Order,
    ) -> Result<Option<String>, BuildError> {
        let program = self.main_package(flags, order)?;
        let mut go = self.command();
        // No paths and no version control data in the component: the same sources result in the
        // same bytes, and an unreadable history does not stop the build.
        go.args(["build", "-buildmode=c-shared", "-trimpath", "-buildvcs=false", "-ldflags=-s -w"])
            .args(flags)
            .arg("-o")
            .arg(to)
            .args(&order.args)
            .arg(program);
        let output: Output = tools::output(&mut go, Words::Kept)
            .map_err(|error| BuildError::NoGo { why: error.to_string() })?;
        Ok((!output.status.success()).then(|| String::from_utf8_lossy(&output.stderr).into_owned()))
    }

    /// Returns the package to build: that of the folder, or the only program below it.
    fn main_package(&self, flags: &[String], order: &Order) -> Result<String, BuildError> {
        let programs = self.programs(self.command(), flags, order)?;
        match &programs[..] {
            [] => Err(self.no_program(flags, order)?),
            [only] => Ok(only.clone()),
            several if several.contains(&self.package()) => Ok(self.package()),
            several => Err(BuildError::SeveralMains {
                folder: self.folder.to_owned(),
                programs: several.iter().map(|program| self.below(program)).collect(),
            }),
        }
    }

    /// Returns the package of the contract's folder, as the tool names it.
    fn package(&self) -> String {
        named_from(self.module, self.folder).unwrap_or_else(|| ".".to_owned())
    }

    /// Returns a package's name relative to the contract's folder.
    fn below(&self, package: &str) -> String {
        named_from(self.folder, &self.module.join(package)).unwrap_or_else(|| package.to_owned())
    }

    /// Returns the programs below the folder that a tool can see.
    fn programs(
        &self,
        mut go: Command,
        flags: &[String],
        order: &Order,
    ) -> Result<Vec<String>, BuildError> {
        list(&mut go, PROGRAM, flags, order).arg(format!("{}/...", self.package()));
        let listed = printed(go).map_err(|words| BuildError::GoManifest {
            folder: self.folder.to_owned(),
            words: words.trim_end().to_owned(),
        })?;
        Ok(listed.lines().filter_map(|line| named_from(self.module, Path::new(line))).collect())
    }

    /// Returns why there is nothing to build. A program that the tool sees only with cgo is partly
    /// in C.
    fn no_program(&self, flags: &[String], order: &Order) -> Result<BuildError, BuildError> {
        let folder = self.folder.to_owned();
        let mut go = self.command();
        go.env("CGO_ENABLED", "1");
        Ok(match &self.programs(go, flags, order)?[..] {
            [] => BuildError::NoMain { folder, ignored: self.ignored_program(flags, order) },
            [program, ..] => BuildError::NotAChaincode {
                folder,
                why: format!(
                    "the program in {} needs cgo (import \"C\"), which cannot be \
                     compiled to WebAssembly: write these parts in Go, or use a package that is",
                    self.below(program)
                ),
            },
        })
    }

    /// Returns a program's file below the contract's folder that build constraints exclude.
    fn ignored_program(&self, flags: &[String], order: &Order) -> Option<String> {
        let programs = main_files(self.folder);
        let folders: BTreeSet<_> = programs.iter().filter_map(|file| file.parent()).collect();
        if folders.is_empty() {
            return None;
        }
        let mut go = self.command();
        // The tool's pattern `...` leaves out folders whose files are all excluded.
        list(&mut go, IGNORED, flags, order)
            .args(folders.iter().filter_map(|folder| named_from(self.module, folder)));
        let listed = printed(go).ok()?;
        let mut ignored = listed.lines().map(Path::new);
        let file = ignored.find(|file| programs.iter().any(|program| program == file))?;
        Some(file.strip_prefix(self.folder).ok()?.display().to_string())
    }
}

/// Returns the files of programs in a folder and below it, in the folders where Go's tool looks.
/// Leaves out those with the constraint `ignore`, which by custom run alone, with `go run`.
fn main_files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
    paths.sort();
    let (mut files, mut below) = (Vec::new(), Vec::new());
    for path in paths {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if name.starts_with(['_', '.']) || path.is_symlink() {
            continue;
        }
        let is_left_out = || ["testdata", "vendor"].contains(&&*name);
        if path.is_dir() && !is_left_out() && !path.join("go.mod").is_file() {
            below.extend(main_files(&path));
        } else if name.ends_with(".go") && !name.ends_with("_test.go") && is_main(&path) {
            files.push(path);
        }
    }
    files.append(&mut below);
    files
}

fn is_main(file: &Path) -> bool {
    let text = fs::read_to_string(file).unwrap_or_default();
    let is_ignore = |line: &str| {
        let is_constraint = line.starts_with("//go:build ") || line.starts_with("// +build ");
        is_constraint && line.split(|c: char| !c.is_alphanumeric()).any(|word| word == "ignore")
    };
    text.lines().any(|line| line == "package main") && !text.lines().any(is_ignore)
}

/// Adds the arguments to list packages in a format.
fn list<'a>(go: &'a mut Command, format: &str, flags: &[String], order: &Order) -> &'a mut Command {
    go.args(["list", "-e", "-find", "-f", format])
        .args(flags)
        // Arguments such as -tags select files. -json would change the output.
        .args(order.args.iter().filter(|arg| *arg != "-json"))
}

fn has_text(module: &[u8], text: &[u8]) -> bool {
    module.windows(text.len()).any(|bytes| bytes == text)
}

/// Returns the name of the package in a folder of the module at `root`, such as `./cmd`.
fn named_from(root: &Path, folder: &Path) -> Option<String> {
    let path = folder.strip_prefix(root).ok()?;
    Some(format!("./{}", path.display()).trim_end_matches('/').to_owned())
}

/// Runs a tool and returns its output; the error is its error output.
fn printed(mut tool: Command) -> Result<String, String> {
    let output = tools::output(&mut tool, Words::Kept).map_err(|error| error.to_string())?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    match output.status.success() {
        true => Ok(text(&output.stdout)),
        false => Err(text(&output.stderr)),
    }
}

/// Returns the first two numbers of a version such as `go1.24.3`.
fn version(text: &str) -> Option<(u32, u32)> {
    let mut numbers = text.strip_prefix("go")?.split(|c: char| !c.is_ascii_digit());
    Some((numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
}

/// Returns the command that runs a contract's tests, with the modules of its own go.mod.
pub(crate) fn test_command() -> Command {
    let mut go = Command::new("go");
    // Without a workspace around it, as in the build.
    go.args(["test", "./..."]).env("GOWORK", "off");
    go
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packages_are_named_from_their_module() {
        let [root, cmd] = ["/m", "/m/a/cmd"].map(Path::new);
        assert_eq!(named_from(root, root).as_deref(), Some("."));
        assert_eq!(named_from(root, cmd).as_deref(), Some("./a/cmd"));
        assert_eq!(named_from(root, Path::new("/other")), None);
        let go = Go { module: root, folder: Path::new("/m/a") };
        assert_eq!((go.package().as_str(), go.below("./a/cmd").as_str()), ("./a", "./cmd"));
    }

    #[test]
    fn the_build_with_names_has_its_own_linker_flags() {
        let of = |args: &[&str]| {
            without_linker_flags(&args.iter().map(OsString::from).collect::<Vec<_>>())
        };
        for flags in [&["-ldflags=-s -w"][..], &["--ldflags=-X a=b"], &["-ldflags", "-s -w"]] {
            let args = [&["-tags", "a=b"], flags, &["-gcflags=-l"]].concat();
            assert_eq!(of(&args), ["-tags", "a=b", "-gcflags=-l"], "{flags:?}");
        }
    }

    #[test]
    fn programs_are_found_where_the_tool_looks() {
        let folder = tempfile::tempdir().unwrap();
        for (file, text) in [
            ("gen.go", "//go:build ignore\n\npackage main\n"),
            ("old.go", "// +build ignore\n\npackage main\n"),
            ("lib.go", "package lib\n"),
            ("cmd/main.go", "//go:build ccaas\n\npackage main\n"),
            ("cmd/main_test.go", "package main\n"),
            ("cmd/_a.go", "package main\n"),
            ("vendor/x/main.go", "package main\n"),
            ("other/go.mod", "module other\n"),
            ("other/main.go", "package main\n"),
            ("z.go", "package main\n"),
        ] {
            let path = folder.path().join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        let found = main_files(folder.path());
        assert_eq!(found, ["z.go", "cmd/main.go"].map(|file| folder.path().join(file)));
    }

    #[test]
    fn versions_are_read() {
        assert_eq!(version("go1.24.3"), Some((1, 24)));
        assert_eq!(version("go1.27rc1"), Some((1, 27)));
        assert_eq!(version("devel go1.28-abc"), None);
        assert!(version("go1.9").is_some_and(|found| found < OLDEST));
    }
}
