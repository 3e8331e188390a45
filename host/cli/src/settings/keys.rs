//! Names: of variables, and the nearest one to a wrong one.

use clap::{Arg, Command};

/// The variable of a flag: `WASMCC_BATCH_TIMEOUT` of `--batch-timeout`.
pub(super) fn variable(long: &str) -> String {
    let mut name = "WASMCC_".to_owned();
    for char in long.chars() {
        match char {
            '-' => name.push('_'),
            // Fabric's flags have their words like this.
            char if char.is_ascii_uppercase() => name.extend(['_', char]),
            char => name.push(char.to_ascii_uppercase()),
        }
    }
    name
}

/// The option of this name that a command has itself.
pub(super) fn own<'a>(command: &'a Command, key: &str) -> Option<&'a Arg> {
    command.get_arguments().find(|arg| arg.get_long() == Some(key))
}

/// Whether a command has an option, or one of those below it.
pub(super) fn is_below(command: &Command, key: &str) -> bool {
    own(command, key).is_some() || command.get_subcommands().any(|below| is_below(below, key))
}

/// All options of a command and of those below it.
pub(super) fn all(command: &Command) -> Vec<&str> {
    let own = command.get_arguments().filter_map(Arg::get_long);
    own.chain(command.get_subcommands().flat_map(all)).collect()
}

/// The name that was probably meant.
pub(super) fn nearest<'a>(wrong: &str, names: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let wrong = wrong.replace('_', "-").to_lowercase();
    let ranked =
        names.map(|name| (strsim::damerau_levenshtein(&wrong, &name.to_lowercase()), name));
    let (distance, name) = ranked.min()?;
    (distance <= (wrong.len() / 3).max(2)).then_some(name)
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
