//! `wasmcc config`: prints the values of a verb's options, and the source of each.

use std::ffi::OsString;
use std::path::PathBuf;

use anyhow::Result;
use clap::parser::ValueSource;
use clap::{Arg, ArgAction, ArgMatches, Command};
use serde_json::{Value, json};

use crate::output;
use crate::settings::{self, Completeness, Parsed};

const EXAMPLES: &str = "\
Examples:
  wasmcc config
  wasmcc config serve
  wasmcc config peer --listen 0.0.0.0:7051 > wasmcc.toml
  wasmcc config --json lifecycle chaincode install

The output can be used as wasmcc.toml.";

/// Printed in place of a secret.
const HIDDEN: &str = "(hidden)";

/// Print the values of a verb's options, and where each comes from.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Config {
    /// Print JSON.
    #[arg(long)]
    pub(crate) json: bool,
    /// The verb, with its options as on its command line [default: peer].
    #[arg(value_name = "VERB", num_args = 0.., trailing_var_arg = true)]
    #[arg(allow_hyphen_values = true)]
    verb: Vec<OsString>,
}

/// One option.
struct SettingRow {
    key: String,
    /// The value as TOML, if there is one.
    value: Option<Value>,
    source: String,
}

impl Config {
    /// Prints the values. `file` is the configuration file given in front of the verb.
    pub(crate) fn run(self, file: Option<PathBuf>) -> Result<()> {
        let verb = if self.verb.is_empty() { vec!["peer".into()] } else { self.verb };
        let args = std::iter::once(OsString::from("wasmcc")).chain(verb).collect();
        let parsed = match settings::read(args, file, Completeness::Partial) {
            Ok(parsed) => parsed,
            // With the verb's own usage text.
            Err(error) => error.exit(),
        };
        let rows = rows(&parsed);
        match self.json {
            true => output::json(&rows.iter().map(SettingRow::json).collect::<Vec<_>>()),
            false => {
                let unknown = settings::unknown_variables(&parsed.command);
                output::line(&(text(&parsed.verb, &rows) + &unknown))
            }
        }
    }
}

/// Returns the options of the verb, those of all verbs first.
fn rows(parsed: &Parsed) -> Vec<SettingRow> {
    let (mut command, mut matches) = (&parsed.command, &parsed.matches);
    let mut rows: Vec<SettingRow> = options(command).map(|arg| row(arg, matches, parsed)).collect();
    for (depth, name) in (1..).zip(&parsed.verb) {
        let below = command.find_subcommand(name).zip(matches.subcommand_matches(name));
        let Some(below) = below else { break };
        (command, matches) = below;
        // These options do not apply to the verbs below.
        if depth < parsed.verb.len() && command.is_args_conflicts_with_subcommands_set() {
            continue;
        }
        rows.extend(
            options(command)
                .filter(|arg| !arg.is_global_set())
                .map(|arg| row(arg, matches, parsed)),
        );
    }
    rows
}

fn options(command: &Command) -> impl Iterator<Item = &Arg> {
    let is_option = |arg: &&Arg| {
        let is_shown = matches!(arg.get_long(), Some(long) if long != "help" && long != "version");
        is_shown && arg.get_long() != Some("config")
    };
    command.get_arguments().filter(is_option)
}

fn row(arg: &Arg, matches: &ArgMatches, parsed: &Parsed) -> SettingRow {
    let id = arg.get_id().as_str();
    let value = value(arg, matches).map(|value| match arg.is_hide_env_values_set() {
        true => HIDDEN.into(),
        false => value,
    });
    let line = parsed.lines.get(id).zip(parsed.file.as_ref());
    let source = match (matches.value_source(id), line) {
        (Some(ValueSource::CommandLine), _) => "flag".to_owned(),
        (Some(ValueSource::EnvVariable), _) => {
            let name = arg.get_env().map(|name| name.to_string_lossy());
            format!("variable {}", name.unwrap_or_default())
        }
        (Some(_), Some((line, file))) => format!("{}:{line}", file.display()),
        (Some(_), None) => "default".to_owned(),
        (None, _) => usual(arg).map_or("not set".to_owned(), |usual| format!("default: {usual}")),
    };
    SettingRow { key: arg.get_long().unwrap_or_default().to_owned(), value, source }
}

/// Returns the default that the help text names.
fn usual(arg: &Arg) -> Option<String> {
    let help = arg.get_help()?.to_string();
    let (_, rest) = help.split_once("[default: ")?;
    Some(rest.split_once(']')?.0.split_whitespace().collect::<Vec<_>>().join(" "))
}

fn value(arg: &Arg, matches: &ArgMatches) -> Option<Value> {
    let id = arg.get_id().as_str();
    if matches!(arg.get_action(), ArgAction::Count) {
        return Some(matches.get_count(id).into());
    }
    if matches!(arg.get_action(), ArgAction::SetTrue) {
        return Some(matches.get_flag(id).into());
    }
    let texts: Vec<String> =
        matches.get_raw(id)?.map(|text| text.to_string_lossy().into_owned()).collect();
    let mut texts = texts.into_iter().map(|text| settings::typed(arg, text));
    match settings::takes_many(arg) {
        true => Some(texts.collect()),
        false => texts.next_back(),
    }
}

impl SettingRow {
    fn json(&self) -> Value {
        json!({ "key": self.key, "value": self.value, "source": self.source })
    }
}

fn text(verb: &[String], rows: &[SettingRow]) -> String {
    let setting = |row: &SettingRow| match &row.value {
        Some(value) => format!("{} = {}", row.key, toml(value)),
        None => format!("# {} =", row.key),
    };
    let width = rows.iter().map(|row| setting(row).chars().count()).max().unwrap_or_default();
    let width = width.min(48);
    let mut lines = vec![format!("[{}]", verb.join("."))];
    lines.extend(rows.iter().map(|row| format!("{:width$}  # {}", setting(row), row.source)));
    lines.join("\n")
}

/// JSON text is also TOML, except for one character.
fn toml(value: &Value) -> String {
    value.to_string().replace('\u{7f}', "\\u007f")
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;
    use crate::settings::with_variables;

    #[test]
    fn what_is_printed_is_a_file_with_options() {
        for verb in [&["inspect", "state"][..], &["network", "user", "add"], &["package"]] {
            let args = ["wasmcc"].iter().chain(verb).map(OsString::from).collect();
            let parsed = settings::read(args, Some("/dev/null".into()), Completeness::Partial);
            let parsed = parsed.unwrap();
            let rows = rows(&parsed);
            let mut keys: Vec<&str> = rows.iter().map(|row| row.key.as_str()).collect();
            keys.sort_unstable();
            let count = keys.len();
            keys.dedup();
            assert_eq!(keys.len(), count, "{verb:?}");
            let leaf = verb.iter().fold(with_variables(crate::Cli::command()), |command, name| {
                command.find_subcommand(name).unwrap().clone()
            });
            let is_known = |key: &&str| {
                let of = |command: &Command| {
                    command.get_arguments().any(|arg| arg.get_long() == Some(*key))
                };
                of(&leaf) || of(&crate::Cli::command())
            };
            assert!(keys.iter().all(is_known), "{verb:?}: {keys:?}");
        }
    }
}
