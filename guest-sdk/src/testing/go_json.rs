//! JSON as a peer reads it, which is Go's way: U+FFFD replaces every byte that is not UTF-8, and
//! every unpaired surrogate. `serde_json` refuses both.

/// Returns the same text as JSON that `serde_json` accepts, if it is valid JSON in Go.
pub(super) fn whole(json: &[u8]) -> String {
    let mut text = String::with_capacity(json.len());
    for chunk in json.utf8_chunks() {
        text.push_str(chunk.valid());
        chunk.invalid().iter().for_each(|_| text.push(char::REPLACEMENT_CHARACTER));
    }
    match text.contains(r"\u") {
        true => with_whole_pairs(&text),
        false => text,
    }
}

/// Backslashes occur only in texts and names; each begins an escape.
fn with_whole_pairs(mut rest: &str) -> String {
    let mut whole = String::with_capacity(rest.len());
    while let Some(at) = rest.find('\\') {
        whole.push_str(&rest[..at]);
        rest = &rest[at..];
        let length = match (unit(rest), rest.get(6..).and_then(unit)) {
            (Some(0xd800..=0xdbff), Some(0xdc00..=0xdfff)) => 12,
            (Some(0xd800..=0xdfff), _) => {
                whole.push(char::REPLACEMENT_CHARACTER);
                rest = &rest[6..];
                continue;
            }
            (Some(_), _) => 6,
            // Skips a backslash and the character after it.
            (None, _) => rest.chars().take(2).map(char::len_utf8).sum(),
        };
        whole.push_str(&rest[..length]);
        rest = &rest[length..];
    }
    whole.push_str(rest);
    whole
}

/// Returns the UTF-16 unit whose escape a text begins with.
fn unit(text: &str) -> Option<u16> {
    let digits = text.strip_prefix(r"\u")?.get(..4)?;
    let is_hex = digits.bytes().all(|digit| digit.is_ascii_hexdigit());
    is_hex.then(|| u16::from_str_radix(digits, 16).ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halves_of_pairs_and_bytes_that_are_not_utf8_are_replaced() {
        for (json, text) in [
            (r#""\ud83d\ude00 é \n\u0041""#, r#""\ud83d\ude00 é \n\u0041""#),
            (r#""\ud83d""#, "\"\u{fffd}\""),
            (r#""\uDE00\ud83d\ud83d\ude00x""#, "\"\u{fffd}\u{fffd}\\ud83d\\ude00x\""),
            (r#""\\ud83d\\\ud83d""#, "\"\\\\ud83d\\\\\u{fffd}\""),
            (r#""\u+123\u12"#, r#""\u+123\u12"#),
            ("\"\\é\\", "\"\\é\\"),
        ] {
            assert_eq!(whole(json.as_bytes()), text, "{json}");
        }
        // One U+FFFD for each byte.
        assert_eq!(whole(b"\"\xe2\x82\xffa\""), "\"\u{fffd}\u{fffd}\u{fffd}a\"");
    }
}
