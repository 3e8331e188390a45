//! Translates PCRE expressions, which CouchDB uses, into the syntax of Rust's engine.
//!
//! Both search alike, but some syntax differs. `\d`, `\w`, `\s` and `\b` are limited to ASCII, as
//! in PCRE; `$` and `\Z` also match before a newline at the end. Syntax that needs backtracking is
//! refused by its name.
//!
//! Only whether there is a match is used. So groups capture nothing, and lazy quantifiers equal
//! greedy ones.
//!
//! Invariant: unknown syntax is refused, never passed on with another meaning.

use std::iter::Peekable;
use std::str::Chars;

use crate::rich::pattern_error::PatternError;
use crate::rich::pcre_class::{self, push_literal};

/// At the end, or before a newline at the end. The rest of an expression cannot match that newline.
const AT_END: &str = r"(?:\n?\z)";

/// Longest `n,m` in `{n,m}`.
const COUNTS: usize = 11;

/// Flags that apply until the end of the group.
#[derive(Clone, Copy, Default)]
struct Flags {
    multi_line: bool,
    /// White space and comments are ignored.
    extended: bool,
}

/// Translates an expression; the error is a human-readable reason.
pub(crate) fn translate(pattern: &str) -> Result<String, PatternError> {
    let flags = Flags::default();
    let mut translator =
        Translator { rest: pattern.chars().peekable(), out: String::new(), flags, outer: vec![] };
    while let Some(letter) = translator.rest.next() {
        translator.letter(letter)?;
    }
    Ok(translator.out)
}

struct Translator<'a> {
    rest: Peekable<Chars<'a>>,
    out: String,
    flags: Flags,
    /// The flags outside of each open group.
    outer: Vec<Flags>,
}

