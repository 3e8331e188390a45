//! Translates classes, properties and single characters of PCRE expressions into the syntax of
//! Rust's engine.
//!
//! Invariant: within a class, only the syntax below has a meaning; Rust's own operators are
//! escaped.

use std::iter::Peekable;
use std::str::Chars;

use crate::rich::pattern_error::PatternError;

/// Names of `[:name:]`.
const POSIX: [&str; 14] = [
    "alnum", "alpha", "ascii", "blank", "cntrl", "digit", "graph", "lower", "print", "punct",
    "space", "upper", "word", "xdigit",
];

/// A part of a class.
enum Item {
    One(char),
    /// A set in Rust's syntax.
    Set(String),
}

/// Translates a class, after its `[`.
pub(crate) fn translate(rest: &mut Peekable<Chars<'_>>) -> Result<String, PatternError> {
    let mut out = String::from(if rest.next_if_eq(&'^').is_some() { "[^" } else { "[" });
    let mut first = true;
    loop {
        let letter = next(rest)?;
        if letter == ']' && !first {
            out.push(']');
            return Ok(out);
        }
        first = false;
        if letter == '\\' && rest.next_if_eq(&'Q').is_some() {
            quoted(rest, &mut out)?;
            continue;
        }
        if letter == '\\' && rest.next_if_eq(&'E').is_some() {
            continue;
        }
        let low = match item(letter, rest)? {
            Item::Set(set) => {
                out.push_str(&set);
                continue;
            }
            Item::One(low) => low,
        };
        push_literal(low, &mut out);
        // A hyphen makes a range, unless it is the last character or a set follows.
        let mut ahead = rest.clone();
        if ahead.next() != Some('-') || matches!(ahead.peek(), None | Some(']')) {
            continue;
        }
        let letter = next(&mut ahead)?;
        if let Item::One(high) = item(letter, &mut ahead)? {
            if high < low {
                return Err(PatternError::ReversedRange { low, high });
            }
            out.push('-');
            push_literal(high, &mut out);
            *rest = ahead;
        }
    }
}

fn next(rest: &mut Peekable<Chars<'_>>) -> Result<char, PatternError> {
    rest.next().ok_or(PatternError::OpenClass)
}

fn quoted(rest: &mut Peekable<Chars<'_>>, out: &mut String) -> Result<(), PatternError> {
    loop {
        let letter = next(rest)?;
        if letter == '\\' && rest.next_if_eq(&'E').is_some() {
            return Ok(());
        }
        push_literal(letter, out);
    }
}

fn item(letter: char, rest: &mut Peekable<Chars<'_>>) -> Result<Item, PatternError> {
    if letter == '[' && rest.peek() == Some(&':') {
        let text: String = rest.clone().skip(1).take_while(|c| *c != ']').collect();
        if let Some(name) = text.strip_suffix(':') {
            let bare = name.strip_prefix('^').unwrap_or(name);
            if !POSIX.contains(&bare) {
                return Err(PatternError::UnknownClass { name: name.to_owned() });
            }
            rest.nth(text.chars().count() + 1);
            return Ok(Item::Set(format!("[:{name}:]")));
        }
    }
    if letter != '\\' {
        return Ok(Item::One(letter));
    }
    let letter = next(rest)?;
    match letter {
        'b' => return Ok(Item::One('\u{8}')),
        'p' | 'P' => return property(letter, rest).map(Item::Set),
        'N' | 'R' | 'X' | 'B' => return Err(PatternError::NotInClass { letter }),
        _ => {}
    }
    match set(letter) {
        Some(set) => Ok(Item::Set(set.to_owned())),
        None => character(letter, rest).map(Item::One),
    }
}

