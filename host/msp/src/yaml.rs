//! The subset of YAML used for the `config.yaml` of an MSP folder: mappings and lists of plain or
//! quoted texts, in block or flow style.
//!
//! Does not read anchors, tags, multi-line texts or several documents. These are refused with their
//! line, and never read as something else.

/// Limit on the nesting of mappings and lists; `config.yaml` needs three levels.
const MAX_DEPTH: usize = 16;

/// A value with its line, counted from 1. For a value with a key it is the line of the key.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Node {
    pub(crate) line: usize,
    pub(crate) value: Value,
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Value {
    Nothing,
    /// A text without quotes, which may mean a number or true.
    Plain(String),
    Quoted(String),
    List(Vec<Node>),
    /// Keys are unique.
    Map(Vec<(String, Node)>),
}

/// The unsupported construct, and its line.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct YamlFault {
    /// Counted from 1.
    pub(crate) line: usize,
    pub(crate) reason: &'static str,
}

type Parsed<T> = Result<T, YamlFault>;

/// Reads a document.
pub(crate) fn parse(text: &str) -> Parsed<Node> {
    // Skips a byte order mark, which some editors write, as Fabric does. YAML allows it.
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut reader = Reader { text, at: 0, line: 1 };
    reader.skip_lines();
    if let Some(rest) = reader.rest().strip_prefix("---")
        && reader.column() == 0
        && rest.chars().next().is_none_or(char::is_whitespace)
    {
        reader.at += "---".len();
        reader.end_line()?;
    }
    let node = reader.block(0, false, 0)?;
    reader.skip_lines();
    if reader.is_at_end() { Ok(node) } else { Err(reader.fault("the indentation does not fit")) }
}

struct Reader<'a> {
    text: &'a str,
    /// Position in bytes, always between characters.
    at: usize,
    line: usize,
}

impl<'a> Reader<'a> {
    /// Reads a mapping or list whose lines begin at this column or after it.
    fn block(&mut self, least: usize, is_list_allowed: bool, depth: usize) -> Parsed<Node> {
        self.skip_lines();
        let (line, column) = (self.line, self.column());
        let is_list = self.is_dash();
        // A list may begin in the column of its key.
        let least = least - usize::from(is_list && is_list_allowed);
        if self.is_at_end() || column < least {
            return Ok(Node { line, value: Value::Nothing });
        }
        if depth == MAX_DEPTH {
            return Err(self.fault("mappings and lists nest too deep"));
        }
        let value = if is_list { self.list(column, depth)? } else { self.map(column, depth)? };
        Ok(Node { line, value })
    }

    fn list(&mut self, column: usize, depth: usize) -> Parsed<Value> {
        let mut nodes = Vec::new();
        while self.is_next_line(column)? && self.is_dash() {
            self.at += 1;
            self.skip_blanks();
            nodes.push(match self.is_line_end() {
                true => self.block(column + 1, false, depth + 1)?,
                // A mapping may begin after the dash.
                false if self.is_key() => {
                    let (line, inner) = (self.line, self.column());
                    Node { line, value: self.map(inner, depth + 1)? }
                }
                false => self.inline(depth)?,
            });
        }
        Ok(Value::List(nodes))
    }

    fn map(&mut self, column: usize, depth: usize) -> Parsed<Value> {
        if depth >= MAX_DEPTH {
            return Err(self.fault("mappings and lists nest too deep"));
        }
        let mut entries = Vec::new();
        while self.is_next_line(column)? && !self.is_dash() {
            let line = self.line;
            let key = self.key(&entries, false)?;
            self.skip_blanks();
            let Node { value, .. } = match self.is_line_end() {
                true => self.block(column + 1, true, depth + 1)?,
                false => self.inline(depth)?,
            };
            entries.push((key, Node { line, value }));
        }
        Ok(Value::Map(entries))
    }