impl Translator<'_> {
    fn letter(&mut self, letter: char) -> Result<(), PatternError> {
        match letter {
            '\\' => return self.escape(),
            '[' => {
                let class = pcre_class::translate(&mut self.rest)?;
                self.out.push_str(&class);
            }
            '(' => return self.group(),
            ')' => {
                self.flags = self.outer.pop().unwrap_or_default();
                self.out.push(')');
            }
            '$' if !self.flags.multi_line => self.out.push_str(AT_END),
            '*' | '+' | '?' => return self.quantifier(&letter.to_string()),
            '{' => match self.counts() {
                Some(counts) => return self.quantifier(&counts),
                None => self.out.push_str(r"\{"),
            },
            ' ' | '\t' | '\n' | '\r' | '\u{b}' | '\u{c}' if self.flags.extended => {}
            '#' if self.flags.extended => while self.rest.next().is_some_and(|c| c != '\n') {},
            '^' | '$' | '.' | '|' => self.out.push(letter),
            literal => push_literal(literal, &mut self.out),
        }
        Ok(())
    }

    /// Reads the suffix of a quantifier: `?` makes it lazy, which changes nothing here.
    fn quantifier(&mut self, quantifier: &str) -> Result<(), PatternError> {
        self.out.push_str(quantifier);
        if self.rest.next_if_eq(&'+').is_some() {
            return Err(refused("possessive quantifiers"));
        }
        self.rest.next_if_eq(&'?');
        Ok(())
    }

    /// Reads `{n}`, `{n,}` or `{n,m}` after the brace; anything else is a literal brace.
    fn counts(&mut self) -> Option<String> {
        let text: String = self.rest.clone().take(COUNTS).take_while(|c| *c != '}').collect();
        let is_closed = self.rest.clone().nth(text.chars().count()) == Some('}');
        let is_number =
            |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        let is_count = match text.split_once(',') {
            Some((least, most)) => is_number(least) && (most.is_empty() || is_number(most)),
            None => is_number(&text),
        };
        if !is_closed || !is_count {
            return None;
        }
        self.rest.nth(text.chars().count());
        Some(format!("{{{text}}}"))
    }

    fn group(&mut self) -> Result<(), PatternError> {
        if self.rest.peek() == Some(&'*') {
            return Err(refused("verbs such as (*ACCEPT)"));
        }
        if self.rest.next_if_eq(&'?').is_none() {
            self.open("(?:");
            return Ok(());
        }
        let what = match self.rest.next() {
            Some(':' | '|') => {
                self.open("(?:");
                return Ok(());
            }
            Some('#') => {
                while self.rest.next().is_some_and(|c| c != ')') {}
                return Ok(());
            }
            Some('\'') => return self.named('\''),
            Some('<') => match self.rest.peek() {
                Some('=' | '!') => "look-around",
                _ => return self.named('>'),
            },
            Some('P') => match self.rest.next() {
                Some('<') => return self.named('>'),
                Some('=') => "back references",
                _ => "recursion",
            },
            Some('=' | '!') => "look-around",
            Some('>') => "atomic groups",
            Some('(') => "conditions",
            Some('C') => "callouts",
            Some('R' | '&' | '+' | '0'..='9') => "recursion",
            Some('-') if self.rest.peek().is_some_and(char::is_ascii_digit) => "recursion",
            Some(flag) => return self.set_flags(flag),
            None => return Err(PatternError::OpenGroup),
        };
        Err(refused(what))
    }

    fn open(&mut self, text: &str) {
        self.outer.push(self.flags);
        self.out.push_str(text);
    }

    /// Reads a named group; the name ends with `end`.
    fn named(&mut self, end: char) -> Result<(), PatternError> {
        while self.rest.next_if(|c| c.is_alphanumeric() || *c == '_').is_some() {}
        if self.rest.next() != Some(end) {
            return Err(PatternError::OpenGroupName);
        }
        self.open("(?:");
        Ok(())
    }

    /// Reads `(?i)` or `(?i:` after the first flag.
    fn set_flags(&mut self, first: char) -> Result<(), PatternError> {
        let (mut flags, mut text, mut value) = (self.flags, String::from("(?"), true);
        let mut flag = Some(first);
        loop {
            match flag {
                Some('-') if value => {
                    value = false;
                    text.push('-');
                }
                Some('x') => flags.extended = value,
                Some('m') => {
                    flags.multi_line = value;
                    text.push('m');
                }
                Some(flag @ ('i' | 's')) => text.push(flag),
                // These flags change which match is found, or allow duplicate names; the result is
                // the same.
                Some('U' | 'J' | 'X') => {}
                Some(')' | ':') => break,
                Some(other) => return Err(PatternError::UnknownFlag { flag: other }),
                None => return Err(PatternError::OpenGroup),
            }
            flag = self.rest.next();
        }
        let text = text.trim_end_matches('-');
        match flag {
            Some(':') => {
                self.open(&format!("{text}:"));
                self.flags = flags;
            }
            _ => {
                self.flags = flags;
                if text != "(?" {
                    self.out.push_str(&format!("{text})"));
                }
            }
        }
        Ok(())
    }

    fn escape(&mut self) -> Result<(), PatternError> {
        let Some(letter) = self.rest.next() else { return Err(PatternError::EndsWithBackslash) };
        let text = match letter {
            'b' | 'B' => &format!(r"(?-u:\{letter})"),
            'A' | 'G' => r"\A",
            'z' => r"\z",
            'Z' => AT_END,
            'N' => r"[^\n]",
            'R' => r"(?:\r\n|[\n\x0B\f\r\x{85}\x{2028}\x{2029}])",
            'Q' => return self.quoted(),
            // The end of a quotation without a beginning.
            'E' => "",
            'K' => return Err(refused("\\K")),
            'X' | 'C' => return Err(refused(&format!("\\{letter}"))),
            // With two more digits it is an octal character: no expression has so many groups.
            '1'..='3' if self.rest.clone().take(2).filter(|c| c.is_digit(8)).count() == 2 => {
                push_literal(pcre_class::character(letter, &mut self.rest)?, &mut self.out);
                ""
            }
            'g' | 'k' | '1'..='9' => return Err(refused("back references")),
            'p' | 'P' => &pcre_class::property(letter, &mut self.rest)?,
            _ => match pcre_class::set(letter) {
                Some(set) => set,
                None => {
                    let literal = pcre_class::character(letter, &mut self.rest)?;
                    push_literal(literal, &mut self.out);
                    ""
                }
            },
        };
        self.out.push_str(text);
        Ok(())
    }

    /// Reads literal characters up to `\E`.
    fn quoted(&mut self) -> Result<(), PatternError> {
        while let Some(letter) = self.rest.next() {
            if letter == '\\' && self.rest.next_if_eq(&'E').is_some() {
                break;
            }
            push_literal(letter, &mut self.out);
        }
        Ok(())
    }
}

