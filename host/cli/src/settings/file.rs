//! The configuration file: values for all verbs first, then a table for each verb.
//!
//! Invariant: all names in it are known, whichever verb runs, and each value fits an option.

use std::path::{Path, PathBuf};

use clap::{Arg, Command};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::settings::keys::{all, is_below, nearest, own};
use crate::settings::{CONFIG, value};

/// The values of a file.
#[derive(Debug, Default)]
pub(super) struct Settings {
    pub(super) file: PathBuf,
    pub(super) settings: Vec<Setting>,
}

/// One value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Setting {
    /// The verb with its subverbs; empty for all verbs.
    pub(super) verb: Vec<String>,
    pub(super) key: String,
    pub(super) line: usize,
    /// The texts for the command line, made for the first matching option with this name.
    pub(super) values: Vec<String>,
}

/// The state of reading a file.
struct Reader<'a> {
    text: &'a str,
    file: &'a Path,
    root: &'a Command,
    settings: Vec<Setting>,
}

impl Settings {
    /// Reads a file for a program with these options.
    pub(super) fn read(file: &Path, root: &Command) -> Result<Self, String> {
        let text = std::fs::read_to_string(file)
            .map_err(|error| format!("cannot read {}: {error}", file.display()))?;
        Self::of(&text, file, root)
    }

    /// As `read`, but takes the text.
    pub(super) fn of(text: &str, file: &Path, root: &Command) -> Result<Self, String> {
        let mut reader = Reader { text, file, root, settings: Vec::new() };
        let table = DeTable::parse(text).map_err(|error| {
            let at = error.span().map_or(0, |span| span.start);
            reader.wrong(at, error.message())
        })?;
        reader.table(table.get_ref(), root, &[])?;
        Ok(Self { file: file.to_owned(), settings: reader.settings })
    }
}

impl Reader<'_> {
    fn line(&self, at: usize) -> usize {
        self.text.bytes().take(at).filter(|byte| *byte == b'\n').count() + 1
    }

    fn wrong(&self, at: usize, text: &str) -> String {
        format!("{}, line {}: {text}", self.file.display(), self.line(at))
    }

    fn table(
        &mut self,
        table: &DeTable<'_>,
        command: &Command,
        verb: &[String],
    ) -> Result<(), String> {
        for (key, value) in table {
            let (name, at) = (key.get_ref().as_ref(), key.span().start);
            match (value.get_ref(), command.find_subcommand(name)) {
                (DeValue::Table(below), Some(command)) => {
                    let verb = [verb, &[command.get_name().to_owned()]].concat();
                    self.table(below, command, &verb)?;
                }
                (DeValue::Table(_), None) => {
                    return Err(self.unknown_table(at, name, command, verb));
                }
                (_, _) => self.setting((name, at), value, command, verb)?,
            }
        }
        Ok(())
    }

    fn setting(
        &mut self,
        (key, at): (&str, usize),
        value: &Spanned<DeValue<'_>>,
        command: &Command,
        verb: &[String],
    ) -> Result<(), String> {
        let of_all = own(self.root, key).filter(|arg| arg.is_global_set());
        let is_known = is_below(command, key) || of_all.is_some();
        if !is_known || key == CONFIG {
            return Err(self.unknown_key(at, key, command, verb));
        }
        let path: String = verb.iter().map(|verb| format!("{verb}.")).collect();
        let mut values = Err(String::new());
        for arg in candidates(command, key).into_iter().chain(of_all) {
            // Verbs may define a name differently; the value must fit one of them.
            values = value::texts(arg, value.get_ref());
            if values.is_ok() {
                break;
            }
        }
        let values = values.map_err(|wrong| self.wrong(at, &format!("{path}{key}: {wrong}")))?;
        let (verb, line) = (verb.to_vec(), self.line(at));
        self.settings.push(Setting { verb, key: key.to_owned(), line, values });
        Ok(())
    }

    fn unknown_table(&self, at: usize, name: &str, command: &Command, verb: &[String]) -> String {
        let path: String = verb.iter().map(|verb| format!("{verb}.")).collect();
        let verbs = command.get_subcommands().map(Command::get_name);
        let hint = match nearest(name, verbs) {
            Some(near) => format!("did you mean [{path}{near}]?"),
            None => "tables are named as verbs are, see `wasmcc help`".to_owned(),
        };
        self.wrong(at, &format!("there is no [{path}{name}]; {hint}"))
    }

    fn unknown_key(&self, at: usize, key: &str, command: &Command, verb: &[String]) -> String {
        let globals = self.root.get_arguments().filter_map(Arg::get_long);
        let names = all(command).into_iter().chain(globals).filter(|name| *name != CONFIG);
        let words = verb.join(" ");
        let hint = match nearest(key, names) {
            Some(near) => format!("did you mean '{near}'?"),
            None => format!("keys are the names of options, see `wasmcc help {words}`"),
        };
        let what = match verb {
            [] => format!("there is no option '{key}'"),
            verb => format!("there is no '{key}' in [{}]", verb.join(".")),
        };
        self.wrong(at, &format!("{what}; {hint}"))
    }
}

/// Returns the options with this name of a command and its subcommands.
fn candidates<'a>(command: &'a Command, key: &str) -> Vec<&'a Arg> {
    let below = command.get_subcommands().flat_map(|below| candidates(below, key));
    own(command, key).into_iter().chain(below).collect()
}
