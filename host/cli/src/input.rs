//! Function and arguments in the form of Fabric's peer command: `{"Args":["f","x"]}` or
//! `{"function":"f","Args":["x"]}`, with keys in upper or lower case.

use std::str::FromStr;

use serde_json::{Map, Value};

/// The arguments; the first is the function.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Input {
    /// The bytes that the chaincode gets.
    pub args: Vec<Vec<u8>>,
}

const USAGE: &str = r#"expected {"Args":["function","argument"]}, all of them strings"#;

impl FromStr for Input {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let json: Map<String, Value> =
            serde_json::from_str(text).map_err(|error| format!("{error}; {USAGE}"))?;
        let (mut function, mut args) = (None, None);
        for (key, value) in json {
            // Go's command lowers the case by Unicode's rules.
            let known = match key.to_lowercase().as_str() {
                "function" => &mut function,
                "args" => &mut args,
                _ => return Err(format!("unknown field `{key}`; {USAGE}")),
            };
            if known.replace(value).is_some() {
                return Err(format!("field `{key}` is given twice; {USAGE}"));
            }
        }
        if function.is_none() && args.is_none() {
            return Err(USAGE.into());
        }
        let function = string("function", function.unwrap_or_default())?;
        let args = match args.unwrap_or_default() {
            Value::Null => Vec::new(),
            Value::Array(args) => args,
            other => return Err(format!("Args is {other}, not a list; {USAGE}")),
        };
        // Fabric's command line treats an empty function as none.
        let mut all: Vec<String> =
            Some(function).filter(|name| !name.is_empty()).into_iter().collect();
        for (index, arg) in args.into_iter().enumerate() {
            all.push(string(&format!("argument {}", index + 1), arg)?);
        }
        Ok(Self { args: all.into_iter().map(String::into_bytes).collect() })
    }
}

/// Returns a text; null becomes an empty one, as in Go.
fn string(what: &str, value: Value) -> Result<String, String> {
    match value {
        Value::Null => Ok(String::new()),
        Value::String(text) => Ok(text),
        other => Err(format!("{what} is {other}, not a string: write \"{other}\"; {USAGE}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Vec<String> {
        let input: Input = text.parse().unwrap();
        input.args.into_iter().map(|arg| String::from_utf8(arg).unwrap()).collect()
    }

    #[test]
    fn both_forms_are_read() {
        assert_eq!(parsed(r#"{"Args":["f","x",""]}"#), ["f", "x", ""]);
        assert_eq!(parsed(r#"{"function":"f","Args":["x"]}"#), ["f", "x"]);
        assert_eq!(parsed(r#"{"Function":"f","args":["x"]}"#), ["f", "x"]);
        assert_eq!(parsed(r#"{"function":"f"}"#), ["f"]);
        assert_eq!(parsed(r#"{"function":"","Args":["f"]}"#), ["f"]);
        assert_eq!(parsed(r#"{"Args":["é\u0000\n"]}"#), ["é\0\n"]);
        assert!(parsed(r#"{"Args":[]}"#).is_empty());
        assert_eq!(parsed(r#"{"FUNCTION":"Read","ARGS":["a"]}"#), ["Read", "a"]);
        assert_eq!(parsed(r#"{"Args":["f",null]}"#), ["f", ""]);
        assert_eq!(parsed(r#"{"function":"f","Args":null}"#), ["f"]);
    }

    #[test]
    fn mistakes_are_located() {
        let error = |text: &str| text.parse::<Input>().unwrap_err();
        let number = error(r#"{"Args":["f",5]}"#);
        assert!(number.starts_with(r#"argument 2 is 5, not a string: write "5"; "#), "{number}");
        assert!(error(r#"{"Args":["f"],"args":[]}"#).contains("`args` is given twice"));
        assert!(error(r#"{"Args":{"f":1}}"#).contains("not a list"));
        assert!(error(r#"{"Args":["f""#).contains("line 1"));
        assert!(error(r#"{"Arg":["f"]}"#).contains("unknown field `Arg`"));
        for text in ["", "{}", "[]", "null", "f x", r#"{"Args":"f"}"#, r#"{"Args":["f"]} x"#] {
            assert!(error(text).contains("expected {\"Args\""), "{text}: {}", error(text));
        }
    }
}
