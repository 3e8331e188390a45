//! DER as read by golang.org/x/crypto/cryptobyte, the library that Go's `crypto/x509` uses: tags of
//! one byte, and definite, minimal lengths.
//!
//! Does not know certificates. Every function returns None where Go's returns false. Bytes that are
//! never read are not checked.

pub(crate) const BOOLEAN: u8 = 0x01;
pub(crate) const INTEGER: u8 = 0x02;
pub(crate) const BIT_STRING: u8 = 0x03;
pub(crate) const OCTET_STRING: u8 = 0x04;
pub(crate) const NULL: u8 = 0x05;
pub(crate) const OID: u8 = 0x06;
pub(crate) const UTC_TIME: u8 = 0x17;
pub(crate) const GENERALIZED_TIME: u8 = 0x18;
pub(crate) const SEQUENCE: u8 = 0x30;
pub(crate) const SET: u8 = 0x31;

/// The tag of a field of a structure, for a simple value.
pub(crate) const fn field(number: u8) -> u8 {
    0x80 | number
}

/// The tag of a field of a structure, for other elements.
pub(crate) const fn group(number: u8) -> u8 {
    0xa0 | number
}

/// Elements, read one after the other.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Der<'a>(&'a [u8]);

/// An element with its tag.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Element<'a> {
    pub(crate) tag: u8,
    /// The whole element, including tag and length.
    pub(crate) raw: &'a [u8],
    pub(crate) content: &'a [u8],
}

/// A BIT STRING.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bits<'a> {
    bytes: &'a [u8],
    /// Number of unused bits in the last byte; they are zero.
    padding: u8,
}

impl<'a> Der<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn is_next(&self, tag: u8) -> bool {
        self.0.first() == Some(&tag)
    }

    /// Reads an element of any kind.
    pub(crate) fn any(&mut self) -> Option<Element<'a>> {
        let (&[tag, first], rest) = self.0.split_first_chunk()?;
        if tag & 0x1f == 0x1f {
            return None;
        }
        let (header, length) = match first {
            0..=0x7f => (2, usize::from(first)),
            0x81..=0x84 => {
                let digits = rest.get(..usize::from(first - 0x80))?;
                let length = digits.iter().fold(0, |sum, &digit| (sum << 8) | u64::from(digit));
                if digits[0] == 0 || length < 0x80 {
                    return None;
                }
                (2 + digits.len(), usize::try_from(length).ok()?)
            }
            _ => return None,
        };
        let (raw, rest) = self.0.split_at_checked(header.checked_add(length)?)?;
        self.0 = rest;
        Some(Element { tag, raw, content: &raw[header..] })
    }

    /// Reads an element with this tag.
    pub(crate) fn element(&mut self, tag: u8) -> Option<Element<'a>> {
        self.any().filter(|element| element.tag == tag)
    }

    /// Reads the content of an element with this tag.
    pub(crate) fn content(&mut self, tag: u8) -> Option<&'a [u8]> {
        self.element(tag).map(|element| element.content)
    }

    /// Enters an element with this tag.
    pub(crate) fn enter(&mut self, tag: u8) -> Option<Self> {
        self.content(tag).map(Self)
    }

    /// Enters an element with this tag, if it is the next one.
    pub(crate) fn enter_optional(&mut self, tag: u8) -> Option<Option<Self>> {
        if self.is_next(tag) { self.enter(tag).map(Some) } else { Some(None) }
    }

    pub(crate) fn boolean(&mut self) -> Option<bool> {
        match self.content(BOOLEAN)? {
            [0] => Some(false),
            [0xff] => Some(true),
            _ => None,
        }
    }

    /// Reads the content of a minimal INTEGER.
    pub(crate) fn integer(&mut self) -> Option<&'a [u8]> {
        self.integer_as(INTEGER)
    }

    /// Reads the content of a minimal INTEGER that has another tag.
    pub(crate) fn integer_as(&mut self, tag: u8) -> Option<&'a [u8]> {
        let content = self.content(tag)?;
        let is_minimal = match content {
            [] => false,
            [0, second, ..] => *second >= 0x80,
            [0xff, second, ..] => *second < 0x80,
            _ => true,
        };
        is_minimal.then_some(content)
    }

    /// Reads the content of an OBJECT IDENTIFIER; its numbers must be minimal and below 2^31.
    pub(crate) fn oid(&mut self) -> Option<&'a [u8]> {
        let content = self.content(OID)?;
        let mut rest = content;
        loop {
            let length = 1 + rest.iter().position(|digit| digit & 0x80 == 0)?;
            let (number, behind) = rest.split_at(length);
            if length > 5 || number[0] == 0x80 || (length == 5 && number[0] >= 0x88) {
                return None;
            }
            if behind.is_empty() {
                return Some(content);
            }
            rest = behind;
        }
    }

    pub(crate) fn bits(&mut self) -> Option<Bits<'a>> {
        let (&padding, bytes) = self.content(BIT_STRING)?.split_first()?;
        let last = bytes.last().copied().unwrap_or_default();
        if padding > 7 || (bytes.is_empty() && padding > 0) || last & ((1 << padding) - 1) != 0 {
            return None;
        }
        Some(Bits { bytes, padding })
    }
}

