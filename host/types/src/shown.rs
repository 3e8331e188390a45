//! Shortens untrusted texts for the log.

/// Maximum size of a reason in a log line, in bytes.
const REASON: usize = 8 << 10;
/// Maximum size of a name or an id, in bytes; valid ones are shorter.
const NAME: usize = 256;

/// Returns the beginning of a reason.
pub fn shown(text: &str) -> &str {
    &text[..text.floor_char_boundary(REASON)]
}

/// Returns the beginning of a name or an id.
pub fn shown_name(text: &str) -> &str {
    &text[..text.floor_char_boundary(NAME)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_texts_are_cut_between_characters() {
        assert_eq!((shown("short"), shown_name("short")), ("short", "short"));
        let long = "\u{20ac}".repeat(10_000);
        assert_eq!((shown(&long).len(), shown_name(&long).len()), (8190, 255));
    }
}
