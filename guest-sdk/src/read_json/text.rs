//! The grammar of JSON (RFC 8259).

use super::ReadError;

/// A text and the position up to which it is read.
pub(super) struct Text<'a> {
    json: &'a str,
    at: usize,
    /// The last string that contained escape sequences.
    unescaped: String,
}

/// The begin of a value.
pub(super) enum Token<'t> {
    Null,
    Boolean(bool),
    Number(Number<'t>),
    Text(&'t str),
    /// A list, read up to its opening bracket.
    List,
    /// An object, read up to its opening brace.
    Object,
}

/// A number as written.
pub(super) struct Number<'t> {
    pub(super) digits: &'t str,
    pub(super) is_integer: bool,
}

impl<'a> Text<'a> {
    pub(super) fn new(json: &'a str) -> Self {
        Self { json, at: 0, unescaped: String::new() }
    }

    /// Returns how many bytes were read.
    pub(super) fn at(&self) -> usize {
        self.at
    }

    /// Returns an error at the bytes that were read.
    #[inline(never)]
    pub(super) fn refuse<T>(&self, words: &str) -> Result<T, ReadError> {
        Err(ReadError::at(self.at, words))
    }

    /// Returns an error at the next byte, or at the end.
    #[inline(never)]
    pub(super) fn refuse_next<T>(&self, words: &str, at_the_end: &str) -> Result<T, ReadError> {
        match self.json.len() > self.at {
            true => Err(ReadError::at(self.at + 1, words)),
            false => Err(ReadError::at(self.at, at_the_end)),
        }
    }

    /// Returns the next byte.
    pub(super) fn next(&self) -> Option<u8> {
        self.json.as_bytes().get(self.at).copied()
    }

    /// Skips white space and returns the next byte.
    pub(super) fn peek(&mut self) -> Option<u8> {
        while let Some(b' ' | b'\n' | b'\t' | b'\r') = self.next() {
            self.at += 1;
        }
        self.next()
    }

    /// Reads this byte if it is the next.
    pub(super) fn take(&mut self, byte: u8) -> bool {
        let is_next = self.next() == Some(byte);
        self.at += usize::from(is_next);
        is_next
    }

    /// Reads a value; of a list or an object, only the opening bracket.
    pub(super) fn token(&mut self) -> Result<Token<'_>, ReadError> {
        let first = self.peek();
        match first {
            Some(b'"') => return Ok(Token::Text(self.string()?)),
            Some(b'-' | b'0'..=b'9') => return Ok(Token::Number(self.number()?)),
            Some(b'[' | b'{' | b'n' | b't' | b'f') => self.at += 1,
            _ => return self.refuse_next("expected value", "EOF while parsing a value"),
        }
        Ok(match first {
            Some(b'[') => Token::List,
            Some(b'{') => Token::Object,
            Some(b't') => self.word(b"rue", Token::Boolean(true))?,
            Some(b'f') => self.word(b"alse", Token::Boolean(false))?,
            _ => self.word(b"ull", Token::Null)?,
        })
    }

    #[inline(never)]
    fn word<'t>(&mut self, rest: &[u8], token: Token<'t>) -> Result<Token<'t>, ReadError> {
        for byte in rest {
            let Some(next) = self.next() else { return self.refuse("EOF while parsing a value") };
            self.at += 1;
            if next != *byte {
                return self.refuse("expected ident");
            }
        }
        Ok(token)
    }

    /// Reads a number.
    #[inline(never)]
    pub(super) fn number(&mut self) -> Result<Number<'a>, ReadError> {
        let begin = self.at;
        self.take(b'-');
        match self.take(b'0') {
            true if matches!(self.next(), Some(b'0'..=b'9')) => {
                return self.refuse_next("invalid number", "");
            }
            true => {}
            false => self.digits()?,
        }
        let end_of_integer = self.at;
        if self.take(b'.') {
            self.digits()?;
        }
        if self.take(b'e') || self.take(b'E') {
            let _has_sign = self.take(b'+') || self.take(b'-');
            self.digits()?;
        }
        let digits = self.json.get(begin..self.at).unwrap_or_default();
        Ok(Number { digits, is_integer: self.at == end_of_integer })
    }

    fn digits(&mut self) -> Result<(), ReadError> {
        let begin = self.at;
        while let Some(b'0'..=b'9') = self.next() {
            self.at += 1;
        }
        match self.at > begin {
            true => Ok(()),
            false => self.refuse_next("invalid number", "EOF while parsing a value"),
        }
    }

    /// Reads the separator of two elements of a list; `is_first` is true before the first element.
    ///
    /// Returns true if another element follows, false if the closing bracket is next.
    #[inline(never)]
    pub(super) fn has_element(&mut self, is_first: bool) -> Result<bool, ReadError> {
        match (self.peek(), is_first) {
            (Some(b']'), _) => Ok(false),
            (Some(_), true) => Ok(true),
            (Some(b','), false) => {
                self.at += 1;
                match self.peek() {
                    Some(b']') => self.refuse_next("trailing comma", ""),
                    Some(_) => Ok(true),
                    None => self.refuse("EOF while parsing a value"),
                }
            }
            _ => self.refuse_next("expected `,` or `]`", "EOF while parsing a list"),
        }
    }

    /// Reads the separator of two members of an object. Returns true if a member's name is next.
    #[inline(never)]
    pub(super) fn has_member(&mut self, is_first: bool) -> Result<bool, ReadError> {
        let mut next = self.peek();
        match (next, is_first) {
            (Some(b'}'), _) => return Ok(false),
            (Some(b','), false) => {
                self.at += 1;
                next = self.peek();
            }
            (Some(_), true) => {}
            _ => return self.refuse_next("expected `,` or `}`", "EOF while parsing an object"),
        }
        match next {
            Some(b'"') => Ok(true),
            Some(b'}') => self.refuse_next("trailing comma", ""),
            _ => self.refuse_next("key must be a string", "EOF while parsing a value"),
        }
    }

    /// Reads the separator of a member's name and its value.
    #[inline(never)]
    pub(super) fn colon(&mut self) -> Result<(), ReadError> {
        match self.peek() {
            Some(b':') => {
                self.at += 1;
                Ok(())
            }
            _ => self.refuse_next("expected `:`", "EOF while parsing an object"),
        }
    }

    /// Checks that only white space follows.
    pub(super) fn end(&mut self) -> Result<(), ReadError> {
        match self.peek() {
            Some(_) => self.refuse_next("trailing characters", ""),
            None => Ok(()),
        }
    }

    /// Skips a value of any depth.
    #[inline(never)]
    pub(super) fn skip(&mut self) -> Result<(), ReadError> {
        // The enclosing lists (true) and objects (false).
        let mut around = Vec::new();
        loop {
            let opened = match self.token()? {
                Token::List => Some(true),
                Token::Object => Some(false),
                _ => None,
            };
            around.extend(opened);
            let mut is_first = opened.is_some();
            loop {
                let has_more = match around.last() {
                    None => return Ok(()),
                    Some(true) => self.has_element(is_first)?,
                    Some(false) => self.has_member(is_first)?,
                };
                if has_more {
                    break;
                }
                self.at += 1;
                around.pop();
                is_first = false;
            }
            if let Some(false) = around.last() {
                self.string()?;
                self.colon()?;
            }
        }
    }
}

