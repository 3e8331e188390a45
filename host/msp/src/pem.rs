//! PEM as Go's `encoding/pem` reads it (`Decode`). Fabric's peers read identities with it, so any
//! difference would lead to different verdicts.
//!
//! Does not interpret the contents of a block.

use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

const BEGIN: &[u8] = b"-----BEGIN ";
const END: &[u8] = b"\n-----END ";
const DASHES: &[u8] = b"-----";

/// Padding is required; unused bits after the last byte may have any value.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::RequireCanonical)
        .with_decode_allow_trailing_bits(true),
);

/// A decoded block.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Block<'a> {
    /// The label in the line BEGIN.
    pub(crate) label: &'a [u8],
    pub(crate) contents: Vec<u8>,
}

/// Why a part of the text is not a block.
enum Fault {
    /// Another block may follow after its line END.
    Here,
    /// Go stops searching.
    Everywhere,
}

/// Returns the first block that decodes; ignores everything before and after it.
pub(crate) fn decode(text: &[u8]) -> Option<Block<'_>> {
    let mut start = 0;
    loop {
        let end = start + find(&text[start..], END)?;
        match block(text, start, end) {
            Ok(block) => return Some(block),
            Err(Fault::Here) => start = end + END.len(),
            Err(Fault::Everywhere) => return None,
        }
    }
}

/// Decodes the block between the last line BEGIN after `start` and the line END at `end`.
fn block(text: &[u8], start: usize, end: usize) -> Result<Block<'_>, Fault> {
    let searched = &text[start..end];
    let begin = searched.windows(BEGIN.len()).rposition(|part| part == BEGIN).ok_or(Fault::Here)?;
    if begin > 0 && searched[begin - 1] != b'\n' {
        return Err(Fault::Here);
    }
    let (line, mut at) = line(text, start + begin + BEGIN.len());
    let label = line.strip_suffix(DASHES).ok_or(Fault::Here)?;
    // Skips headers (RFC 1421).
    let mut has_headers = false;
    loop {
        if at == text.len() {
            return Err(Fault::Everywhere);
        }
        let (line, next) = self::line(text, at);
        if !line.contains(&b':') {
            break;
        }
        (has_headers, at) = (true, next);
    }
    let trailer = end + END.len();
    if has_headers && at > end {
        return Err(if at > trailer { Fault::Everywhere } else { Fault::Here });
    }
    let rest = text[trailer..].strip_prefix(label).and_then(|rest| rest.strip_prefix(DASHES));
    if !rest.is_some_and(|rest| self::line(rest, 0).0.is_empty()) {
        return Err(Fault::Here);
    }
    let is_digit = |byte: &u8| !matches!(byte, b' ' | b'\t' | b'\r' | b'\n');
    let body = text.get(at..end).unwrap_or_default();
    let digits: Vec<u8> = body.iter().copied().filter(is_digit).collect();
    let contents = BASE64.decode(digits).map_err(|_| Fault::Here)?;
    Ok(Block { label, contents })
}

/// Returns the line at `at` without blanks and tabs at its end, and the start of the next line.
fn line(text: &[u8], at: usize) -> (&[u8], usize) {
    let rest = &text[at..];
    let (line, next) = match rest.iter().position(|&byte| byte == b'\n') {
        Some(length) => {
            let line = &rest[..length];
            (line.strip_suffix(b"\r").unwrap_or(line), at + length + 1)
        }
        None => (rest, text.len()),
    };
    let blanks = line.iter().rev().take_while(|&&byte| matches!(byte, b' ' | b'\t')).count();
    (&line[..line.len() - blanks], next)
}

fn find(text: &[u8], wanted: &[u8]) -> Option<usize> {
    text.windows(wanted.len()).position(|part| part == wanted)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The contents; None where Go finds no block.
    fn read(text: &str) -> Option<Vec<u8>> {
        decode(text.as_bytes()).map(|block| block.contents)
    }

    #[test]
    fn blocks_are_found_as_in_go() {
        let good = [
            "-----BEGIN A-----\nYWJj\n-----END A-----",
            "-----BEGIN A-----\r\nYWJj\r\n-----END A-----\r\n",
            "text\n-----BEGIN A-----  \nY W\tJj\n-----END A----- \t\ntext",
            "-----BEGIN A-----\nKey: value\nOther:\n\nYWJj\n-----END A-----\n",
            "-----BEGIN A-----\nYW\n\nJj\n-----END A-----\n",
            "-----BEGIN -----\nYWJj\n-----END -----\n",
            // The lines before a block are not blocks.
            "-----BEGIN A-----\n-----BEGIN A-----\nYWJj\n-----END A-----\n",
            "-----BEGIN A-----\nY\n-----END A-----\n-----BEGIN A-----\nYWJj\n-----END A-----\n",
            "-----BEGIN A-----\nYQ==\n-----END B-----\n-----BEGIN A-----\nYWJj\n-----END A-----\n",
            "\n-----END A-----\n-----BEGIN A-----\nYWJj\n-----END A-----\n",
        ];
        for text in good {
            assert_eq!(read(text).as_deref(), Some(b"abc".as_slice()), "{text}");
        }
        assert_eq!(read("-----BEGIN A-----\n-----END A-----\n"), Some(Vec::new()));
        assert_eq!(read("-----BEGIN A-----\nYR==\n-----END A-----\n"), Some(b"a".to_vec()));
        assert_eq!(decode(good[0].as_bytes()).unwrap().label, b"A");
    }

    #[test]
    fn what_go_does_not_find_is_no_block() {
        let bad = [
            "",
            "-----BEGIN A-----\nYWJj\n",
            "-----BEGIN A-----\nYWJj\n-----END B-----\n",
            "-----BEGIN A-----\nYWJj\n-----END A-----x\n",
            "-----BEGIN A-----\nYWJj\n-----END A----\n",
            "-----BEGIN A-----\nYWJj-----END A-----\n",
            "-----BEGIN A----\nYWJj\n-----END A-----\n",
            "x-----BEGIN A-----\nYWJj\n-----END A-----\n",
            "-----BEGIN A-----\nYQ\n-----END A-----\n",
            "-----BEGIN A-----\nYQ==YQ==\n-----END A-----\n",
            "-----BEGIN A-----\nKey: value\n-----END A:-----\n",
        ];
        for text in bad {
            assert_eq!(read(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_never_panics(text in "[-BEGINDA:\n\r Y=]{0,80}") {
            let _ = decode(text.as_bytes());
        }

        #[test]
        fn parts_in_any_order_never_panic(
            parts in prop::collection::vec(prop::sample::select(vec![
                "-----BEGIN A-----", "\n", "\n-----END A-----", "\n-----END ", "a: b\n", "YWJj",
            ]), 0..12),
        ) {
            let _ = decode(parts.concat().as_bytes());
        }
    }
}
