//! The program `wasmcc`: finds and starts it.

use std::env;
use std::ffi::OsString;
use std::io::{BufReader, ErrorKind};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::OnceLock;

use crate::{SandboxError, frame};

/// The variable with the path of the program.
const VARIABLE: &str = "WASMCC";
/// The version of the pipe's protocol. Increase it with every change that an older program or an
/// older crate would not understand.
const PROTOCOL: u64 = 1;

const INSTALL: &str = "install it: `cargo install wasmcc-cli`, or `cargo install --path host/cli` \
                       in a checkout of wasmcc";
/// In a checkout, `.cargo/config.toml` names this program.
const BUILD: &str = "a checkout of wasmcc has it after `cargo build --bin wasmcc`";

/// A process of `wasmcc sandbox` that has sent its protocol version.
pub(crate) struct Process {
    /// It ends by itself when `input` is closed.
    pub child: Child,
    pub input: ChildStdin,
    pub output: BufReader<ChildStdout>,
}

/// The program that the test set.
static NAMED: OnceLock<PathBuf> = OnceLock::new();

/// Sets the program for this test program, in place of `WASMCC` and `PATH`. Call it before the
/// first sandbox is made. Returns false if another program was set before.
pub fn use_program(path: impl AsRef<Path>) -> bool {
    NAMED.get_or_init(|| path.as_ref().to_owned()) == path.as_ref()
}

/// Returns the program that the test set, or `WASMCC`, or `wasmcc` on the path.
pub(crate) fn program() -> OsString {
    if let Some(named) = NAMED.get() {
        return named.into();
    }
    let named = env::var_os(VARIABLE).filter(|name| !name.is_empty());
    named.unwrap_or_else(|| "wasmcc".into())
}

/// Starts the process.
pub(crate) fn start(program: OsString) -> Result<Process, SandboxError> {
    let mut command = Command::new(&program);
    command.arg("sandbox").stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn().map_err(|error| does_not_start(&program, &error))?;
    let shown = PathBuf::from(program);
    let ended = || SandboxError::Program(format!("{} has no pipe", shown.display()));
    let input = child.stdin.take().ok_or_else(ended)?;
    let mut output = BufReader::new(child.stdout.take().ok_or_else(ended)?);
    let greeting = frame::read(&mut output).ok().flatten();
    let number = greeting.as_ref().and_then(|greeting| greeting.json.get("sandbox")?.as_u64());
    if number == Some(PROTOCOL) {
        return Ok(Process { child, input, output });
    }
    let version = greeting.as_ref().and_then(|greeting| greeting.json.get("wasmcc")?.as_str());
    let error = does_not_fit(&shown, version, number);
    // Closed before waiting: the process waits for the end of its input.
    drop(input);
    drop(output);
    let _ = child.wait();
    Err(error)
}

/// Returns an error with the reason why the program cannot run, and a hint.
pub(crate) fn does_not_start(program: &OsString, error: &std::io::Error) -> SandboxError {
    let shown = Path::new(program).display();
    SandboxError::Program(if error.kind() != ErrorKind::NotFound {
        format!("{shown}, which is to be the program wasmcc, cannot be run: {error}; {INSTALL}")
    } else if program == "wasmcc" {
        format!("the program wasmcc is not on the PATH; {INSTALL}, or set {VARIABLE} to its path")
    } else {
        format!(
            "{shown}, which is to be the program wasmcc, does not exist; {BUILD}, or set \
             {VARIABLE} to the path of another one; {INSTALL}"
        )
    })
}

fn does_not_fit(program: &Path, version: Option<&str>, protocol: Option<u64>) -> SandboxError {
    let own = env!("CARGO_PKG_VERSION");
    let program = program.display();
    SandboxError::Program(match (version, protocol) {
        (Some(version), Some(protocol)) => {
            let older = match protocol < PROTOCOL {
                true => "the program is older; install a newer one",
                false => "the crate is older; use a newer one in Cargo.toml",
            };
            format!(
                "{program} {version} does not fit wasmcc-test {own}: their sandbox protocols are \
                 {protocol} and {PROTOCOL}: {older}"
            )
        }
        _ => format!(
            "{program} does not fit wasmcc-test {own}: it does not answer `wasmcc sandbox`; see \
             its output above, if any; {INSTALL}"
        ),
    })
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn refused(program: &str) -> String {
        match start(program.into()) {
            Ok(_) => panic!("{program} should not fit"),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn a_program_that_is_missing_or_does_not_fit_is_told_how_to_get() {
        let folder = tempfile::TempDir::new().unwrap();
        // Writes a program that prints this and ends. All are written before the first one runs.
        let saying = |name: &str, greeting: &str| {
            let path = folder.path().join(name);
            fs::write(&path, format!("#!/bin/sh\necho '{greeting}'\n")).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
            path.to_str().unwrap().to_owned()
        };
        let silent = saying("silent", "");
        let wordy = saying("wordy", "usage: x");
        let newer = saying("newer", r#"{"wasmcc":"9.1.0","sandbox":99,"blobs":[]}"#);
        let older = saying("older", r#"{"wasmcc":"0.1.0","sandbox":0,"blobs":[]}"#);

        for program in [silent.as_str(), wordy.as_str(), "false"] {
            let said = refused(program);
            assert!(said.contains("does not fit wasmcc-test"), "{said}");
            assert!(said.contains("cargo install"), "{said}");
        }
        let said = refused(&newer);
        assert!(said.contains("9.1.0 does not fit"), "{said}");
        assert!(said.contains("the crate is older"), "{said}");
        let said = refused(&older);
        assert!(said.contains("the program is older; install a newer one"), "{said}");
        let said = refused("/no/such/wasmcc");
        assert!(said.starts_with("/no/such/wasmcc, which is to be the program wasmcc"), "{said}");
        assert!(said.contains("does not exist; a checkout of wasmcc has it after"), "{said}");
        assert!(said.contains("`cargo build --bin wasmcc`, or set WASMCC"), "{said}");
        let said = refused(folder.path().to_str().unwrap());
        assert!(said.contains("cannot be run: ") && said.contains("cargo install"), "{said}");
        let missing = std::io::Error::from(ErrorKind::NotFound);
        let said = does_not_start(&"wasmcc".into(), &missing).to_string();
        assert!(said.contains("not on the PATH"), "{said}");
        assert!(said.contains("set WASMCC to its path"), "{said}");
    }
}
