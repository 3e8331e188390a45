//! What a chaincode is called with, as Fabric's peer command takes it:
//! `{"Args":["f","x"]}` or `{"function":"f","Args":["x"]}`.

use std::str::FromStr;

use serde::Deserialize;

/// The arguments; the first is the function.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Input {
    /// As the chaincode gets them.
    pub args: Vec<Vec<u8>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Json {
    #[serde(alias = "Function")]
    function: Option<String>,
    #[serde(rename = "Args", alias = "args")]
    args: Option<Vec<String>>,
}

impl FromStr for Input {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let usage = r#"expected {"Args":["function","argument"]}, all of them strings"#;
        let json: Json = serde_json::from_str(text).map_err(|error| format!("{error}; {usage}"))?;
        if json.function.is_none() && json.args.is_none() {
            return Err(usage.into());
        }
        // Fabric's command line takes an empty function for none.
        let function = json.function.filter(|function| !function.is_empty());
        let args = function.into_iter().chain(json.args.unwrap_or_default());
        Ok(Self { args: args.map(String::into_bytes).collect() })
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
    }

    #[test]
    fn mistakes_are_located() {
        let error = |text: &str| text.parse::<Input>().unwrap_err();
        assert!(
            error(r#"{"Args":["f",5]}"#).contains("column 14"),
            "{}",
            error(r#"{"Args":["f",5]}"#)
        );
        assert!(error(r#"{"Args":["f""#).contains("line 1"));
        assert!(error(r#"{"Arg":["f"]}"#).contains("unknown field `Arg`"));
        for text in ["", "{}", "[]", "null", "f x", r#"{"Args":"f"}"#, r#"{"Args":["f"]} x"#] {
            assert!(error(text).contains("expected {\"Args\""), "{text}: {}", error(text));
        }
    }
}
