//! Certificates of test clients, as fabric-ca writes them, with a key and a signature of zeros.

use std::collections::BTreeMap;

use serde_json::json;

use crate::base64;

const OID_2_5_4: [u8; 2] = [0x55, 0x04];
const COMMON_NAME: u8 = 3;
const UNIT: u8 = 11;
/// The tag of a `UTF8String`.
const UTF8: u8 = 0x0c;

/// One attribute of a name: the last number of its identifier 2.5.4.x, then tag and bytes of its
/// value.
pub(crate) type NamePart<'a> = (u8, u8, &'a [u8]);

/// Returns the certificate of a client as PEM.
pub(super) fn of_client(common_name: &str, attributes: &[(&str, &str)]) -> String {
    let attributes: BTreeMap<_, _> = attributes.iter().copied().collect();
    let json = json!({ "attrs": attributes }).to_string();
    let subject = [(UNIT, UTF8, b"client".as_slice()), (COMMON_NAME, UTF8, common_name.as_bytes())];
    pem(&[(COMMON_NAME, UTF8, b"ca")], &subject, Some(json.as_bytes()))
}

/// Returns a certificate with these names and this extension of attributes.
pub(crate) fn pem(
    issuer: &[NamePart<'_>],
    subject: &[NamePart<'_>],
    attributes: Option<&[u8]>,
) -> String {
    let ecdsa =
        value(0x30, &[value(0x06, &[vec![0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02]])]);
    let validity = ["250101000000Z", "491231235959Z"];
    let validity = validity.map(|time| value(0x17, &[time.as_bytes().to_vec()]));
    let signature = value(0x03, &[vec![0; 9]]);
    let extension = |json: &[u8]| {
        let oid = value(0x06, &[vec![0x2a, 0x03, 0x04, 0x05, 0x06, 0x07, 0x08, 0x01]]);
        let extension = value(0x30, &[oid, value(0x04, &[json.to_vec()])]);
        value(0xa3, &[value(0x30, &[extension])])
    };
    let body = value(
        0x30,
        &[
            value(0xa0, &[value(0x02, &[vec![2]])]),
            value(0x02, &[vec![1]]),
            ecdsa.clone(),
            name(issuer),
            value(0x30, &validity),
            name(subject),
            value(0x30, &[ecdsa.clone(), signature.clone()]),
            attributes.map(extension).unwrap_or_default(),
        ],
    );
    let certificate = base64::encode(&value(0x30, &[body, ecdsa, signature]));
    let lines: Vec<&str> =
        certificate.as_bytes().chunks(64).filter_map(|line| str::from_utf8(line).ok()).collect();
    format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n", lines.join("\n"))
}

fn name(parts: &[NamePart<'_>]) -> Vec<u8> {
    let part = |(number, tag, text): &NamePart<'_>| {
        let oid = value(0x06, &[OID_2_5_4.to_vec(), vec![*number]]);
        value(0x31, &[value(0x30, &[oid, value(*tag, &[text.to_vec()])])])
    };
    value(0x30, &parts.iter().map(part).collect::<Vec<_>>())
}

/// Returns a DER value of these contents, which must be shorter than 64 KiB.
fn value(tag: u8, parts: &[Vec<u8>]) -> Vec<u8> {
    let contents = parts.concat();
    let length = match contents.len() {
        short @ 0..0x80 => vec![short as u8],
        middle @ 0x80..0x100 => vec![0x81, middle as u8],
        long => vec![0x82, (long >> 8) as u8, long as u8],
    };
    [vec![tag], length, contents].concat()
}
