//! Hexadecimal text, and transaction ids.

use crate::sha256_all;

/// Lower-case hexadecimal.
pub fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digits =
        bytes.iter().flat_map(|b| [DIGITS[usize::from(b >> 4)], DIGITS[usize::from(b & 15)]]);
    digits.map(char::from).collect()
}

/// The id of a transaction with this nonce and creator (fabric `protoutil`, `ComputeTxID`).
/// Clients, endorsers and committers must always agree on it.
pub fn compute_tx_id(nonce: &[u8], creator: &[u8]) -> String {
    hex(&sha256_all([nonce, creator]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_has_two_digits() {
        assert_eq!(hex(&[0x00, 0x0f, 0xa5, 0xff]), "000fa5ff");
        assert_eq!(compute_tx_id(b"", b"abc")[..16], *"ba7816bf8f01cfea");
    }
}
