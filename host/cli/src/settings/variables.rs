//! The variables of options: which ones apply, and the checks of their values.
//!
//! Invariant: an empty variable counts as not set, as in a Fabric peer (viper without
//! `AllowEmptyEnv`). Templates of containers produce empty ones: `CA: ${CA:-}`.

use std::ffi::OsStr;

use clap::builder::Resettable::Reset;
use clap::parser::ValueSource;
use clap::{Arg, ArgMatches, Command};

use crate::settings::apply::{below, matches_at};
use crate::settings::keys::variable;
use crate::settings::{is_given, value};

/// Gives each option a variable, except options that belong to one call.
pub(crate) fn with_variables(command: Command) -> Command {
    let command = command.mut_args(|arg| {
        let Some(own) = arg.get_long().map(variable) else { return arg };
        let arg = value::with_words_of_booleans(arg);
        let arg = match arg.get_env() {
            None if is_of_call(&arg) => return arg,
            // The help describes the general rule once.
            None => arg.env(own).hide_env(true),
            // Keep Fabric's variable unless our own is set: an option has one variable.
            Some(other) if other != own.as_str() && has_value(own.as_ref()) => arg.env(own),
            Some(_) => arg,
        };
        let is_empty = |name: &OsStr| std::env::var_os(name).is_some() && !has_value(name);
        match arg.get_env().is_some_and(is_empty) {
            true => without_variable(arg),
            false => arg,
        }
    });
    command.mut_subcommands(with_variables)
}

/// True for an option that belongs to one call, such as the name of an output file. A value meant
/// for another verb would silently change the result. Such an option therefore has no variable, and
/// keys before all tables do not apply to it. `hide_env` without a variable marks it.
pub(super) fn is_of_call(arg: &Arg) -> bool {
    arg.get_env().is_none() && arg.is_hide_env_set()
}

fn without_variable(arg: Arg) -> Arg {
    // Unset the mark of an option of one call.
    arg.env(Reset).hide_env(false)
}

/// Removes the variables of outer verbs' options that cannot be given with `verb`: for example,
/// those of `network` for `network user add`.
pub(super) fn of_verb(command: Command, verb: &[String]) -> Command {
    let [below, rest @ ..] = verb else { return command };
    let command = match command.is_args_conflicts_with_subcommands_set() {
        false => command,
        true => command.mut_args(|arg| match arg.is_global_set() {
            true => arg,
            false => without_variable(arg),
        }),
    };
    command.mut_subcommand(below, |command| of_verb(command, rest))
}

fn has_value(name: &OsStr) -> bool {
    std::env::var_os(name).is_some_and(|value| !value.is_empty())
}

/// Checks the values of the variables that apply to a verb. `look` has the values of flags. Errors
/// name the variable: clap would name the flag, which was not given.
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

    /// The same arguments make the same package everywhere, whatever variables are set for peers
    /// and clients.
    #[test]
    fn what_is_of_one_call_has_no_variable() {
        let root = with_variables(Cli::command());
        let package = root.find_subcommand("package").unwrap();
        let own = package.get_arguments().filter(|arg| !arg.is_global_set());
        let set: Vec<&Arg> = own.filter(|arg| arg.get_env().is_some()).collect();
        assert!(set.is_empty(), "{set:?}");
        assert!(option("package", "output").get_env().is_none());
        assert!(option("profile", "output").get_env().is_none());
        assert!(option("peer", "fuel").get_env().is_some());
    }

    #[test]
    fn options_that_cannot_be_given_have_no_variables() {
        let variable = |verb: &[&str]| {
            let verb: Vec<String> = verb.iter().map(|name| (*name).to_owned()).collect();
            let command = of_verb(with_variables(Cli::command()), &verb);
            let network = command.find_subcommand("network").unwrap();
            let of = |command: &Command| {
                let mut args = command.get_arguments();
                args.find(|arg| arg.get_long() == Some("org")).unwrap().get_env().is_some()
            };
            let add = network.find_subcommand("user").and_then(|user| user.find_subcommand("add"));
            (of(network), of(add.unwrap()))
        };
        assert_eq!(variable(&["network"]), (true, true));
        assert_eq!(variable(&["network", "user", "add"]), (false, true));
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
