//! Shows the progress of long work: a spinner on a terminal, plain lines elsewhere.

use std::io::IsTerminal;
use std::path::Path;
use std::time::Duration;

use indicatif::ProgressBar;

use crate::output;

/// Shows one step at a time on standard error; cleared when dropped.
pub(crate) struct Progress {
    spinner: Option<ProgressBar>,
    is_hidden: bool,
}

impl Progress {
    /// Starts with a first step.
    pub(crate) fn start(step: &str) -> Self {
        let spinner = std::io::stderr().is_terminal().then(ProgressBar::new_spinner);
        if let Some(spinner) = &spinner {
            spinner.enable_steady_tick(Duration::from_millis(100));
        }
        let progress = Self { spinner, is_hidden: false };
        progress.step(step);
        progress
    }

    /// Starts a spinner for a large component, which takes seconds to compile; hidden without a
    /// terminal.
    pub(crate) fn compiling(file: &Path, bytes: usize) -> Self {
        let mib = bytes >> 20;
        match mib > 0 && std::io::stderr().is_terminal() {
            true => Self::start(&format!("compiling {} ({mib} MiB)", file.display())),
            false => Self::hidden(),
        }
    }

    /// Shows nothing.
    pub(crate) fn hidden() -> Self {
        Self { spinner: None, is_hidden: true }
    }

    /// Shows the next step.
    pub(crate) fn step(&self, step: &str) {
        match &self.spinner {
            Some(spinner) => spinner.set_message(step.to_owned()),
            None if self.is_hidden => {}
            None => output::aside(&format!("{step} ...")),
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some(spinner) = &self.spinner {
            spinner.finish_and_clear();
        }
    }
}