    /// True if another line of the block begins at `column`; false at the end of the block.
    fn is_next_line(&mut self, column: usize) -> Parsed<bool> {
        self.skip_lines();
        if self.is_at_end() || self.column() < column {
            return Ok(false);
        }
        let rest = self.rest();
        if self.column() > column || rest.starts_with('\t') {
            return Err(self.fault("the indentation does not fit"));
        }
        if column == 0 && ["---", "...", "%"].iter().any(|mark| rest.starts_with(mark)) {
            return Err(self.fault("only one document is supported"));
        }
        Ok(true)
    }

    /// Reads a value up to the end of its line.
    fn inline(&mut self, depth: usize) -> Parsed<Node> {
        let node = self.flow(false, depth)?;
        self.end_line()?;
        Ok(node)
    }

    /// Reads a value in braces, brackets or quotes, or a plain text.
    fn flow(&mut self, is_inside: bool, depth: usize) -> Parsed<Node> {
        let line = self.line;
        if depth == MAX_DEPTH {
            return Err(self.fault("mappings and lists nest too deep"));
        }
        let value = match self.rest().chars().next() {
            Some('{') => {
                let mut entries = Vec::new();
                self.items('}', |reader| {
                    let key = reader.key(&entries, true)?;
                    reader.skip_lines();
                    let node = match reader.rest().starts_with([',', '}']) {
                        true => Node { line: reader.line, value: Value::Nothing },
                        false => reader.flow(true, depth + 1)?,
                    };
                    entries.push((key, node));
                    Ok(())
                })?;
                Value::Map(entries)
            }
            Some('[') => {
                let mut nodes = Vec::new();
                self.items(']', |reader| {
                    nodes.push(reader.flow(true, depth + 1)?);
                    Ok(())
                })?;
                Value::List(nodes)
            }
            Some('"' | '\'') => Value::Quoted(self.quoted()?),
            _ => match self.plain(is_inside)? {
                text if matches!(text.as_str(), "~" | "null" | "Null" | "NULL") => Value::Nothing,
                text => Value::Plain(text),
            },
        };
        Ok(Node { line, value })
    }

    /// Reads items separated by commas; a trailing comma is allowed.
    fn items(&mut self, close: char, mut item: impl FnMut(&mut Self) -> Parsed<()>) -> Parsed<()> {
        self.at += 1;
        loop {
            self.skip_lines();
            if self.eat(close) {
                return Ok(());
            }
            item(self)?;
            self.skip_lines();
            if !self.eat(',') && !self.rest().starts_with(close) {
                return Err(self.fault("expected ',' or the closing brace or bracket"));
            }
        }
    }

    /// Reads a key with its colon.
    fn key(&mut self, known: &[(String, Node)], is_inside: bool) -> Parsed<String> {
        let is_quoted = self.rest().starts_with(['"', '\'']);
        let key = if is_quoted { self.quoted()? } else { self.plain(is_inside)? };
        self.skip_blanks();
        if !self.eat(':') || !(is_quoted && is_inside || self.is_separated(is_inside)) {
            return Err(self.fault("expected 'key: value'"));
        }
        if known.iter().any(|(other, _)| *other == key) {
            return Err(self.fault("the key occurs twice"));
        }
        Ok(key)
    }

