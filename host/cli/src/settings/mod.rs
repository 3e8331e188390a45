//! Values of options, by precedence: flags, `WASMCC_` variables, Fabric's variables, a file,
//! defaults.
//!
//! Invariant: options are listed only in the definitions of the verbs' arguments. Keys of the file
//! and names of variables are derived from the names of flags.

mod apply;
mod fabric;
mod file;
mod keys;
mod value;
mod variables;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::PathBuf;

use clap::error::ErrorKind;
use clap::parser::ValueSource;
use clap::{ArgMatches, Command, CommandFactory, FromArgMatches};

use crate::Cli;
pub(crate) use crate::settings::fabric::{
    LOCAL_MSP_ID, MSP_CONFIG_PATH, PEER_ADDRESS, TLS_ROOT_FILE, is_set_to,
};
use crate::settings::file::Settings;
pub(crate) use crate::settings::keys::unknown_variables;
pub(crate) use crate::settings::value::{takes_many, typed};
pub(crate) use crate::settings::variables::with_variables;

/// The configuration file in the current folder, if it exists.
const FILE: &str = "wasmcc.toml";
/// The flag for another configuration file.
const CONFIG: &str = "config";

/// The lines of values that a file has set, by the ids of arguments.
type Lines = BTreeMap<String, usize>;

/// The parsed command line, with the sources of its values.
pub(crate) struct Parsed {
    /// The definitions of the command line.
    pub(crate) command: Command,
    pub(crate) matches: ArgMatches,
    /// The verb with its subverbs.
    pub(crate) verb: Vec<String>,
    /// The configuration file, if there is one.
    pub(crate) file: Option<PathBuf>,
    /// The lines of the file's values.
    pub(crate) lines: Lines,
}

/// Whether required arguments must be present.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Completeness {
    /// They must be present.
    Required,
    /// They may be missing.
    Partial,
}

/// Reads the command line of this process with variables and file.
pub(crate) fn parse(args: Vec<OsString>) -> Result<Cli, clap::Error> {
    let mut parsed = read(args, None, Completeness::Required)?;
    let cli = Cli::from_arg_matches_mut(&mut parsed.matches);
    let mut cli = cli.map_err(|error| error.format(&mut parsed.command))?;
    cli.file = parsed.file;
    Ok(cli)
}

/// Reads arguments, the first of which is the program. `file` is read unless they name another one.
pub(crate) fn read(
    args: Vec<OsString>,
    file: Option<PathBuf>,
    completeness: Completeness,
) -> Result<Parsed, clap::Error> {
    let mut command = with_variables(Cli::command());
    if completeness == Completeness::Partial {
        command = without_requirements(command);
    }
    // A first pass with errors ignored finds the verb and the file.
    let look = command.clone().ignore_errors(true).try_get_matches_from(&args);
    let Ok(look) = look else {
        // Help is requested.
        let matches = command.try_get_matches_from_mut(&args)?;
        let (verb, lines) = (Vec::new(), Lines::new());
        return Ok(Parsed { command, matches, verb, file: None, lines });
    };
    let verb = verb_of(&look);
    let command = variables::of_verb(command, &verb);
    let named = look.get_one::<PathBuf>(CONFIG).cloned().or(file);
    let file = named.or_else(|| Some(PathBuf::from(FILE)).filter(|file| file.is_file()));
    let wrong = |text: String| clap::Error::raw(ErrorKind::ValueValidation, text + "\n");
    let settings = match &file {
        Some(file) => Settings::read(file, &command).map_err(wrong)?,
        None => Settings::default(),
    };
    variables::check(&command, &look, &verb).map_err(wrong)?;
    let (command, lines) = apply::apply(command, &look, &verb, settings).map_err(wrong)?;
    let mut command = command;
    let matches = match command.try_get_matches_from_mut(&args) {
        Err(error)
            if completeness == Completeness::Partial
                && error.kind() == ErrorKind::MissingRequiredArgument =>
        {
            command.clone().ignore_errors(true).try_get_matches_from(&args)?
        }
        read => read?,
    };
    Ok(Parsed { command, matches, verb, file, lines })
}