/// Returns the set of `\d` and similar escapes.
pub(crate) fn set(letter: char) -> Option<&'static str> {
    Some(match letter {
        'd' => "[0-9]",
        'D' => "[^0-9]",
        'w' => "[0-9A-Za-z_]",
        'W' => "[^0-9A-Za-z_]",
        's' => r"[\t\n\x0B\f\r\x20]",
        'S' => r"[^\t\n\x0B\f\r\x20]",
        'h' => r"[\t\x20\xA0\x{1680}\x{180E}\x{2000}-\x{200A}\x{202F}\x{205F}\x{3000}]",
        'H' => r"[^\t\x20\xA0\x{1680}\x{180E}\x{2000}-\x{200A}\x{202F}\x{205F}\x{3000}]",
        'v' => r"[\n\x0B\f\r\x{85}\x{2028}\x{2029}]",
        'V' => r"[^\n\x0B\f\r\x{85}\x{2028}\x{2029}]",
        _ => return None,
    })
}

/// Translates the property after `\p` or `\P`.
pub(crate) fn property(
    letter: char,
    rest: &mut Peekable<Chars<'_>>,
) -> Result<String, PatternError> {
    let first = rest.next().ok_or(PatternError::OpenProperty)?;
    if first != '{' {
        return Ok(format!("\\{letter}{{{first}}}"));
    }
    let mut name = String::new();
    loop {
        match rest.next().ok_or(PatternError::OpenProperty)? {
            '}' => break,
            letter => name.push(letter),
        }
    }
    let (letter, name) = match name.strip_prefix('^') {
        Some(name) => (if letter == 'p' { 'P' } else { 'p' }, name),
        None => (letter, name.as_str()),
    };
    let name = if name == "L&" { "LC" } else { name };
    Ok(format!("\\{letter}{{{name}}}"))
}

/// Returns the character of an escape, after its letter.
pub(crate) fn character(
    letter: char,
    rest: &mut Peekable<Chars<'_>>,
) -> Result<char, PatternError> {
    Ok(match letter {
        'a' => '\u{7}',
        'e' => '\u{1b}',
        'f' => '\u{c}',
        'n' => '\n',
        'r' => '\r',
        't' => '\t',
        'c' => {
            let letter = rest.next().filter(char::is_ascii);
            let letter = letter.ok_or(PatternError::NoControlLetter)?;
            char::from(letter.to_ascii_uppercase() as u8 ^ 0x40)
        }
        'x' if rest.next_if_eq(&'{').is_some() => braced(16, rest)?,
        'x' => code(&digits(16, 2, rest), 16)?,
        'o' if rest.next_if_eq(&'{').is_some() => braced(8, rest)?,
        '0'..='7' => code(&format!("{letter}{}", digits(8, 2, rest)), 8)?,
        // Any other letter is literal.
        'L' | 'l' | 'U' | 'u' | 'N' | 'o' => return Err(PatternError::UnknownEscape { letter }),
        letter => letter,
    })
}

fn braced(radix: u32, rest: &mut Peekable<Chars<'_>>) -> Result<char, PatternError> {
    let text = digits(radix, 8, rest);
    if rest.next() != Some('}') {
        return Err(PatternError::OpenNumber);
    }
    code(&text, radix)
}

fn digits(radix: u32, most: usize, rest: &mut Peekable<Chars<'_>>) -> String {
    let mut text = String::new();
    while text.len() < most
        && let Some(digit) = rest.next_if(|letter| letter.is_digit(radix))
    {
        text.push(digit);
    }
    text
}

fn code(digits: &str, radix: u32) -> Result<char, PatternError> {
    let code = if digits.is_empty() { Ok(0) } else { u32::from_str_radix(digits, radix) };
    let letter = code.ok().and_then(char::from_u32);
    letter.ok_or_else(|| PatternError::NoCharacter { digits: digits.to_owned() })
}

/// Appends a literal character.
pub(crate) fn push_literal(letter: char, out: &mut String) {
    match letter {
        letter if letter.is_alphanumeric() || letter == '_' => out.push(letter),
        letter => out.push_str(&format!("\\x{{{:X}}}", u32::from(letter))),
    }
}
