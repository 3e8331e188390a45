//! Sets the values of a file as defaults of a verb's options.

use clap::builder::Resettable::Reset;
use clap::parser::ValueSource;
use clap::{Arg, ArgAction, ArgMatches, Command};

use crate::settings::fabric::folder_of_another_org;
use crate::settings::file::{Setting, Settings};
use crate::settings::keys::{PREFIX, own};
use crate::settings::value::{Boolean, check, takes_many};
use crate::settings::variables::is_of_call;
use crate::settings::{Lines, is_given};

/// The precedence of options that exclude each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Rank {
    FabricVariable,
    OwnVariable,
    Flag,
}

impl Rank {
    fn of_variable(arg: &Arg) -> Option<Self> {
        let name = arg.get_env()?.to_str()?;
        Some(if name.starts_with(PREFIX) { Self::OwnVariable } else { Self::FabricVariable })
    }
}

/// Returns the command with the file's values as defaults of the options of `verb`, and the lines
/// of these values. `look` has the values of flags and variables.
pub(super) fn apply(
    command: Command,
    look: &ArgMatches,
    verb: &[String],
    settings: Settings,
) -> Result<(Command, Lines), String> {
    let Settings { file, mut settings } = settings;
    settings.retain(|setting| {
        let arg = find(&command, verb, &setting.key);
        !setting.verb.is_empty() || arg.is_none_or(|(arg, _)| !is_of_call(arg))
    });
    let mut lines = Lines::new();
    // From the table of all verbs to that of this verb: the nearest one counts.
    for depth in 0..=verb.len() {
        let here = settings.iter().filter(|setting| setting.verb == verb[..depth]);
        for setting in here {
            if let Some((arg, _)) = find(&command, verb, &setting.key) {
                lines.insert(arg.get_id().to_string(), setting.line);
            }
        }
    }
    let mut chosen: Vec<(Setting, Vec<String>)> = Vec::new();
    for setting in settings {
        let Some((arg, place)) = find(&command, verb, &setting.key) else { continue };
        let id = arg.get_id().to_string();
        // The value belongs to another verb, or a nearer table overrides it.
        if !verb.starts_with(&setting.verb) || lines.get(&id) != Some(&setting.line) {
            continue;
        }
        let at = below(&command, &place);
        let others = rivals(at, &id);
        let is_on = setting.values != ["false"];
        let matches = matches_at(look, &place);
        let beaten = is_on && others.iter().any(|other| is_given(matches, other).is_some());
        if beaten || is_given(matches, &id).is_some() {
            lines.remove(&id);
            continue;
        }
        check_for(arg, &setting).map_err(|wrong| {
            let path: String = setting.verb.iter().map(|verb| format!("{verb}.")).collect();
            let (file, line, key) = (file.display(), setting.line, &setting.key);
            format!("{file}, line {line}: {path}{key}: {wrong}")
        })?;
        for (rival, _) in chosen.iter().filter(|_| is_on) {
            let other = own(at, &rival.key).map(|arg| arg.get_id().to_string());
            if other.is_some_and(|other| others.contains(&other)) && rival.values != ["false"] {
                let (file, key, line) = (file.display(), &setting.key, setting.line);
                let (rival, other_line) = (&rival.key, rival.line);
                let here = format!("{file}, line {line}: '{key}'");
                return Err(format!("{here} cannot be used with '{rival}' in line {other_line}"));
            }
        }
        chosen.push((setting, place));
    }
    let mut command = command;
    for (setting, place) in chosen {
        command = at(command, &place, &|command| set(command, &setting));
    }
    Ok((without_beaten_variables(command, look, verb), lines))
}

/// Checks that a value fits the option. It was only checked for the first option with its name.
fn check_for(arg: &Arg, setting: &Setting) -> Result<(), String> {
    match setting.values.len() > 1 && !takes_many(arg) {
        true => Err("expected one value, found an array".to_owned()),
        false => check(arg, &setting.values),
    }
}

/// Returns the option with this name for a verb, and the command that defines it.
fn find<'a>(command: &'a Command, verb: &[String], key: &str) -> Option<(&'a Arg, Vec<String>)> {
    for depth in (0..=verb.len()).rev() {
        let place = &verb[..depth];
        if let Some(arg) = own(below(command, place), key) {
            return Some((arg, place.to_vec()));
        }
    }
    None
}

pub(super) fn below<'a>(command: &'a Command, place: &[String]) -> &'a Command {
    place.iter().fold(command, |command, name| command.find_subcommand(name).unwrap_or(command))
}

pub(super) fn matches_at<'a>(matches: &'a ArgMatches, place: &[String]) -> &'a ArgMatches {
    place.iter().fold(matches, |matches, name| matches.subcommand_matches(name).unwrap_or(matches))
}

/// Changes the subcommand with this path.
fn at(command: Command, place: &[String], change: &dyn Fn(Command) -> Command) -> Command {
    match place {
        [] => change(command),
        [name, rest @ ..] => command.mut_subcommand(name, |below| at(below, rest, change)),
    }
}

/// Returns the options that conflict with an option, in either direction.
fn rivals(command: &Command, id: &str) -> Vec<String> {
    let conflicts = |arg: &Arg| -> Vec<String> {
        let others = command.get_arg_conflicts_with(arg);
        others.into_iter().map(|other| other.get_id().to_string()).collect()
    };
    let mut rivals = Vec::new();
    for arg in command.get_arguments() {
        let of_arg = conflicts(arg);
        if arg.get_id() == id {
            rivals.extend(of_arg);
        } else if of_arg.iter().any(|other| other == id) {
            rivals.push(arg.get_id().to_string());
        }
    }
    rivals
}

fn set(command: Command, setting: &Setting) -> Command {
    // Visits all options: changing one by its name would move it to the end of the help.
    command.mut_args(|arg| {
        if arg.get_long() != Some(setting.key.as_str()) {
            return arg;
        }
        let arg = match arg.get_action() {
            // Allows `false` for a flag.
            ArgAction::SetTrue => arg
                .action(ArgAction::Set)
                .value_parser(Boolean)
                .value_name("BOOL")
                .num_args(0..=1)
                .require_equals(true)
                .default_missing_value("true"),
            _ => arg,
        };
        arg.required(false).default_values(setting.values.clone())
    })
}

/// Removes variables that conflict with a flag, since flags have precedence. Also removes Fabric's
/// variables that conflict with a variable of this program.
fn without_beaten_variables(command: Command, look: &ArgMatches, verb: &[String]) -> Command {
    let matches = matches_at(look, verb);
    let leaf = below(&command, verb);
    let rank = |id: &str| match is_given(matches, id)? {
        ValueSource::CommandLine => Some(Rank::Flag),
        _ => leaf.get_arguments().find(|arg| arg.get_id() == id).and_then(Rank::of_variable),
    };
    let mut beaten: Vec<String> = leaf
        .get_arguments()
        .map(|arg| arg.get_id().to_string())
        .filter(|id| {
            let own = rank(id);
            own.is_some() && rivals(leaf, id).iter().any(|other| rank(other) > own)
        })
        .collect();
    beaten.extend(folder_of_another_org(matches).map(str::to_owned));
    at(command, verb, &|command| {
        command.mut_args(|arg| match beaten.iter().any(|id| arg.get_id() == id) {
            true => arg.env(Reset),
            false => arg,
        })
    })
}
