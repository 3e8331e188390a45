//! Shortens and escapes untrusted texts for the log.

/// Bytes of a reason; a line of the log has no more.
const REASON: usize = 8 << 10;
/// Bytes of a name or an id; those that can be true are shorter.
const NAME: usize = 256;

/// The beginning of a reason.
pub fn shown(text: &str) -> &str {
    &text[..text.floor_char_boundary(REASON)]
}

/// The beginning of a name or an id.
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
