//! `wasmcc completions`: prints the completion script of a shell.

use anyhow::Result;
use clap::CommandFactory;

use crate::{Cli, output};

const EXAMPLES: &str = "\
Examples:
  wasmcc completions bash > ~/.local/share/bash-completion/completions/wasmcc
  wasmcc completions zsh > \"${fpath[1]}/_wasmcc\"
  wasmcc completions fish > ~/.config/fish/completions/wasmcc.fish";

/// Print completions of arguments for a shell.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Completions {
    /// The shell.
    #[arg(value_name = "SHELL")]
    shell: clap_complete::Shell,
}

impl Completions {
    pub(crate) fn run(self) -> Result<()> {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut Cli::command(), "wasmcc", &mut script);
        output::line(String::from_utf8_lossy(&script).trim_end())
    }
}
