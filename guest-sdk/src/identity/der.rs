//! The part of ASN.1's DER that certificates need.
//!
//! Invariant: bytes from outside never cause a panic; bytes that are not DER return None.

pub(super) const BOOLEAN: u8 = 0x01;
pub(super) const OCTETS: u8 = 0x04;
pub(super) const OID: u8 = 0x06;
pub(super) const SEQUENCE: u8 = 0x30;
pub(super) const SET: u8 = 0x31;

/// A sequence of values.
#[derive(Clone, Copy)]
pub(super) struct Der<'a>(pub(super) &'a [u8]);

impl<'a> Der<'a> {
    pub(super) fn is_empty(self) -> bool {
        self.0.is_empty()
    }

    /// Returns tag and contents of the next value. Refuses tags of several bytes, and lengths that
    /// are indefinite or not in their shortest form: certificates never have them.
    // Inlining would repeat this code twenty times in a component.
    #[inline(never)]
    pub(super) fn next(&mut self) -> Option<(u8, Der<'a>)> {
        let (&tag, rest) = self.0.split_first()?;
        let (&first, mut rest) = rest.split_first()?;
        let length = match first {
            0..=0x7f => usize::from(first),
            0x81..=0x83 => {
                let (bytes, behind) = rest.split_at_checked(usize::from(first & 0x7f))?;
                rest = behind;
                let length = bytes.iter().fold(0, |length, byte| length << 8 | usize::from(*byte));
                let shortest = 1usize << (8 * (bytes.len() - 1));
                if length < shortest.max(0x80) {
                    return None;
                }
                length
            }
            _ => return None,
        };
        if tag & 0x1f == 0x1f {
            return None;
        }
        let (contents, rest) = rest.split_at_checked(length)?;
        self.0 = rest;
        Some((tag, Der(contents)))
    }

    /// Returns the contents of the next value, which must have this tag.
    #[inline(never)]
    pub(super) fn expect(&mut self, tag: u8) -> Option<Der<'a>> {
        let (found, contents) = self.next()?;
        (found == tag).then_some(contents)
    }

    /// The same for an optional value.
    #[inline(never)]
    pub(super) fn take(&mut self, tag: u8) -> Option<Option<Der<'a>>> {
        match self.0.first() {
            Some(first) if *first == tag => self.expect(tag).map(Some),
            _ => Some(None),
        }
    }
}
