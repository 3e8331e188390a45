//! The query parameters of a request.
//!
//! Invariant: each parameter is used, or the request is refused: a misspelt one must not be
//! ignored.

use std::collections::BTreeMap;
use std::str::FromStr;

use crate::web::failure::Failure;

/// Limit on all parameters together, in bytes; servers accept no longer addresses.
const BYTES: usize = 32 << 10;

/// The parameters that were not used yet.
#[derive(Debug, Default)]
pub(super) struct Params(BTreeMap<String, String>);

impl Params {
    /// Parses `name=value&...`, percent-encoded, in the form of browsers.
    pub(super) fn parse(query: Option<&str>) -> Result<Self, Failure> {
        let query = query.unwrap_or_default();
        if query.len() > BYTES {
            return Err(Failure::bad(format!("the parameters have more than {BYTES} bytes")));
        }
        let mut all = BTreeMap::new();
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let (name, value) = (decoded(name)?, decoded(value)?);
            if all.insert(name.clone(), value).is_some() {
                return Err(Failure::bad(format!("the parameter {name:?} is given twice")));
            }
        }
        Ok(Self(all))
    }

    /// Takes an optional parameter.
    pub(super) fn optional(&mut self, name: &str) -> Option<String> {
        self.0.remove(name)
    }

    /// Takes a required parameter.
    pub(super) fn text(&mut self, name: &str) -> Result<String, Failure> {
        let found = self.optional(name);
        found.ok_or_else(|| Failure::bad(format!("the parameter {name:?} is missing")))
    }

    /// Takes and parses a required parameter.
    pub(super) fn parsed<T: FromStr<Err: ToString>>(&mut self, name: &str) -> Result<T, Failure> {
        self.text(name)?.parse().map_err(|error: T::Err| wrong(name, &error.to_string()))
    }

    /// Takes and parses an optional parameter.
    pub(super) fn parsed_or_default<T: FromStr<Err: ToString> + Default>(
        &mut self,
        name: &str,
    ) -> Result<T, Failure> {
        match self.0.contains_key(name) {
            true => self.parsed(name),
            false => Ok(T::default()),
        }
    }

    /// Takes a number up to `max`; `usual` is the default.
    pub(super) fn number(&mut self, name: &str, usual: u64, max: u64) -> Result<u64, Failure> {
        self.number_from(0, name, usual, max)
    }

    /// Takes the limit of rows, up to `max`; `usual` is the default. Refuses 0: an empty result
    /// would look as if nothing exists.
    pub(super) fn limit(&mut self, usual: u64, max: u64) -> Result<u64, Failure> {
        self.number_from(1, "limit", usual, max)
    }

    fn number_from(&mut self, min: u64, name: &str, usual: u64, max: u64) -> Result<u64, Failure> {
        let Some(text) = self.optional(name) else { return Ok(usual) };
        match text.parse() {
            Ok(number) if (min..=max).contains(&number) => Ok(number),
            _ => Err(wrong(name, &format!("{text:?} is not a number from {min} to {max}"))),
        }
    }

    /// Refuses parameters that were not used.
    pub(super) fn end(self) -> Result<(), Failure> {
        match self.0.into_keys().next() {
            Some(name) => Err(Failure::bad(format!("there is no parameter {name:?}"))),
            None => Ok(()),
        }
    }
}

fn wrong(name: &str, why: &str) -> Failure {
    Failure::bad(format!("the parameter {name:?} is wrong: {why}"))
}

fn decoded(text: &str) -> Result<String, Failure> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => {
                let digit = |byte: Option<u8>| char::from(byte.unwrap_or_default()).to_digit(16);
                let pair = digit(rest.next()).zip(digit(rest.next()));
                let value = pair.and_then(|(high, low)| u8::try_from(high * 16 + low).ok());
                value.ok_or_else(|| {
                    Failure::bad("a parameter has a % that is not followed by two digits")
                })?
            }
            other => other,
        });
    }
    String::from_utf8(bytes).map_err(|_| Failure::bad("a parameter is not UTF-8"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_decoded_and_asked_for_once() {
        let mut params = Params::parse(Some("key=%00a%2Bb+c%C3%A9&limit=7&empty")).unwrap();
        assert_eq!(params.text("key").unwrap(), "\0a+b c\u{e9}");
        assert_eq!(params.number("limit", 1, 10).unwrap(), 7);
        assert_eq!(params.number("limit", 1, 10).unwrap(), 1);
        assert_eq!(params.text("empty").unwrap(), "");
        assert!(params.text("key").is_err());
        params.end().unwrap();
        Params::parse(None).unwrap().end().unwrap();
    }

    #[test]
    fn what_cannot_be_meant_is_refused() {
        for query in ["a=%", "a=%4", "a=%zz", "a=%ff", "a=1&a=2", &"a".repeat(BYTES + 1)] {
            assert!(Params::parse(Some(query)).is_err(), "{query}");
        }
        for (limit, is_good) in [("0", false), ("1", true), ("10", true), ("11", false)] {
            let mut params = Params::parse(Some(&format!("limit={limit}"))).unwrap();
            assert_eq!(params.limit(5, 10).is_ok(), is_good, "{limit}");
        }
        let mut params = Params::parse(Some("skip=11&at=x&more=1")).unwrap();
        assert!(params.number("skip", 1, 10).is_err());
        assert!(params.parsed::<u64>("at").is_err());
        assert!(params.end().is_err());
    }
}
