//! Converts values of a file to those of options.

use std::any::TypeId;
use std::ffi::{OsStr, OsString};

use clap::builder::{BoolishValueParser, PossibleValue, TypedValueParser};
use clap::{Arg, ArgAction, Command, Error};
use serde_json::Value;
use toml::de::DeValue;

/// The kind of an option's value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ValueKind {
    /// A flag, or an option with true or false.
    Bool,
    Integer,
    Text,
}

impl ValueKind {
    fn of(arg: &Arg) -> Self {
        let parsed = arg.get_value_parser().type_id();
        let is = |id: TypeId| parsed == id;
        let integers = [
            TypeId::of::<u8>(),
            TypeId::of::<u16>(),
            TypeId::of::<u32>(),
            TypeId::of::<u64>(),
            TypeId::of::<usize>(),
            TypeId::of::<i64>(),
        ];
        match arg.get_action() {
            ArgAction::SetTrue | ArgAction::SetFalse => Self::Bool,
            ArgAction::Count => Self::Integer,
            _ if is(TypeId::of::<bool>()) => Self::Bool,
            _ if integers.into_iter().any(is) => Self::Integer,
            _ => Self::Text,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Bool => "true or false",
            Self::Integer => "an integer",
            Self::Text => "a string",
        }
    }

    fn plural(self) -> &'static str {
        match self {
            Self::Bool => "booleans",
            Self::Integer => "integers",
            Self::Text => "strings",
        }
    }
}

/// Parses booleans: the words of Go, which Fabric accepts in variables (`strconv`, `ParseBool`),
/// and yes, no, on, off. The help shows only true and false.
#[derive(Clone)]
pub(super) struct Boolean;

impl Boolean {
    fn parse(text: &str) -> Option<bool> {
        let alone = Command::new("value");
        BoolishValueParser::new().parse_ref(&alone, None, text.as_ref()).ok()
    }
}

impl TypedValueParser for Boolean {
    type Value = bool;

    fn parse_ref(
        &self,
        command: &Command,
        arg: Option<&Arg>,
        value: &OsStr,
    ) -> Result<bool, Error> {
        BoolishValueParser::new().parse_ref(command, arg, value)
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        Some(Box::new(["true", "false"].into_iter().map(PossibleValue::new)))
    }
}

/// Makes an option with a boolean, or a flag that a variable may set, accept all these words.
pub(super) fn with_words_of_booleans(arg: Arg) -> Arg {
    let is_bool = matches!(arg.get_action(), ArgAction::Set | ArgAction::SetTrue)
        && ValueKind::of(&arg) == ValueKind::Bool;
    if is_bool { arg.value_parser(Boolean) } else { arg }
}

/// Converts a text of the command line to the option's kind.
pub(crate) fn typed(arg: &Arg, text: String) -> Value {
    let typed = match ValueKind::of(arg) {
        ValueKind::Bool => Boolean::parse(&text).map(Value::Bool),
        ValueKind::Integer => text.parse::<u64>().ok().map(Value::from),
        ValueKind::Text => None,
    };
    typed.unwrap_or(Value::String(text))
}

/// True if an option takes several values.
pub(crate) fn takes_many(arg: &Arg) -> bool {
    matches!(arg.get_action(), ArgAction::Append) || arg.get_value_delimiter().is_some()
}

/// Returns the texts that the option would get on the command line.
pub(super) fn texts(arg: &Arg, value: &DeValue<'_>) -> Result<Vec<String>, String> {
    let kind = ValueKind::of(arg);
    let values = match value {
        DeValue::Array(values) if takes_many(arg) => {
            values.iter().map(|value| text(kind, value.get_ref())).collect::<Result<_, _>>()?
        }
        value => match text(kind, value) {
            Ok(text) => vec![text],
            Err(_) if takes_many(arg) => {
                let (name, plural, found) = (kind.name(), kind.plural(), found(value));
                return Err(format!("expected {name} or an array of {plural}, found {found}"));
            }
            Err(wrong) => return Err(wrong),
        },
    };
    if arg.get_action().takes_values() {
        check(arg, &values)?;
    }
    Ok(values)
}

fn text(kind: ValueKind, value: &DeValue<'_>) -> Result<String, String> {
    match (kind, value) {
        (ValueKind::Text, DeValue::String(text)) => Ok(text.to_string()),
        (ValueKind::Bool, DeValue::Boolean(is_set)) => Ok(is_set.to_string()),
        (ValueKind::Integer, DeValue::Integer(integer)) => {
            let number = i128::from_str_radix(integer.as_str(), integer.radix());
            number.map(|number| number.to_string()).map_err(|error| error.to_string())
        }
        (kind, value) => Err(format!("expected {}, found {}", kind.name(), found(value))),
    }
}

fn found(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a string",
        DeValue::Integer(_) => "an integer",
        DeValue::Float(_) => "a number with a fraction",
        DeValue::Boolean(_) => "a boolean",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "an array",
        DeValue::Table(_) => "a table",
    }
}

/// Validates the values by the option's own parser.
pub(super) fn check(
    arg: &Arg,
    values: impl IntoIterator<Item = impl AsRef<OsStr>>,
) -> Result<(), String> {
    let Some(long) = arg.get_long() else { return Ok(()) };
    let action = match arg.get_action() {
        ArgAction::Append => ArgAction::Append,
        // A variable gives a value to a flag.
        _ => ArgAction::Set,
    };
    // Without the relations to other options.
    let mut alone = Arg::new(arg.get_id().clone())
        .long(long.to_owned())
        .action(action)
        .value_parser(arg.get_value_parser().clone())
        .value_names(arg.get_value_names().unwrap_or_default().to_vec())
        .value_delimiter(arg.get_value_delimiter());
    alone = match arg.get_num_args() {
        _ if !arg.get_action().takes_values() => alone.value_name("VALUE"),
        Some(count) => alone.num_args(count),
        None => alone,
    };
    let words = values.into_iter().map(|value| {
        let mut word = OsString::from(format!("--{long}="));
        word.push(value);
        word
    });
    let command = Command::new("file").no_binary_name(true).disable_help_flag(true).arg(alone);
    command.try_get_matches_from(words).map(drop).map_err(|error| {
        let text = error.to_string();
        let text = text.split("\n\n").next().unwrap_or_default();
        let text = text.strip_prefix("error: ").unwrap_or(text);
        text.split_whitespace().collect::<Vec<_>>().join(" ")
    })
}

/// Returns a TOML value that the option accepts.
#[cfg(test)]
pub(super) fn example(arg: &Arg) -> String {
    let default = arg.get_default_values().first().and_then(|value| value.to_str());
    let possible = arg.get_possible_values();
    let possible = possible.first().map(|value| value.get_name().to_owned());
    let candidates = [
        "x",
        "10s",
        "h:1",
        "{}",
        r#"{"Args":["f"]}"#,
        "a=1",
        "2",
        "Org1MSP",
        "OR('A.peer')",
        "a=OR('A.peer')",
        "0123456789abcdef",
    ];
    let mut candidates =
        default.map(str::to_owned).into_iter().chain(possible).chain(candidates.map(str::to_owned));
    match ValueKind::of(arg) {
        ValueKind::Bool => "true".to_owned(),
        ValueKind::Integer => default.unwrap_or("1").to_owned(),
        ValueKind::Text => {
            let fits = |value: &String| check(arg, std::slice::from_ref(value)).is_ok();
            format!("{:?}", candidates.find(fits).unwrap_or_default())
        }
    }
}
