//! The command line as one page of Markdown, made from the definitions of the help.
//!
//! Does not depend on the terminal, the variables or the files of this process.

use std::fmt::Write;

use clap::{Arg, ArgAction, Command};

use crate::command_with_variables;

const HEAD: &str = "\
# The command line
`wasmcc man --markdown FILE` writes this page; `wasmcc help VERB` shows the same. Options are \
also variables
and keys of the file `wasmcc.toml`: [operations.md](operations.md#where-options-come-from).
";

/// Returns all verbs with their arguments.
pub fn markdown() -> String {
    let mut root = command_with_variables();
    root.build();
    let mut page = format!("{HEAD}\n## All verbs\n");
    let shared = root.get_arguments().filter(|arg| arg.is_global_set());
    table(&mut page, shared);
    let mut verbs: Vec<Command> = Vec::new();
    collect(&root, &mut verbs);
    for mut verb in verbs {
        section(&mut page, &mut verb);
    }
    page
}

/// Collects the verbs in the order of the help. Verbs with subverbs are listed, too: they have
/// examples, and some can be run.
fn collect(command: &Command, verbs: &mut Vec<Command>) {
    let visible = |verb: &&Command| !verb.is_hide_set() && verb.get_name() != "help";
    let below = command.get_subcommands().filter(visible);
    for verb in below {
        verbs.push(verb.clone());
        collect(verb, verbs);
    }
}

fn section(page: &mut String, verb: &mut Command) {
    let usage = verb.render_usage().to_string();
    let usage = usage.trim_start_matches("Usage: ").trim();
    let name = verb.get_bin_name().unwrap_or(verb.get_name()).to_owned();
    let about = verb.get_long_about().or(verb.get_about());
    let about = about.map(|text| text.to_string()).unwrap_or_default();
    // Writing to a String does not fail.
    let _ = write!(page, "\n## {name}\n{}\n\n```text\n{usage}\n```\n", one_line(&about));
    table(page, verb.get_arguments().filter(|arg| !arg.is_global_set()));
    if let Some(examples) = verb.get_after_help() {
        let _ = write!(page, "\n```text\n{}\n```\n", examples.to_string().trim());
    }
}

fn table<'a>(page: &mut String, args: impl Iterator<Item = &'a Arg>) {
    let args: Vec<&Arg> = args.filter(|arg| !arg.is_hide_set() && !is_of_all(arg)).collect();
    if args.is_empty() {
        return;
    }
    page.push_str("\n| argument | what | default | variable |\n| --- | --- | --- | --- |\n");
    for arg in args {
        let help = arg.get_long_help().or(arg.get_help());
        let mut help = one_line(&help.map(|text| text.to_string()).unwrap_or_default());
        let values = arg.get_possible_values();
        let values: Vec<&str> = values.iter().map(|value| value.get_name()).collect();
        let takes_values = arg.get_action().takes_values();
        if takes_values && !values.is_empty() {
            let _ = write!(help, ": {}", values.join(", "));
        }
        let defaults = arg.get_default_values().iter().filter(|_| takes_values);
        let defaults: Vec<_> = defaults.map(|value| value.to_string_lossy()).collect();
        let default = code(&defaults.join(" "));
        let variable = code(&arg.get_env().unwrap_or_default().to_string_lossy());
        let _ = writeln!(page, "| {} | {help} | {default} | {variable} |", code(&spelled(arg)));
    }
}

/// True for the flags that print help or the program's version. Some verbs have an own option
/// --version.
fn is_of_all(arg: &Arg) -> bool {
    use ArgAction::{Help, HelpLong, HelpShort, Version};
    matches!(arg.get_action(), Help | HelpLong | HelpShort | Version)
}

/// `-n, --name NAME`, or `FILE` for an argument without a name.
fn spelled(arg: &Arg) -> String {
    let short = arg.get_short().map(|short| format!("-{short}"));
    let names = arg.get_long_and_visible_aliases().unwrap_or_default();
    let names = names.into_iter().map(|name| format!("--{name}"));
    let names: Vec<String> = short.into_iter().chain(names).collect();
    let values = arg.get_value_names().unwrap_or_default();
    let values = values.iter().map(|value| value.to_string()).collect::<Vec<_>>().join(" ");
    match (names.is_empty(), arg.get_action().takes_values()) {
        (true, _) => values,
        (false, true) => format!("{} {values}", names.join(", ")),
        (false, false) => names.join(", "),
    }
}

fn code(text: &str) -> String {
    match text {
        "" => String::new(),
        text => format!("`{}`", text.replace('|', "\\|")),
    }
}

/// Joins the lines of a text and escapes bars, which would end a table cell.
fn one_line(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    words.join(" ").replace('|', "\\|")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_verb_has_a_section_with_its_arguments() {
        let page = markdown();
        for line in [
            "## wasmcc lifecycle chaincode install",
            "## wasmcc network user add",
            "## wasmcc network",
            "Change how many transactions a block has:",
        ] {
            assert!(page.lines().any(|found| found == line), "{line}");
        }
        assert!(!page.contains("## wasmcc sandbox"), "it is for a crate");
        assert!(page.lines().filter(|line| line.starts_with("| `-n, --name NAME` |")).count() > 2);
        // Three verbs of the lifecycle have the option, and so has `deploy`.
        let versions = page.lines().filter(|line| line.starts_with("| `--version "));
        assert!(versions.count() > 3);
        assert!(!page.contains("| `-V, --version` |") && !page.contains("| `-h, --help` |"));
    }

    #[test]
    fn cells_have_no_bar() {
        assert_eq!(one_line("a |\n b"), "a \\| b");
        assert_eq!(code("[NAME=]FILE|DIR"), "`[NAME=]FILE\\|DIR`");
    }
}
