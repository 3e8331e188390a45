//! The grammar of JSON as in Go's `encoding/json` (`scanner.go`, `decode.go`). Objects and arrays
//! are up to 10,000 deep, and numbers are finite doubles. In strings, every byte that is not UTF-8
//! and every half of a surrogate pair becomes U+FFFD. A byte order mark is refused.
//!
//! Invariant: one pass, without recursion.

/// Depth of objects and arrays. Go: `maxNestingDepth`.
const MAX_DEPTH: usize = 10_000;
/// Integers with this many digits are exact in a double.
const EXACT_DIGITS: usize = 15;

/// Receives the parts of a value in the order of the text.
pub(crate) trait Sink {
    fn null(&mut self) {}
    fn boolean(&mut self, _value: bool) {}
    /// A number; `is_integer` if it is written without fraction and exponent.
    fn number(&mut self, _value: f64, _is_integer: bool) {}
    /// A string, as the text between its quotes; see `unquote`.
    fn text(&mut self, _raw: &[u8]) {}
    /// The name of a member, as for `text`; its value follows.
    fn name(&mut self, _raw: &[u8]) {}
    fn begin(&mut self, _is_object: bool) {}
    fn end(&mut self) {}
}

/// The position and the reason of a syntax error.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{what} at byte {at}")]
pub(crate) struct NotJson {
    pub(crate) at: usize,
    pub(crate) what: &'static str,
}

/// Reads the value at the beginning of a text, and returns the text after it.
///
/// Errors: the value is incomplete or wrong. The sink may have received a part of it.
pub(crate) fn scan<'a>(json: &'a [u8], sink: &mut impl Sink) -> Result<&'a [u8], NotJson> {
    let mut scanner = Scanner { json, at: 0, open: Vec::new() };
    loop {
        let is_empty_container = scanner.value(sink)?;
        if is_empty_container.is_some_and(|is_empty| !is_empty) {
            continue;
        }
        if !scanner.after_value(sink)? {
            return Ok(json.get(scanner.at..).unwrap_or_default());
        }
    }
}

/// True if only white space is left.
pub(crate) fn is_blank(rest: &[u8]) -> bool {
    rest.iter().all(|byte| is_space(*byte))
}

struct Scanner<'a> {
    json: &'a [u8],
    at: usize,
    /// For each open object or array: true for an object.
    open: Vec<bool>,
}

