//! The part of protobuf's wire format that Fabric's identities and policies use.
//!
//! Invariant: bytes from outside never cause a panic; bytes that are not a message return None.

/// The value of a field.
pub(crate) enum Field<'a> {
    Number(u64),
    Bytes(&'a [u8]),
}

/// Returns numbers and values of a message's fields, in their order. None if it is not a message,
/// or if it has fields of fixed width, which these messages do not use.
pub(crate) fn fields(mut message: &[u8]) -> Option<Vec<(u64, Field<'_>)>> {
    let mut fields = Vec::new();
    while !message.is_empty() {
        let (tag, rest) = varint(message)?;
        let (value, rest) = varint(rest)?;
        let (field, rest) = match tag & 7 {
            0 => (Field::Number(value), rest),
            2 => {
                let (bytes, rest) = rest.split_at_checked(usize::try_from(value).ok()?)?;
                (Field::Bytes(bytes), rest)
            }
            _ => return None,
        };
        fields.push((tag >> 3, field));
        message = rest;
    }
    Some(fields)
}

/// Appends a field of bytes, a text or an inner message.
pub(crate) fn put_bytes(message: &mut Vec<u8>, field: u8, bytes: &[u8]) {
    message.push(field << 3 | 2);
    put_varint(message, bytes.len() as u64);
    message.extend_from_slice(bytes);
}

/// Appends a field of an integer or an enum.
pub(crate) fn put_number(message: &mut Vec<u8>, field: u8, number: u64) {
    message.push(field << 3);
    put_varint(message, number);
}

fn put_varint(message: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        message.push(value as u8 | 0x80);
        value >>= 7;
    }
    message.push(value as u8);
}

fn varint(message: &[u8]) -> Option<(u64, &[u8])> {
    let mut value: u64 = 0;
    for (index, byte) in message.iter().take(10).enumerate() {
        value |= u64::from(byte & 0x7f) << (7 * index);
        if byte & 0x80 == 0 {
            return Some((value, message.get(index + 1..)?));
        }
    }
    None
}
