//! Names of variables, and suggestions for unknown names.

use std::collections::BTreeSet;

use clap::{Arg, Command};

/// The prefix of all variables.
pub(super) const PREFIX: &str = "WASMCC_";

/// Returns the variable of a flag: `WASMCC_BATCH_TIMEOUT` for `--batch-timeout`.
pub(super) fn variable(long: &str) -> String {
    let mut name = PREFIX.to_owned();
    for char in long.chars() {
        match char {
            '-' => name.push('_'),
            // Fabric's flags are in camel case.
            char if char.is_ascii_uppercase() => name.extend(['_', char]),
            char => name.push(char.to_ascii_uppercase()),
        }
    }
    name
}

/// Returns the option with this name that the command itself defines.
pub(super) fn own<'a>(command: &'a Command, key: &str) -> Option<&'a Arg> {
    command.get_arguments().find(|arg| arg.get_long() == Some(key))
}

/// True if a command or one of its subcommands has this option.
pub(super) fn is_below(command: &Command, key: &str) -> bool {
    own(command, key).is_some() || command.get_subcommands().any(|below| is_below(below, key))
}

/// Returns all options of a command and its subcommands.
pub(super) fn all(command: &Command) -> Vec<&str> {
    let own = command.get_arguments().filter_map(Arg::get_long);
    own.chain(command.get_subcommands().flat_map(all)).collect()
}

/// Returns the most similar known name.
pub(super) fn nearest<'a>(wrong: &str, names: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let wrong = wrong.replace('_', "-").to_lowercase();
    let ranked =
        names.map(|name| (strsim::damerau_levenshtein(&wrong, &name.to_lowercase()), name));
    let (distance, name) = ranked.min()?;
    (distance <= (wrong.len() / 3).max(2)).then_some(name)
}

/// Returns comments about set variables that have the prefix but belong to no option.
pub(crate) fn unknown_variables(command: &Command) -> String {
    let known = variables(command);
    let set = std::env::vars_os().filter_map(|(name, _)| name.into_string().ok());
    let wrong = set.filter(|name| name.starts_with(PREFIX) && !known.contains(name));
    let comment = |name: String| match nearest(&name, known.iter().map(String::as_str)) {
        Some(near) => format!("\n# no option has the variable {name}; is it {near}?"),
        None => format!("\n# no option has the variable {name}"),
    };
    wrong.map(comment).collect()
}

fn variables(command: &Command) -> BTreeSet<String> {
    let own = command.get_arguments().flat_map(|arg| {
        let env = arg.get_env().map(|name| name.to_string_lossy().into_owned());
        arg.get_long().map(variable).into_iter().chain(env)
    });
    own.chain(command.get_subcommands().flat_map(variables)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_variable_has_the_words_of_its_flag() {
        assert_eq!(variable("batch-timeout"), "WASMCC_BATCH_TIMEOUT");
        assert_eq!(variable("waitForEvent"), "WASMCC_WAIT_FOR_EVENT");
    }

    #[test]
    fn the_nearest_name_is_found_if_one_is_near() {
        let names = ["queue", "batch-timeout", "data"];
        let nearest = |wrong| nearest(wrong, names.into_iter());
        assert_eq!(nearest("batch_timout"), Some("batch-timeout"));
        assert_eq!(nearest("QUEU"), Some("queue"));
        assert_eq!(nearest("something-else"), None);
    }
}