    /// Reads an unquoted text on one line.
    fn plain(&mut self, is_inside: bool) -> Parsed<String> {
        const INDICATORS: &str = "&*!|>%@`?,[]{}#-:\"'";
        let rest = self.rest();
        let mut chars = rest.chars();
        let first = chars.next().filter(|first| !first.is_whitespace());
        let second = chars.next().filter(|second| !second.is_whitespace());
        match first {
            Some('-' | '?' | ':') if second.is_some() => {}
            Some(first) if INDICATORS.contains(first) => {
                return Err(self.fault("only plain and quoted texts are supported"));
            }
            Some(_) => {}
            None => return Err(self.fault("expected a text")),
        }
        let mut end = rest.len();
        for (at, character) in rest.char_indices() {
            let before = rest[..at].chars().next_back();
            let behind = rest[at + character.len_utf8()..].chars().next();
            let is_blank = |it: Option<char>| it.is_none_or(char::is_whitespace);
            let ends = match character {
                '\n' | '\r' => true,
                '#' => is_blank(before),
                ':' => {
                    is_blank(behind) || (is_inside && behind.is_some_and(|it| ",{}[]".contains(it)))
                }
                ',' | '{' | '}' | '[' | ']' => is_inside,
                _ => false,
            };
            if ends {
                end = at;
                break;
            }
        }
        let text = rest[..end].trim_end().to_owned();
        self.at += text.len();
        Ok(text)
    }

    /// Reads a quoted text on one line.
    fn quoted(&mut self) -> Parsed<String> {
        let rest = self.rest();
        let quote = rest.chars().next().unwrap_or('"');
        let mut text = String::new();
        let mut chars = rest.char_indices().skip(1).peekable();
        while let Some((at, character)) = chars.next() {
            match character {
                '\'' if quote == '\'' && chars.peek().is_some_and(|(_, next)| *next == '\'') => {
                    chars.next();
                    text.push('\'');
                }
                '\\' if quote == '"' => match chars.next() {
                    Some((_, escaped @ ('"' | '\\' | '/'))) => text.push(escaped),
                    _ => {
                        return Err(self.fault("only the escapes \\\", \\\\ and \\/ are supported"));
                    }
                },
                '\n' => break,
                _ if character == quote => {
                    self.at += at + 1;
                    return Ok(text);
                }
                _ => text.push(character),
            }
        }
        Err(self.fault("the quote is not closed on its line"))
    }

    /// True if a mapping begins here.
    fn is_key(&self) -> bool {
        let mut ahead = Reader { text: self.text, at: self.at, line: self.line };
        ahead.key(&[], false).is_ok()
    }

    fn is_dash(&self) -> bool {
        let behind = self.rest().strip_prefix('-');
        behind.is_some_and(|rest| rest.chars().next().is_none_or(char::is_whitespace))
    }

    fn is_separated(&self, is_inside: bool) -> bool {
        let next = self.rest().chars().next();
        next.is_none_or(|next| next.is_whitespace() || (is_inside && ",{}[]".contains(next)))
    }

    /// True if only a comment may follow on the line.
    fn is_line_end(&self) -> bool {
        self.is_at_end() || self.rest().starts_with(['\n', '\r', '#'])
    }

    fn end_line(&mut self) -> Parsed<()> {
        let before = self.at;
        self.skip_blanks();
        let is_comment = self.rest().starts_with('#');
        if !self.is_line_end() || (is_comment && self.at == before) {
            return Err(self.fault("expected the end of the line"));
        }
        Ok(())
    }

    /// Moves to the next character outside of blanks and comments, also in later lines.
    fn skip_lines(&mut self) {
        loop {
            self.skip_blanks();
            if self.rest().starts_with('#') {
                let length = self.rest().find('\n').unwrap_or(self.rest().len());
                self.at += length;
            }
            if self.eat('\n') {
                self.line += 1;
            } else if !self.eat('\r') {
                return;
            }
        }
    }

    /// Skips blanks. A tab does not indent.
    fn skip_blanks(&mut self) {
        let blanks: &[char] = if self.column() == 0 { &[' '] } else { &[' ', '\t'] };
        let rest = self.rest();
        self.at += rest.len() - rest.trim_start_matches(blanks).len();
    }

    fn column(&self) -> usize {
        let start = self.text[..self.at].rfind('\n').map_or(0, |at| at + 1);
        self.at - start
    }

    fn is_at_end(&self) -> bool {
        self.at == self.text.len()
    }

    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    fn eat(&mut self, wanted: char) -> bool {
        let is_next = self.rest().starts_with(wanted);
        self.at += if is_next { wanted.len_utf8() } else { 0 };
        is_next
    }