/// Returns the value of a minimal INTEGER of at most eight bytes.
pub(crate) fn small(integer: &[u8]) -> Option<i64> {
    let sign: i64 = if integer.first()? >= &0x80 { -1 } else { 0 };
    let add = |sum: i64, digit: &u8| (sum << 8) | i64::from(*digit);
    (integer.len() <= 8).then(|| integer.iter().fold(sign, add))
}

impl Bits<'_> {
    /// True if the bit is set. False beyond the end.
    pub(crate) fn is_set(&self, index: usize) -> bool {
        self.bytes.get(index / 8).is_some_and(|byte| byte & (0x80 >> (index % 8)) != 0)
    }

    /// The bits as a number, shifted so that the last bit ends the last byte, as Go reads keys and
    /// signatures (`BitString.RightAlign`).
    pub(crate) fn right_aligned(&self) -> Vec<u8> {
        let mut carry = 0;
        let shift = |byte: &u8| {
            let wide = u16::from_be_bytes([carry, *byte]) >> self.padding;
            carry = *byte;
            wide.to_be_bytes()[1]
        };
        self.bytes.iter().map(shift).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_and_tags_have_one_form() {
        let read = |bytes: &[u8]| Der::new(bytes).any().map(|element| element.content.to_vec());
        assert_eq!(read(&[4, 1, 9, 7]), Some(vec![9]));
        let long = [[4, 0x81, 0x80].as_slice(), &[0; 0x80]].concat();
        assert_eq!(read(&long), Some(vec![0; 0x80]));
        let bad: [&[u8]; 8] = [
            &[],
            &[4],
            &[4, 1],
            &[4, 0x80],
            &[4, 0x81, 1, 9],
            &[4, 0x82, 0, 0x80],
            &[4, 0x85, 0, 0, 0, 0, 0x80],
            &[0x1f, 1, 9],
        ];
        for bytes in bad {
            assert_eq!(read(bytes), None, "{bytes:?}");
        }
    }

    #[test]
    fn numbers_of_an_identifier_are_minimal_and_small() {
        let read = |content: &[u8]| {
            let bytes = [&[OID, content.len() as u8], content].concat();
            Der::new(&bytes).oid().is_some()
        };
        assert!(read(&[0x55, 4, 11]) && read(&[0x2a, 0x86, 0x48]));
        assert!(read(&[0x2a, 0x87, 0xff, 0xff, 0xff, 0x7f]));
        let bad: [&[u8]; 5] =
            [&[], &[0x86], &[0x2a, 0x80, 1], &[0x2a, 0x88, 0x80, 0x80, 0x80, 0], &[0x81; 6]];
        for content in bad {
            assert!(!read(content), "{content:?}");
        }
    }

    #[test]
    fn bits_are_counted_from_the_left_and_aligned_to_the_right() {
        let read = |content: &'static [u8]| Der::new(content).bits();
        let bits = read(&[3, 3, 4, 0xab, 0xc0]).unwrap();
        assert_eq!(bits.right_aligned(), [0x0a, 0xbc]);
        assert!(bits.is_set(0) && !bits.is_set(1) && bits.is_set(9) && !bits.is_set(99));
        assert_eq!(read(&[3, 3, 0, 1, 2]).unwrap().right_aligned(), [1, 2]);
        for bytes in [[3, 0, 0].as_slice(), &[3, 1, 1], &[3, 2, 1, 1], &[3, 2, 8, 0]] {
            assert!(Der::new(bytes).bits().is_none(), "{bytes:?}");
        }
    }

    #[test]
    fn small_numbers_have_their_sign() {
        for (bytes, number) in [([0].as_slice(), 0), (&[0xff], -1), (&[0, 0x80], 128), (&[5], 5)] {
            assert_eq!(small(bytes), Some(number));
        }
        assert_eq!(small(&[1; 9]), None);
    }
}