/// Returns the names of the subcommands.
fn verb_of(matches: &ArgMatches) -> Vec<String> {
    let mut verb = Vec::new();
    let mut matches = matches;
    while let Some((name, below)) = matches.subcommand() {
        verb.push(name.to_owned());
        matches = below;
    }
    verb
}

fn without_requirements(command: Command) -> Command {
    let command = command.subcommand_required(false).arg_required_else_help(false);
    let command = command.mut_args(|arg| arg.required(false));
    command.mut_subcommands(without_requirements)
}

/// Returns the source of a value that a flag or variable sets, or the file.
fn is_given(matches: &ArgMatches, id: &str) -> Option<ValueSource> {
    let source = matches.try_contains_id(id).ok().and_then(|_| matches.value_source(id));
    source.filter(|source| *source != ValueSource::DefaultValue)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn read_with(text: &str, words: &[&str]) -> Result<Parsed, String> {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("own.toml");
        std::fs::write(&file, text).unwrap();
        let args = [&["wasmcc"], words].concat().into_iter().map(OsString::from).collect();
        let read = read(args, Some(file.clone()), Completeness::Required);
        read.map_err(|error| error.to_string().replace(&file.display().to_string(), "own.toml"))
    }

    fn refused(text: &str, words: &[&str]) -> String {
        read_with(text, words).err().unwrap_or_else(|| panic!("it is accepted: {text}"))
    }

    fn below<'a>(parsed: &'a Parsed, verb: &str) -> &'a ArgMatches {
        parsed.matches.subcommand_matches(verb).unwrap()
    }

    #[test]
    fn keys_are_the_names_of_flags_and_flags_win() {
        let text = "network = \"of-all\"\n[peer]\nnetwork = \"of-peers\"\nqueue = 1_000\n\
                    listen = [\"h:1\", \"h:2\"]\nchaincode-dev = true\nfuel = 7\n\
                    batch-timeout = \"10ms\"\n[serve]\nqueue = 5\n";
        let parsed = read_with(text, &["peer", "--queue", "9"]).unwrap();
        let peer = below(&parsed, "peer");
        assert_eq!(peer.get_one::<PathBuf>("network").unwrap(), Path::new("of-peers"));
        assert_eq!(peer.get_one::<u16>("queue"), Some(&9));
        assert_eq!(peer.get_one::<u64>("fuel"), Some(&7));
        assert!(peer.get_flag("chaincode_dev"));
        let listen: Vec<_> = peer.get_raw("listen").unwrap().collect();
        assert_eq!(listen, ["h:1", "h:2"]);
        let parsed = read_with(text, &["channels"]).unwrap();
        let network = below(&parsed, "channels").get_one::<PathBuf>("network");
        assert_eq!(network.unwrap(), Path::new("of-all"));
        let cli = read_with(text, &["peer"])
            .map(|mut parsed| Cli::from_arg_matches_mut(&mut parsed.matches).map(drop));
        cli.unwrap().unwrap();
    }

    #[test]
    fn a_flag_takes_the_place_of_what_it_contradicts() {
        let parsed = read_with("[peer]\ndata = \"d\"\n", &["peer", "--network=n", "--in-memory"]);
        let parsed = parsed.unwrap();
        let peer = below(&parsed, "peer");
        assert!(peer.get_flag("in_memory") && !peer.contains_id("data"));
        let text = "[peer]\nin-memory = true\n";
        let parsed = read_with(text, &["peer", "--network=n", "--data=d"]).unwrap();
        assert!(!below(&parsed, "peer").get_flag("in_memory"));
        let parsed = read_with(text, &["peer", "--network=n", "--in-memory=false"]).unwrap();
        assert!(!below(&parsed, "peer").get_flag("in_memory"));
        let error = refused("[peer]\nin-memory = true\ndata = \"d\"\n", &["peer"]);
        assert!(
            error.contains("own.toml, line 2: 'in-memory' cannot be used with 'data' in line 3")
                || error
                    .contains("own.toml, line 3: 'data' cannot be used with 'in-memory' in line 2"),
            "{error}"
        );
    }

    #[test]
    fn what_is_wrong_is_named_with_its_line() {
        for (text, error) in [
            (
                "[peer]\nbatch_timeout = \"1s\"",
                "own.toml, line 2: there is no 'batch_timeout' in \
              [peer]; did you mean 'batch-timeout'?",
            ),
            ("\n[per]\nqueue = 1", "own.toml, line 2: there is no [per]; did you mean [peer]?"),
            (
                "netwrok = \"x\"",
                "own.toml, line 1: there is no option 'netwrok'; did you mean \
              'network'?",
            ),
            (
                "[peer]\nqueue = \"many\"",
                "own.toml, line 2: peer.queue: expected an integer, found \
              a string",
            ),
            (
                "[peer]\nlisten = 7051",
                "own.toml, line 2: peer.listen: expected a string or an array \
              of strings, found an integer",
            ),
            (
                "[peer]\ndata = [\"a\"]",
                "own.toml, line 2: peer.data: expected a string, found an \
              array",
            ),
            (
                "[peer]\nin-memory = \"yes\"",
                "own.toml, line 2: peer.in-memory: expected true or \
              false, found a string",
            ),
            ("[peer]\nqueue = 70000", "own.toml, line 2: peer.queue: invalid value '70000'"),
            (
                "[peer]\n\nbatch-timeout = \"5\"",
                "own.toml, line 3: peer.batch-timeout: invalid value \
              '5'",
            ),
            (
                "[peer]\nlisten = [\"a\", 5]",
                "own.toml, line 2: peer.listen: expected a string, found \
              an integer",
            ),
            ("a = ", "own.toml, line 1: "),
        ] {
            let found = refused(text, &["peer", "--network=n"]);
            assert!(found.contains(error), "{text}\n{found}\n{error}");
        }
    }

    /// The same arguments make the same package everywhere.
    #[test]
    fn what_is_of_one_call_is_set_in_its_own_table() {
        let words = ["package", "x.wasm", "--label=l"];
        let timeout = |text: &str| {
            let parsed = read_with(text, &words).unwrap();
            let set = below(&parsed, "package").get_one::<String>("timeout").cloned();
            (set, parsed.lines.len())
        };
        assert_eq!(timeout("timeout = \"5s\"\noutput = \"o\"\n"), (None, 0));
        let own = "timeout = \"5s\"\n[package]\ntimeout = \"6s\"\n";
        assert_eq!(timeout(own), (Some("6s".to_owned()), 1));
    }

    /// A value before all tables may be for options of several kinds.
    #[test]
    fn a_value_that_does_not_fit_this_verb_is_named_with_its_line() {
        let text = "\npolicy = \"basic=OR('Org1MSP.peer')\"\n";
        let error = refused(text, &["deploy", "x", "--name=n"]);
        assert!(error.contains("own.toml, line 2: policy: invalid value"), "{error}");
        let error = refused("channel = [\"a\", \"b\"]\n", &["chaincodes", "--network=n"]);
        let expected = "own.toml, line 1: channel: expected one value, found an array";
        assert!(error.contains(expected), "{error}");
    }

    #[test]
    fn every_option_of_every_verb_is_a_key() {
        fn check(command: &Command, path: &str, seen: &mut usize) {
            for arg in command.get_arguments() {
                let Some(long) = arg.get_long().filter(|long| *long != CONFIG) else { continue };
                let value = value::example(arg);
                let text = format!("[{path}]\n{long} = {value}\n");
                let read =
                    Settings::of(&text, Path::new("x.toml"), &with_variables(Cli::command()));
                read.unwrap_or_else(|error| panic!("{text}: {error}"));
                *seen += 1;
            }
            for verb in command.get_subcommands() {
                check(verb, &format!("{path}.{}", verb.get_name()), seen);
            }
        }
        let mut seen = 0;
        for verb in Cli::command().get_subcommands() {
            check(verb, verb.get_name(), &mut seen);
        }
        assert!(seen > 100, "{seen}");
    }
}
