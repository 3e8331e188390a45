//! ECDSA signatures: their DER form, and the rule that S is low.
//!
//! Does not hash and does not know keys: a signature consists of two numbers.

use crate::curve::{Curve, Number, WIDTH};
use crate::error::{MspError, SignatureFault};

const INTEGER: u8 = 0x02;
const SEQUENCE: u8 = 0x30;

/// R and S, big endian.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Signature {
    r: Number,
    s: Number,
}

impl Signature {
    /// Reads what Go's `encoding/asn1` reads: minimal lengths and integers, both positive; bytes
    /// after the signature are ignored (Fabric: bccsp/utils/ecdsa.go, `UnmarshalECDSASignature`).
    /// Peers must agree, so this is neither stricter nor more lenient.
    pub(crate) fn from_der(der: &[u8]) -> Result<Self, MspError> {
        let malformed = || MspError::Signature(SignatureFault::Malformed);
        let (content, _) = element(SEQUENCE, der).ok_or_else(malformed)?;
        let (r, rest) = element(INTEGER, content).ok_or_else(malformed)?;
        let (s, _) = element(INTEGER, rest).ok_or_else(malformed)?;
        let r = positive(r).ok_or_else(malformed)?;
        let s = positive(s).ok_or_else(malformed)?;
        Ok(Self { r, s })
    }

    pub(crate) fn to_der(self) -> Vec<u8> {
        let mut content = Vec::with_capacity(2 * (WIDTH + 3));
        for number in [&self.r, &self.s] {
            push_integer(&mut content, number);
        }
        let mut der = vec![SEQUENCE];
        // Numbers of P-521 may need the long form of a length.
        if content.len() >= 0x80 {
            der.push(0x81);
        }
        der.push(content.len() as u8);
        der.append(&mut content);
        der
    }

    /// R and S, each with leading zeros.
    pub(crate) fn numbers(&self) -> [&[u8]; 2] {
        [&self.r, &self.s]
    }

    /// The smallest curve with numbers of this length. A signature on a larger curve has numbers
    /// this short with a probability of 2^-128.
    pub(crate) fn curve(self) -> Curve {
        let is_short = |curve: &Curve| {
            let zeros = WIDTH - curve.bytes();
            self.r[..zeros].iter().chain(&self.s[..zeros]).all(|&digit| digit == 0)
        };
        Curve::ALL.into_iter().find(is_short).unwrap_or(Curve::P521)
    }

    /// True if S is at most half the order of the curve.
    pub(crate) fn is_low_s(self, curve: Curve) -> bool {
        let order = curve.order();
        self.s < *order && self.s <= self.twin(order).s
    }

    /// Returns the signature with the lower of S and the order minus S. If S is not below the
    /// order, the signature is invalid and is returned unchanged.
    pub(crate) fn into_low_s(self, curve: Curve) -> Self {
        let order = curve.order();
        if self.s >= *order || self.is_low_s(curve) { self } else { self.twin(order) }
    }

    /// The other valid signature of the same message by the same key. S must be below the order.
    fn twin(self, order: &Number) -> Self {
        let mut s = [0; WIDTH];
        let mut borrow = false;
        for i in (0..WIDTH).rev() {
            let (difference, first) = order[i].overflowing_sub(self.s[i]);
            let (difference, second) = difference.overflowing_sub(u8::from(borrow));
            s[i] = difference;
            borrow = first || second;
        }
        Self { r: self.r, s }
    }
}

/// Splits off the content of the first element, which must have this tag, and returns it and the
/// rest.
fn element(tag: u8, der: &[u8]) -> Option<(&[u8], &[u8])> {
    let (&[first, length], rest) = der.split_first_chunk()?;
    if first != tag {
        return None;
    }
    // Lengths from 128 on need the long form, with as few bytes as possible. Such lengths occur
    // only with trailing data inside the sequence. More than four bytes of length are refused.
    let (length, rest) = match length {
        0..=0x7f => (usize::from(length), rest),
        0x81..=0x84 => {
            let (digits, rest) = rest.split_at_checked(usize::from(length - 0x80))?;
            let length = digits.iter().fold(0, |sum, &digit| (sum << 8) | usize::from(digit));
            if digits.first() == Some(&0) || length < 0x80 {
                return None;
            }
            (length, rest)
        }
        // 0x80 is the indefinite length of BER.
        _ => return None,
    };
    rest.split_at_checked(length)
}

/// Reads the content of an INTEGER, which must be minimal, positive and not longer than the numbers
/// of any curve.
fn positive(content: &[u8]) -> Option<Number> {
    let digits = match content {
        [0, rest @ ..] if rest.first().is_some_and(|&digit| digit >= 0x80) => rest,
        [1..=0x7f, ..] => content,
        _ => return None,
    };
    let start = WIDTH.checked_sub(digits.len())?;
    let mut number = [0; WIDTH];
    number[start..].copy_from_slice(digits);
    Some(number)
}

fn push_integer(out: &mut Vec<u8>, number: &Number) {
    let skip = number.iter().take_while(|&&digit| digit == 0).count().min(WIDTH - 1);
    let digits = &number[skip..];
    // Without a leading zero, a first bit of one would make the number negative.
    let sign = digits[0] >= 0x80;
    out.push(INTEGER);
    out.push(digits.len() as u8 + u8::from(sign));
    if sign {
        out.push(0);
    }
    out.extend_from_slice(digits);
}

