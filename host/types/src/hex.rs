//! Hexadecimal text, and transaction ids.

use crate::sha256_all;

/// Returns lower-case hexadecimal digits.
pub fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut text = String::with_capacity(2 * bytes.len());
    for byte in bytes {
        text.push(char::from(DIGITS[usize::from(byte >> 4)]));
        text.push(char::from(DIGITS[usize::from(byte & 15)]));
    }
    text
}

/// Reads hexadecimal digits. Returns None if the text is not pairs of digits.
pub fn unhex(text: &str) -> Option<Vec<u8>> {
    let digit = |byte: &u8| char::from(*byte).to_digit(16).map(|digit| digit as u8);
    let pairs = text.as_bytes().chunks(2);
    pairs.map(|pair| Some(digit(pair.first()?)? << 4 | digit(pair.get(1)?)?)).collect()
}

/// Returns the id of a transaction with this nonce and creator (fabric `protoutil`, `ComputeTxID`).
/// Clients, endorsers and committers must compute the same one.
pub fn compute_tx_id(nonce: &[u8], creator: &[u8]) -> String {
    hex(&sha256_all([nonce, creator]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hex_is_read_back() {
        assert_eq!(unhex(&hex(b"\x00az\xff")), Some(b"\x00az\xff".to_vec()));
        for bad in ["0", "0g", "\u{e9}", "00 "] {
            assert_eq!(unhex(bad), None, "{bad}");
        }
    }

    #[test]
    fn every_byte_has_two_digits() {
        assert_eq!(hex(&[0x00, 0x0f, 0xa5, 0xff]), "000fa5ff");
        assert_eq!(compute_tx_id(b"", b"abc")[..16], *"ba7816bf8f01cfea");
    }
}