/// Strings.
impl Text<'_> {
    /// Reads a string after its opening quotation mark.
    #[inline(never)]
    pub(super) fn string(&mut self) -> Result<&str, ReadError> {
        self.at += 1;
        let mut is_escaped = false;
        loop {
            let begin = self.at;
            let mut rest = self.json.as_bytes()[begin..].iter();
            let Some(length) = rest.position(|byte| matches!(byte, b'"' | b'\\' | 0..0x20)) else {
                return self.refuse_at_the_end();
            };
            // Does not split a character: the other bytes of a character are none of those searched
            // for.
            let plain = self.json.get(begin..begin + length).unwrap_or_default();
            let special = self.json.as_bytes()[begin + length];
            self.at += length + 1;
            match special {
                b'"' if !is_escaped => return Ok(plain),
                b'"' => {
                    self.unescaped.push_str(plain);
                    return Ok(&self.unescaped);
                }
                b'\\' => {
                    if !is_escaped {
                        self.unescaped.clear();
                    }
                    is_escaped = true;
                    self.unescaped.push_str(plain);
                    let letter = self.escape()?;
                    self.unescaped.push(letter);
                }
                _ => {
                    return self.refuse(
                        "control character (\\u0000-\\u001F) found while parsing a string",
                    );
                }
            }
        }
    }

    fn refuse_at_the_end<T>(&self) -> Result<T, ReadError> {
        Err(ReadError::at(self.json.len(), "EOF while parsing a string"))
    }

    /// Reads an escape sequence after its backslash.
    fn escape(&mut self) -> Result<char, ReadError> {
        let Some(kind) = self.next() else { return self.refuse_at_the_end() };
        self.at += 1;
        Ok(match kind {
            b'"' | b'\\' | b'/' => char::from(kind),
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => return self.unicode(),
            _ => return self.refuse("invalid escape"),
        })
    }

    /// Reads the digits of a character, and the second half of a surrogate pair.
    fn unicode(&mut self) -> Result<char, ReadError> {
        let first = self.four_digits()?;
        let code = match first {
            0xd800..0xdc00 => {
                if !(self.take(b'\\') && self.take(b'u')) {
                    return self.refuse("unexpected end of hex escape");
                }
                let second = self.four_digits()?.wrapping_sub(0xdc00);
                // Without a second half, returns the first surrogate, which is not a character.
                if second < 0x400 { 0x1_0000 + ((first - 0xd800) << 10) + second } else { first }
            }
            _ => first,
        };
        match char::from_u32(code) {
            Some(letter) => Ok(letter),
            None => self.refuse("lone leading surrogate in hex escape"),
        }
    }

    #[inline(never)]
    fn four_digits(&mut self) -> Result<u32, ReadError> {
        let mut code = 0;
        for _ in 0..4 {
            let Some(next) = self.next() else { return self.refuse_at_the_end() };
            self.at += 1;
            let Some(digit) = char::from(next).to_digit(16) else {
                return self.refuse("invalid escape");
            };
            code = code * 16 + digit;
        }
        Ok(code)
    }
}