/// Returns the error for syntax that is not supported.
fn refused(what: &str) -> PatternError {
    PatternError::Unsupported { what: what.to_owned() }
}

#[cfg(test)]
mod tests {
    use crate::rich::regular::Regulars;
    use crate::rich::work::QueryWork;

    fn is_match(pattern: &str, text: &str) -> bool {
        let regular = Regulars::up_to(8 << 20).get(pattern);
        let regular = regular.unwrap_or_else(|why| panic!("{pattern}: {why}"));
        regular.is_match(text, &mut QueryWork::of(None)).unwrap()
    }

    #[test]
    fn expressions_match_what_pcre_matches() {
        for (pattern, yes, no) in [
            ("", &["", "a"][..], &[][..]),
            ("b", &["abc"], &["ac"]),
            // Anchors.
            ("^abc$", &["abc", "abc\n"], &["abc\n\n", "abc\nd", "xabc"]),
            (r"^abc\Z", &["abc", "abc\n"], &["abc\n\n"]),
            (r"\Aabc\z", &["abc"], &["abc\n", "\nabc"]),
            (r"\Gabc", &["abcd"], &["xabc"]),
            ("(?m)^b$", &["a\nb\nc", "b"], &["ab", "bc"]),
            ("(?m:^b$)", &["a\nb\nc"], &["ab"]),
            ("(a|^b$)c?", &["a", "b\n", "ac"], &["xb"]),
            // Characters.
            ("a.c", &["abc", "aéc", "a😀c"], &["a\nc", "ac"]),
            ("(?s)a.c", &["a\nc"], &["ac"]),
            (r"a\Nc", &["abc"], &["a\nc"]),
            (r"^\p{L}+$", &["aéЖ"], &["a1", ""]),
            (r"^\pL\p{Lu}\PL$", &["aÉ1"], &["aé1"]),
            (r"^\p{^L}\P{^L}$", &["1a"], &["a1"]),
            (r"^\p{Greek}\p{L&}$", &["αB", "αb"], &["aB", "α中"]),
            (r"^[\p{Nd}\-x]+$", &["1٣-x"], &["y"]),
            (r"^[^\p{L}]+$", &["12"], &["a"]),
            (r"^\d\D\w\W\s\S$", &["1aa- a"], &["٣aa- a", "1aaé\u{a0}a"]),
            (r"\bé", &["aé"], &["é"]),
            (r"\bcat\b", &["a cat!"], &["concat"]),
            (r"\Bcat", &["concat"], &["cat"]),
            (r"^\h\v\H\V$", &["\t\nab"], &["a\nab"]),
            (r"^a\Rb$", &["a\nb", "a\r\nb", "a\u{2028}b"], &["a b"]),
            (r"\x41\x{e9}\101\0\e\a\f\t\cA\o{101}", &["AéA\0\u{1b}\u{7}\u{c}\t\u{1}A"], &[""]),
            (r"\.\*\/\-\_\é\y", &[".*/-_éy"], &["a"]),
            (r"^\Qa.[b\E.$", &["a.[bc"], &["axbbc"]),
            // Classes.
            ("^[]a]+$", &["]a"], &["b"]),
            ("^[^]a]+$", &["b"], &["]", "a"]),
            ("^[a-c-e]+$", &["abc-e"], &["d"]),
            ("^[-a]+[a-]+$", &["-a-"], &["b"]),
            (r"^[\w-z]+$", &["a-z_"], &["é", "+"]),
            ("^[[:alpha:][:^digit:]]+$", &["ab!"], &["1"]),
            ("^[[a]+$", &["[a"], &["]"]),
            ("^[a&&b~~c]+$", &["a&b~c"], &["-"]),
            (r"^[\b\n\]\\\x20-\x22]+$", &["\u{8}\n]\\ !\""], &["b"]),
            (r"^[\Qa]\E]+$", &["a]"], &["Q"]),
            // Quantifiers, groups, flags.
            ("^a{2}b{1,}c{0,2}$", &["aabb", "aabcc"], &["ab", "aabccc"]),
            ("^a{,2}{x}}$", &["a{,2}{x}}"], &["aa"]),
            ("^a+?b*?c??$", &["aab", "ac"], &["b"]),
            ("^(?:a|(?<n>b)|(?P<m>c)|(?'o'd))+$", &["abcd"], &["e"]),
            ("^(?|a|b)(?#comment)c$", &["ac", "bc"], &["c"]),
            ("^(?i)abc(?-i)D$", &["ABCD", "abcD"], &["abcd"]),
            ("^(?i:é)e$", &["Ée"], &["ÉE"]),
            ("(?x) ^ a b # comment )(\n [ ] c $", &["ab c"], &["abc"]),
            ("(?xi)a b(?-x) c", &["AB C"], &["abc"]),
            ("^(?U)a+$", &["aa"], &["b"]),
        ] {
            for text in yes {
                assert!(is_match(pattern, text), "{pattern} on {text:?}");
            }
            for text in no {
                assert!(!is_match(pattern, text), "{pattern} on {text:?}");
            }
        }
    }

