//! The variables of options: which count, and what is wrong with their values.
//!
//! Invariant: a variable that is set to nothing counts as one that is not set, as for a Fabric peer
//! (viper without `AllowEmptyEnv`). Templates of containers write it so: `CA: ${CA:-}`.

use std::ffi::OsStr;

use clap::builder::Resettable::Reset;
use clap::parser::ValueSource;
use clap::{Arg, ArgMatches, Command};

use crate::settings::apply::{below, matches_at};
use crate::settings::keys::variable;
use crate::settings::{is_given, value};

/// Every option also takes a variable of its own.
pub(crate) fn with_variables(command: Command) -> Command {
    let command = command.mut_args(|arg| {
        let Some(own) = arg.get_long().map(variable) else { return arg };
        let arg = value::with_words_of_booleans(arg);
        let arg = match arg.get_env() {
            // The general rule is in the help once.
            None => arg.env(own).hide_env(true),
            // Fabric's variable stays; ours goes first where both are set.
            Some(other) if other != own.as_str() && has_value(own.as_ref()) => arg.env(own),
            Some(_) => arg,
        };
        let is_empty = |name: &OsStr| std::env::var_os(name).is_some() && !has_value(name);
        match arg.get_env().is_some_and(is_empty) {
            true => arg.env(Reset),
            false => arg,
        }
    });
    command.mut_subcommands(with_variables)
}

fn has_value(name: &OsStr) -> bool {
    std::env::var_os(name).is_some_and(|value| !value.is_empty())
}

/// Checks the values of the variables that count for a verb. `look` has what flags say. An error
/// names the variable: clap would name the flag, which nobody gave.
pub(super) fn check(command: &Command, look: &ArgMatches, verb: &[String]) -> Result<(), String> {
    for depth in 0..=verb.len() {
        let place = &verb[..depth];
        let matches = matches_at(look, place);
        for arg in below(command, place).get_arguments() {
            if is_given(matches, arg.get_id().as_str()) != Some(ValueSource::CommandLine) {
                check_one(arg, |name| std::env::var_os(name))?;
            }
        }
    }
    Ok(())
}

fn check_one<V: AsRef<OsStr>>(
    arg: &Arg,
    set: impl FnOnce(&OsStr) -> Option<V>,
) -> Result<(), String> {
    let Some(name) = arg.get_env() else { return Ok(()) };
    let Some(value) = set(name) else { return Ok(()) };
    let checked = value::check(arg, [value.as_ref()]);
    checked.map_err(|wrong| format!("variable {}: {wrong}", name.to_string_lossy()))
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;
    use crate::Cli;

    fn option(verb: &str, long: &str) -> Arg {
        let command = with_variables(Cli::command());
        let mut args = command.find_subcommand(verb).unwrap().get_arguments();
        args.find(|arg| arg.get_long() == Some(long)).unwrap().clone()
    }

    #[test]
    fn an_error_names_the_variable_and_what_it_has() {
        let checked =
            |long: &str, value: &str| check_one(&option("peer", long), |_| Some(value.to_owned()));
        for (long, value) in [
            ("queue", "7"),
            ("in-memory", "yes"),
            ("tls", "F"),
            ("tls-cert", "a b"),
            ("org", "A,B"),
            ("batch-timeout", "5ms"),
        ] {
            checked(long, value).unwrap();
        }
        for (long, value, error) in [
            ("queue", "many", "variable WASMCC_QUEUE: invalid value 'many' for '--queue <N>'"),
            (
                "in-memory",
                "perhaps",
                "variable WASMCC_IN_MEMORY: invalid value 'perhaps' for '--in-memory",
            ),
            (
                "tls",
                "perhaps",
                "variable CORE_PEER_TLS_ENABLED: invalid value 'perhaps' for '--tls",
            ),
            ("grace", "0s", "variable WASMCC_GRACE: invalid value '0s' for '--grace <TIME>'"),
        ] {
            let found = checked(long, value).unwrap_err();
            assert!(found.starts_with(error), "{found}");
        }
    }

    #[test]
    fn booleans_are_those_of_go() {
        let parsed = |verb: [&str; 2], word: &str| {
            let words = ["wasmcc", verb[0], verb[1], word];
            let parsed = with_variables(Cli::command()).try_get_matches_from(words);
            parsed.map_err(|error| error.to_string())
        };
        let is_set = |words: [&str; 2], option: &str, id: &str, value: &str| {
            let matches = parsed(words, &format!("--{option}={value}")).unwrap();
            *matches.subcommand_matches(words[0]).unwrap().get_one::<bool>(id).unwrap()
        };
        let options = [
            (["peer", "--network=n"], "tls", "tls"),
            (["serve", "x"], "tls-disabled", "tls_disabled"),
        ];
        for (words, option, id) in options {
            for value in ["1", "t", "T", "TRUE", "true", "True"] {
                assert!(is_set(words, option, id, value), "{option} {value}");
            }
            for value in ["0", "f", "F", "FALSE", "false", "False"] {
                assert!(!is_set(words, option, id, value), "{option} {value}");
            }
            let refused = parsed(words, &format!("--{option}=perhaps")).unwrap_err();
            assert!(refused.contains("was not a boolean"), "{refused}");
        }
    }
}