    fn fault(&self, reason: &'static str) -> YamlFault {
        YamlFault { line: self.line, reason }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A node without its lines.
    fn shown(node: &Node) -> String {
        match &node.value {
            Value::Nothing => "~".to_owned(),
            Value::Plain(text) => text.clone(),
            Value::Quoted(text) => format!("{text:?}"),
            Value::List(nodes) => {
                format!("[{}]", nodes.iter().map(shown).collect::<Vec<_>>().join(", "))
            }
            Value::Map(entries) => {
                let entries = entries.iter().map(|(key, node)| format!("{key}: {}", shown(node)));
                format!("{{{}}}", entries.collect::<Vec<_>>().join(", "))
            }
        }
    }

    #[test]
    fn blocks_and_braces_say_the_same() {
        let expected = "{A: {B: true, C: {D: x/y z, E: \"q\"}, F: ~}, G: [{H: i, J: k}, l]}";
        let block = [
            "A:",
            "  B: true",
            "  C:",
            "    D: x/y z",
            "    E: \"q\"",
            "  F:",
            "G:",
            "  - H: i",
            "    J: k",
            "  - l",
        ];
        let mixed = [
            "---  # text",
            "A: # a",
            " B: true # b",
            " C: {D: x/y z, E: 'q'}",
            " F: ~",
            "G:",
            "- ",
            "  H: i",
            "  J: k",
            "- l",
        ];
        let braces = [
            "\u{feff}A: {B: true,",
            "  C: { D: x/y z, # text",
            " \"E\":\"q\",}, F: null",
            "}",
            "",
            "'G': [{H: i, J: k}, l]",
        ];
        let texts = [block.join("\n"), mixed.join("\r\n"), braces.join("\n"), braces.join("\r\n")];
        for text in &texts {
            assert_eq!(shown(&parse(text).unwrap()), expected, "{text}");
        }
        assert_eq!(shown(&parse("# nothing\n\n").unwrap()), "~");
        assert_eq!(shown(&parse("A: b#c:d\nB: 'it''s'").unwrap()), "{A: b#c:d, B: \"it's\"}");
    }

    #[test]
    fn what_is_not_understood_is_refused_by_its_line() {
        let cases = [
            ("A: b\n  C: d\n", 2),
            ("A:\n  B: c\n D: e\n", 3),
            ("A:\n\tB: c\n", 2),
            ("A: b\nA: c\n", 2),
            ("A: b\n---\nC: d\n", 2),
            ("%YAML 1.1\n---\n", 1),
            ("A: b\n...\n", 2),
            ("A: &x b\n", 1),
            ("A: *x\n", 1),
            ("A: !!str b\n", 1),
            ("A: |\n  b\n", 1),
            ("A: b\n  c\n", 2),
            ("A: 'b\n", 1),
            ("A: \"b\\n\"\n", 1),
            ("A: \"b\" c\n", 1),
            ("A: {B: c\n", 2),
            ("A: {B: c}}\n", 1),
            ("A: {B:c}\n", 1),
            ("A: [b\nc]\n", 2),
            ("A: b: c\n", 1),
            ("A: - b\n", 1),
            ("? A\n", 1),
            ("A\n", 1),
            ("A:b\n", 1),
            ("- a\nB: c\n", 2),
        ];
        for (text, line) in cases {
            assert_eq!(parse(text).map_err(|fault| fault.line), Err(line), "{text}");
        }
        let deep = [format!("A: {}", "[".repeat(100_000)), "- ".repeat(100_000)];
        for text in deep {
            assert!(parse(&text).is_err());
        }
    }

    proptest! {
        #[test]
        fn any_text_never_panics(text in "[-{}\\[\\]a: ,#'\"\n\té]{0,60}") {
            let _ = parse(&text);
        }
    }
}
