//! Runs build tools and ends them together with this program.
//!
//! Invariant: a tool is killed only before it is waited for, so its process id cannot belong to
//! another process.

use std::io::{self, ErrorKind, Read};
use std::process::{Child, Command, Output, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;

use super::Words;

/// The tools of this process.
static TOOLS: Tools = Tools(Mutex::new(Running { tools: Vec::new(), is_over: false }));

struct Tools(Mutex<Running>);

struct Running {
    tools: Vec<Arc<Mutex<Child>>>,
    /// No further tools are started.
    is_over: bool,
}

/// Runs a tool to its end, as [`Command::output`] does. `words` selects the destination of its
/// messages.
pub(super) fn output(command: &mut Command, words: Words) -> io::Result<Output> {
    TOOLS.output(command, words)
}

/// Ends all running tools and starts no others. Processes that the tools have started end by
/// themselves.
pub(crate) fn end_builds() {
    TOOLS.end();
}

impl Tools {
    fn output(&self, command: &mut Command, words: Words) -> io::Result<Output> {
        command.stdout(Stdio::piped()).stderr(match words {
            Words::Shown => Stdio::inherit(),
            Words::Kept => Stdio::piped(),
        });
        let tool = self.start(command)?;
        let (stdout, stderr) = {
            let mut tool = lock(&tool);
            (tool.stdout.take(), tool.stderr.take())
        };
        let (stdout, stderr) = thread::scope(|scope| {
            let stderr = scope.spawn(|| all(stderr));
            let stdout = all(stdout);
            (stdout, stderr.join().unwrap_or_else(|_| Ok(Vec::new())))
        });
        // The tool has closed its pipes and ends at once, so the lock is held briefly.
        let status = lock(&tool).wait();
        lock(&self.0).tools.retain(|other| !Arc::ptr_eq(other, &tool));
        Ok(Output { status: status?, stdout: stdout?, stderr: stderr? })
    }

    fn start(&self, command: &mut Command) -> io::Result<Arc<Mutex<Child>>> {
        let mut running = lock(&self.0);
        if running.is_over {
            return Err(io::Error::new(ErrorKind::Interrupted, "the program ends"));
        }
        let tool = Arc::new(Mutex::new(command.spawn()?));
        running.tools.push(Arc::clone(&tool));
        Ok(tool)
    }

    fn end(&self) {
        let mut running = lock(&self.0);
        running.is_over = true;
        for tool in running.tools.drain(..) {
            // The tool may have ended already.
            let _ = lock(&tool).kill();
        }
    }
}

/// Reads a pipe to its end.
fn all(pipe: Option<impl Read>) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    pipe.map_or(Ok(0), |mut pipe| pipe.read_to_end(&mut bytes)).map(|_| bytes)
}

fn lock<T>(shared: &Mutex<T>) -> MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn none() -> Tools {
        Tools(Mutex::new(Running { tools: Vec::new(), is_over: false }))
    }

    fn shell(script: &str) -> Command {
        let mut shell = Command::new("sh");
        shell.args(["-c", script]);
        shell
    }

    #[test]
    fn a_tool_has_its_words_and_its_status() {
        let tools = none();
        let done = tools.output(&mut shell("echo out; echo err >&2; exit 3"), Words::Kept).unwrap();
        assert_eq!(
            (done.stdout.as_slice(), done.stderr.as_slice()),
            (&b"out\n"[..], &b"err\n"[..])
        );
        assert_eq!(done.status.code(), Some(3));
        assert!(lock(&tools.0).tools.is_empty());
        assert!(tools.output(&mut Command::new("/no/such/tool"), Words::Kept).is_err());
    }

    #[test]
    fn a_tool_that_goes_on_for_ever_ends_with_the_program() {
        let tools = none();
        thread::scope(|scope| {
            let endless = scope.spawn(|| {
                tools.output(&mut shell("exec tail -f /dev/null"), Words::Kept).unwrap().status
            });
            while lock(&tools.0).tools.is_empty() {
                thread::yield_now();
            }
            tools.end();
            assert!(!endless.join().unwrap().success());
        });
        let refused = tools.output(&mut shell("true"), Words::Kept).unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::Interrupted);
    }
}
