//! Distinguished names in the form of Fabric's client ids.

use crate::identity::der::{Der, OID, SEQUENCE, SET};

/// Short names of the attributes that Go knows (`crypto/x509/pkix`, `Name`), by the last number of
/// their object identifiers 2.5.4.x. Go writes them in this order and omits all others.
const KNOWN: [(u8, &str); 9] = [
    (SERIAL_NUMBER, "SERIALNUMBER"),
    (COMMON_NAME, "CN"),
    (UNIT, "OU"),
    (10, "O"),
    (17, "POSTALCODE"),
    (9, "STREET"),
    (7, "L"),
    (8, "ST"),
    (6, "C"),
];
const COMMON_NAME: u8 = 3;
const SERIAL_NUMBER: u8 = 5;
const UNIT: u8 = 11;

/// The attributes of a name with identifiers 2.5.4.x, in the order of the certificate.
pub(super) struct Name(Vec<(u8, String)>);

impl Name {
    /// Reads the contents of an `RDNSequence`.
    pub(super) fn parse(mut name: Der<'_>) -> Option<Self> {
        let mut attributes = Vec::new();
        while !name.is_empty() {
            let mut parts = name.expect(SET)?;
            while !parts.is_empty() {
                let mut part = parts.expect(SEQUENCE)?;
                let oid = part.expect(OID)?;
                let (tag, value) = part.next()?;
                let value = text(tag, value.0)?;
                if let [0x55, 0x04, number] = oid.0 {
                    attributes.push((*number, value));
                }
            }
        }
        Some(Self(attributes))
    }

    /// Returns the last common name, as in Go.
    pub(super) fn common_name(&self) -> Option<&str> {
        self.all(COMMON_NAME).last()
    }

    pub(super) fn units(&self) -> impl Iterator<Item = &str> {
        self.all(UNIT)
    }

    /// Fabric: fabric-chaincode-go, pkg/cid/cid.go, `getDN`, limited to the attributes that Go's
    /// `Name` has.
    pub(super) fn to_dn(&self) -> String {
        let mut dn = String::new();
        for (number, short) in KNOWN {
            let mut values: Vec<&str> = self.all(number).collect();
            if matches!(number, COMMON_NAME | SERIAL_NUMBER) {
                values =
                    values.last().copied().filter(|last| !last.is_empty()).into_iter().collect();
            }
            for (index, value) in values.into_iter().enumerate() {
                if !dn.is_empty() {
                    dn.push(if index == 0 { ',' } else { '+' });
                }
                dn.push_str(short);
                dn.push('=');
                escape(value, &mut dn);
            }
        }
        dn
    }

    fn all(&self, number: u8) -> impl Iterator<Item = &str> {
        self.0.iter().filter(move |(of, _)| *of == number).map(|(_, value)| value.as_str())
    }
}

fn escape(value: &str, dn: &mut String) {
    for (index, letter) in value.char_indices() {
        let is_special = match letter {
            ',' | '+' | '"' | '\\' | '<' | '>' | ';' => true,
            ' ' => index == 0 || index == value.len() - 1,
            '#' => index == 0,
            _ => false,
        };
        if is_special {
            dn.push('\\');
        }
        dn.push(letter);
    }
}

/// Decodes an ASN.1 string as Go does (`crypto/x509/parser.go`, `parseASN1String`).
fn text(tag: u8, bytes: &[u8]) -> Option<String> {
    let all = |fits: fn(&u8) -> bool| -> Option<String> {
        bytes.iter().all(fits).then(|| bytes.iter().map(|byte| char::from(*byte)).collect())
    };
    match tag {
        0x0c => String::from_utf8(bytes.to_vec()).ok(),
        0x12 => all(|byte| byte.is_ascii_digit() || *byte == b' '),
        0x13 => all(|byte| byte.is_ascii_alphanumeric() || b" '()+,-./:=?*&".contains(byte)),
        0x14 => all(|_| true),
        0x16 => all(u8::is_ascii),
        0x1e if bytes.len().is_multiple_of(2) => {
            let bytes = bytes.strip_suffix(&[0, 0]).unwrap_or(bytes);
            let units = bytes.chunks_exact(2).map(|unit| u16::from_be_bytes([unit[0], unit[1]]));
            let letters = char::decode_utf16(units);
            Some(letters.map(|letter| letter.unwrap_or(char::REPLACEMENT_CHARACTER)).collect())
        }
        _ => None,
    }
}