    #[test]
    fn what_is_left_out_is_refused_by_name() {
        for (pattern, why) in [
            ("(?=a)", "look-around"),
            ("(?!a)", "look-around"),
            ("(?<=a)b", "look-around"),
            ("(?<!a)b", "look-around"),
            (r"(a)\1", "back references"),
            (r"(a)\g{1}", "back references"),
            (r"(?<n>a)\k<n>", "back references"),
            ("(?P<n>a)(?P=n)", "back references"),
            ("(?>a)", "atomic groups"),
            ("a++", "possessive quantifiers"),
            ("a{2}+", "possessive quantifiers"),
            ("(?(1)a)", "conditions"),
            ("(?R)", "recursion"),
            ("(?1)", "recursion"),
            ("(?-1)", "recursion"),
            ("(?&n)", "recursion"),
            ("(?P>n)", "recursion"),
            ("(?C1)", "callouts"),
            ("(*ACCEPT)", "verbs"),
            (r"a\K", r"\K"),
            (r"\X", r"\X"),
            ("(", "unclosed group"),
            (")", "unopened group"),
            ("[a", "a class has no end"),
            ("[[:nothing:]]", "[:nothing:]"),
            ("[z-a]", "the wrong way round"),
            ("*", "repetition operator missing expression"),
            (r"\", "ends with \\"),
            (r"\p{Nothing}", "Unicode property not found"),
            (r"\p{L", "a property has no end"),
            (r"\x{110000}", "no character"),
            ("(?q)", "unknown flag 'q'"),
            ("(?<n", "the name of a group has no end"),
        ] {
            let refused = Regulars::up_to(8 << 20).get(pattern).unwrap_err().to_string();
            assert!(refused.contains(why), "{pattern}: {refused}");
        }
    }
}