/// Returns the variant with the other S, for tests of refusals.
#[cfg(test)]
pub(crate) fn twin_of(der: &[u8]) -> Vec<u8> {
    let signature = Signature::from_der(der).expect("the test gives a signature");
    signature.twin(signature.curve().order()).to_der()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn number(low: &[u8]) -> Number {
        let mut number = [0; WIDTH];
        number[WIDTH - low.len()..].copy_from_slice(low);
        number
    }

    #[test]
    fn small_numbers_are_minimal() {
        let signature = Signature { r: number(&[1]), s: number(&[0x80]) };
        assert_eq!(signature.to_der(), [0x30, 7, 2, 1, 1, 2, 2, 0, 0x80]);
        assert_eq!(Signature::from_der(&signature.to_der()).unwrap(), signature);
    }

    #[test]
    fn largest_numbers_fit() {
        for (curve, length) in [(Curve::P256, 72), (Curve::P384, 104), (Curve::P521, 141)] {
            let most = number(&vec![0xff; curve.bytes()]);
            let signature = Signature { r: most, s: most };
            let der = signature.to_der();
            assert_eq!(der.len(), length);
            assert_eq!(Signature::from_der(&der).unwrap(), signature);
            assert_eq!(signature.curve(), curve);
        }
    }

    #[test]
    fn half_the_order_is_low_and_one_more_is_high() {
        for curve in Curve::ALL {
            let mut half = *curve.order();
            let mut carry = 0;
            for digit in &mut half {
                (carry, *digit) = (*digit & 1, (carry << 7) | (*digit >> 1));
            }
            let half = Signature { r: number(&[1]), s: half };
            assert!(half.is_low_s(curve));
            let mut above = half;
            above.s[WIDTH - 1] += 1;
            assert!(!above.is_low_s(curve));
            assert_eq!(above.into_low_s(curve), half);
            assert_eq!(half.into_low_s(curve), half);
        }
    }

    #[test]
    fn an_s_beyond_the_order_is_left_alone() {
        let beyond = Signature { r: number(&[1]), s: [0xff; WIDTH] };
        for curve in Curve::ALL {
            assert!(!beyond.is_low_s(curve));
            assert_eq!(beyond.into_low_s(curve), beyond);
        }
    }

    #[test]
    fn malformed_encodings_are_refused() {
        let bad: [&[u8]; 12] = [
            &[],
            &[0x30],
            &[0x30, 0],
            &[0x31, 6, 2, 1, 1, 2, 1, 1],
            &[0x30, 3, 2, 1, 1],
            &[0x30, 7, 2, 1, 1, 2, 1, 1], // Longer than the whole input.
            &[0x30, 6, 2, 1, 0, 2, 1, 1], // R is zero.
            &[0x30, 6, 2, 1, 0x81, 2, 1, 1], // R is negative.
            &[0x30, 7, 2, 2, 0, 1, 2, 1, 1], // R is not minimal.
            &[0x30, 5, 2, 0, 2, 1, 1],    // R is empty.
            &[0x30, 0x81, 6, 2, 1, 1, 2, 1, 1], // Length is not minimal.
            &[0x30, 0x80, 2, 1, 1, 2, 1, 1, 0, 0], // Length is not definite.
        ];
        for der in bad {
            assert!(Signature::from_der(der).is_err(), "{der:02x?}");
        }
        let mut long = vec![0x30, 72, 2, 67, 1];
        long.extend([0; 66]);
        long.extend([2, 1, 1, 0]);
        assert!(Signature::from_der(&long).is_err(), "R has 67 digits");
    }

    #[test]
    fn trailing_bytes_are_ignored_as_in_go() {
        let plain = Signature::from_der(&[0x30, 6, 2, 1, 1, 2, 1, 1]).unwrap();
        let after = Signature::from_der(&[0x30, 6, 2, 1, 1, 2, 1, 1, 9]).unwrap();
        let inside = Signature::from_der(&[0x30, 7, 2, 1, 1, 2, 1, 1, 9]).unwrap();
        assert_eq!((plain, plain), (after, inside));
    }

    proptest! {
        #[test]
        fn any_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..90)) {
            let _ = Signature::from_der(&bytes);
        }

        #[test]
        fn der_round_trip(r in any::<[u8; 32]>(), s in any::<[u8; 32]>()) {
            prop_assume!(r != [0; 32] && s != [0; 32]);
            let signature = Signature { r: number(&r), s: number(&s) };
            prop_assert_eq!(Signature::from_der(&signature.to_der()).unwrap(), signature);
        }

        #[test]
        fn twin_of_the_twin_is_itself(s in any::<[u8; 32]>()) {
            for curve in Curve::ALL {
                let signature = Signature { r: number(&[1]), s: number(&s) };
                prop_assume!(s != [0; 32] && signature.s < *curve.order());
                let order = curve.order();
                prop_assert_eq!(signature.twin(order).twin(order), signature);
                prop_assert!(signature.into_low_s(curve).is_low_s(curve));
            }
        }
    }
}