impl Scanner<'_> {
    /// Reads a value, or the beginning of an object or array. Returns whether that is empty, and so
    /// complete; None for other values.
    fn value(&mut self, sink: &mut impl Sink) -> Result<Option<bool>, NotJson> {
        match self.next_byte() {
            Some(b'{') => self.begin(true, sink).map(Some),
            Some(b'[') => self.begin(false, sink).map(Some),
            Some(b'"') => {
                sink.text(self.string()?);
                Ok(None)
            }
            Some(b'-' | b'0'..=b'9') => {
                let (value, is_integer) = self.number()?;
                sink.number(value, is_integer);
                Ok(None)
            }
            Some(b'n') => self.word(b"null").map(|()| sink.null()).map(|()| None),
            Some(b't') => self.word(b"true").map(|()| sink.boolean(true)).map(|()| None),
            Some(b'f') => self.word(b"false").map(|()| sink.boolean(false)).map(|()| None),
            _ => Err(self.flaw("no value")),
        }
    }

    fn begin(&mut self, is_object: bool, sink: &mut impl Sink) -> Result<bool, NotJson> {
        if self.open.len() >= MAX_DEPTH {
            return Err(self.flaw("more than 10000 objects and arrays within each other"));
        }
        self.at += 1;
        self.open.push(is_object);
        sink.begin(is_object);
        let is_empty = self.next_byte() == Some(if is_object { b'}' } else { b']' });
        if is_object && !is_empty {
            self.name(sink)?;
        }
        Ok(is_empty)
    }

    /// Reads the text after a value. Returns true if another value follows.
    fn after_value(&mut self, sink: &mut impl Sink) -> Result<bool, NotJson> {
        while let Some(is_object) = self.open.last().copied() {
            match (self.next_byte(), is_object) {
                (Some(b'}'), true) | (Some(b']'), false) => {
                    self.at += 1;
                    self.open.pop();
                    sink.end();
                }
                (Some(b','), _) => {
                    self.at += 1;
                    if is_object {
                        self.name(sink)?;
                    }
                    return Ok(true);
                }
                (_, true) => return Err(self.flaw("neither a comma nor the end of an object")),
                (_, false) => return Err(self.flaw("neither a comma nor the end of an array")),
            }
        }
        Ok(false)
    }

    fn name(&mut self, sink: &mut impl Sink) -> Result<(), NotJson> {
        if self.next_byte() != Some(b'"') {
            return Err(self.flaw("no name of a member"));
        }
        sink.name(self.string()?);
        if self.next_byte() != Some(b':') {
            return Err(self.flaw("no colon after the name of a member"));
        }
        self.at += 1;
        Ok(())
    }

    /// Returns the text between the quotes of the string that begins here.
    fn string(&mut self) -> Result<&[u8], NotJson> {
        self.at += 1;
        let start = self.at;
        loop {
            match self.json.get(self.at) {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(self.json.get(start..self.at - 1).unwrap_or_default());
                }
                Some(b'\\') => self.escape()?,
                Some(0..0x20) => return Err(self.flaw("a control character in a string")),
                Some(_) => self.at += 1,
                None => return Err(self.flaw("a string without an end")),
            }
        }
    }

    fn escape(&mut self) -> Result<(), NotJson> {
        let rest = self.json.get(self.at + 1..).unwrap_or_default();
        self.at += match rest {
            [b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't', ..] => 2,
            [b'u', digits @ ..] if hex4(digits).is_some() => 6,
            _ => return Err(self.flaw("an unknown escape in a string")),
        };
        Ok(())
    }

    fn number(&mut self) -> Result<(f64, bool), NotJson> {
        let start = self.at;
        let is_negative = self.json.get(self.at) == Some(&b'-');
        self.at += usize::from(is_negative);
        let begins_with_zero = self.json.get(self.at) == Some(&b'0');
        let digits = self.digits()?;
        if begins_with_zero && digits > 1 {
            return Err(self.flaw("a number that begins with 0"));
        }
        let mut is_integer = true;
        if self.json.get(self.at) == Some(&b'.') {
            is_integer = false;
            self.at += 1;
            self.digits()?;
        }
        if let Some(b'e' | b'E') = self.json.get(self.at) {
            is_integer = false;
            self.at += 1;
            if let Some(b'+' | b'-') = self.json.get(self.at) {
                self.at += 1;
            }
            self.digits()?;
        }
        let text = self.json.get(start..self.at).unwrap_or_default();
        if is_integer && digits <= EXACT_DIGITS {
            let digits = text.iter().filter(|byte| byte.is_ascii_digit());
            let value = digits.fold(0_i64, |value, digit| value * 10 + i64::from(digit - b'0'));
            return Ok((if is_negative { -value } else { value } as f64, true));
        }
        let value = std::str::from_utf8(text).ok().and_then(|text| text.parse::<f64>().ok());
        match value.filter(|value| value.is_finite()) {
            Some(value) => Ok((value, is_integer)),
            None => Err(self.flaw("a number that is not a 64-bit float")),
        }
    }

    /// Skips digits, at least one, and returns how many.
    fn digits(&mut self) -> Result<usize, NotJson> {
        let rest = self.json.get(self.at..).unwrap_or_default();
        let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        if digits == 0 {
            return Err(self.flaw("a number without a digit"));
        }
        self.at += digits;
        Ok(digits)
    }

    fn word(&mut self, word: &[u8]) -> Result<(), NotJson> {
        if !self.json.get(self.at..).is_some_and(|rest| rest.starts_with(word)) {
            return Err(self.flaw("an unknown word"));
        }
        self.at += word.len();
        Ok(())
    }

    /// Skips white space, and returns the next byte.
    fn next_byte(&mut self) -> Option<u8> {
        while let Some(byte) = self.json.get(self.at) {
            if !is_space(*byte) {
                return Some(*byte);
            }
            self.at += 1;
        }
        None
    }

    fn flaw(&self, what: &'static str) -> NotJson {
        NotJson { at: self.at, what }
    }
}

/// Appends a string, given the text between its quotes. Go: `unquoteBytes`.
pub(crate) fn unquote(raw: &[u8], out: &mut String) {
    let mut rest = raw;
    loop {
        let plain = rest.iter().position(|byte| *byte == b'\\').unwrap_or(rest.len());
        let (plain, escape) = rest.split_at(plain);
        push_lossy(plain, out);
        let [_, letter, after @ ..] = escape else { return };
        rest = after;
        out.push(match letter {
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => {
                let (letter, length) = code_point(after);
                rest = after.get(length..).unwrap_or_default();
                letter
            }
            other => char::from(*other),
        });
    }
}

/// Appends text; every byte that is not part of a character becomes U+FFFD.
fn push_lossy(bytes: &[u8], out: &mut String) {
    if let Ok(text) = std::str::from_utf8(bytes) {
        return out.push_str(text);
    }
    for chunk in bytes.utf8_chunks() {
        out.push_str(chunk.valid());
        out.extend(chunk.invalid().iter().map(|_| char::REPLACEMENT_CHARACTER));
    }
}

/// Returns the character after `\u`, and the length of its text.
fn code_point(digits: &[u8]) -> (char, usize) {
    let first = hex4(digits).unwrap_or_default();
    if let Some(letter) = char::from_u32(first) {
        return (letter, 4);
    }
    let second = digits.get(4..).and_then(|rest| rest.strip_prefix(b"\\u")).and_then(hex4);
    match (first, second) {
        (0xd800..0xdc00, Some(second @ 0xdc00..0xe000)) => {
            let letter = 0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00);
            (char::from_u32(letter).unwrap_or(char::REPLACEMENT_CHARACTER), 10)
        }
        _ => (char::REPLACEMENT_CHARACTER, 4),
    }
}

fn hex4(digits: &[u8]) -> Option<u32> {
    let digits = digits.first_chunk::<4>()?;
    digits.iter().try_fold(0, |value, digit| Some(value << 4 | char::from(*digit).to_digit(16)?))
}

fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | b'\n')
}
