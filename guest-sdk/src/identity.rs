//! Who submits a transaction.
//!
//! Invariant: the identity is what the peer has verified; nothing here checks a certificate.

use crate::Error;
use crate::Result;

/// The client's identity: its organization and its certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientIdentity {
    msp_id: String,
    certificate: String,
}

impl ClientIdentity {
    /// The MSP id of the client's organization, such as `Org1MSP`.
    pub fn msp_id(&self) -> &str {
        &self.msp_id
    }

    /// The client's X.509 certificate as PEM.
    pub fn certificate(&self) -> &str {
        &self.certificate
    }

    /// Reads a `msp.SerializedIdentity`: field 1 is the MSP id, field 2 the certificate as PEM.
    pub(crate) fn parse(creator: &[u8]) -> Result<Self> {
        let mut identity = Self { msp_id: String::new(), certificate: String::new() };
        let mut rest = creator;
        while !rest.is_empty() {
            let (field, bytes, behind) = delimited(rest)
                .ok_or_else(|| Error::internal("the creator is not a SerializedIdentity"))?;
            match field {
                1 => identity.msp_id = String::from_utf8(bytes.to_vec())?,
                2 => identity.certificate = String::from_utf8(bytes.to_vec())?,
                _ => {}
            }
            rest = behind;
        }
        Ok(identity)
    }
}

/// The number and the bytes of the first field, and what follows it. All fields of the message have
/// wire type 2 (a length, then as many bytes).
fn delimited(message: &[u8]) -> Option<(u64, &[u8], &[u8])> {
    let (tag, message) = varint(message)?;
    if tag & 7 != 2 {
        return None;
    }
    let (length, message) = varint(message)?;
    let (bytes, rest) = message.split_at_checked(usize::try_from(length).ok()?)?;
    Some((tag >> 3, bytes, rest))
}

fn varint(message: &[u8]) -> Option<(u64, &[u8])> {
    let mut value = 0;
    for (index, byte) in message.iter().take(9).enumerate() {
        value |= u64::from(byte & 0x7f) << (7 * index);
        if byte & 0x80 == 0 {
            return Some((value, &message[index + 1..]));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn organization_and_certificate_come_from_the_creator() {
        let certificate = "-".repeat(300);
        let mut creator = b"\x0a\x07Org1MSP\x12\xac\x02".to_vec();
        creator.extend(certificate.as_bytes());
        let identity = ClientIdentity::parse(&creator).unwrap();
        assert_eq!(identity.msp_id(), "Org1MSP");
        assert_eq!(identity.certificate(), certificate);
    }

    #[test]
    fn a_broken_creator_is_an_error() {
        let broken: [&[u8]; 5] = [
            b"\x0a",
            b"\x0a\x07Org1",
            b"\x08\x01",
            b"\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff",
            b"\x0a\x01\xff",
        ];
        for creator in broken {
            assert!(ClientIdentity::parse(creator).is_err(), "{creator:?}");
        }
    }
}
