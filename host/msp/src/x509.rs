//! The structure of an X.509 certificate, read as Go's `crypto/x509` reads it (parser.go,
//! `parseCertificate`), with its texts.
//!
//! Peers must agree on identities, and Fabric's peers use Go. Therefore this is neither stricter
//! nor more lenient, and does not check what Go does not check.

use time::{Date, Month, Time};

use crate::der::{self, Bits, Der, Element};
use crate::error::X509Fault;

/// The parts of a certificate that an MSP needs.
#[derive(Debug)]
pub(crate) struct Certificate<'a> {
    /// The whole element, including its tag, as the issuer signed it.
    pub(crate) to_be_signed: &'a [u8],
    /// The content of a minimal INTEGER that is not negative.
    pub(crate) serial: &'a [u8],
    pub(crate) algorithm: Algorithm<'a>,
    pub(crate) raw_issuer: &'a [u8],
    pub(crate) raw_subject: &'a [u8],
    /// The organizational units of the subject, in order.
    pub(crate) ous: Vec<String>,
    /// Seconds since 1970.
    pub(crate) not_before: i64,
    /// Seconds since 1970.
    pub(crate) not_after: i64,
    pub(crate) key_algorithm: Algorithm<'a>,
    pub(crate) key: Bits<'a>,
    /// Each has a different identifier.
    pub(crate) extensions: Vec<Extension<'a>>,
    pub(crate) signature: Vec<u8>,
}

/// An algorithm with its parameters.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Algorithm<'a> {
    /// The whole element, including its tag.
    pub(crate) raw: &'a [u8],
    /// The content of the identifier.
    pub(crate) oid: &'a [u8],
    /// The first element after the identifier.
    pub(crate) parameters: Option<Element<'a>>,
}

#[derive(Debug)]
pub(crate) struct Extension<'a> {
    /// The content of the identifier.
    pub(crate) oid: &'a [u8],
    pub(crate) is_critical: bool,
    pub(crate) value: &'a [u8],
}

/// `organizationalUnitName`, 2.5.4.11.
const ORGANIZATIONAL_UNIT: &[u8] = &[0x55, 0x04, 0x0b];

/// Reads a certificate. Refuses trailing bytes.
pub(crate) fn parse(bytes: &[u8]) -> Result<Certificate<'_>, X509Fault> {
    let fault = X509Fault::new;
    let malformed = "x509: malformed certificate";
    let mut input = Der::new(bytes);
    let mut outer = input.enter(der::SEQUENCE).ok_or(fault(malformed))?;
    if !input.is_empty() {
        return Err(fault("x509: trailing data"));
    }
    let tbs = outer.element(der::SEQUENCE).ok_or(fault("x509: malformed tbs certificate"))?;
    let to_be_signed = tbs.raw;
    let mut tbs = Der::new(tbs.content);
    let version = version(&mut tbs)?;
    let serial = tbs.integer().ok_or(fault("x509: malformed serial number"))?;
    if serial[0] >= 0x80 {
        return Err(fault("x509: negative serial number"));
    }
    let inner = tbs.element(der::SEQUENCE);
    let inner = inner.ok_or(fault("x509: malformed signature algorithm identifier"))?;
    let signed_with = outer.element(der::SEQUENCE);
    let signed_with = signed_with.ok_or(fault("x509: malformed algorithm identifier"))?;
    if inner.content != signed_with.content {
        return Err(fault("x509: inner and outer signature algorithm identifiers don't match"));
    }
    let algorithm = Algorithm::read(inner)?;
    let issuer = tbs.element(der::SEQUENCE).ok_or(fault("x509: malformed issuer"))?;
    units(issuer.content)?;
    let mut validity = tbs.enter(der::SEQUENCE).ok_or(fault("x509: malformed validity"))?;
    let (not_before, not_after) = (time(&mut validity)?, time(&mut validity)?);
    let subject = tbs.element(der::SEQUENCE).ok_or(fault("x509: malformed issuer"))?;
    let ous = units(subject.content)?;
    let mut spki = tbs.enter(der::SEQUENCE).ok_or(fault("x509: malformed spki"))?;
    let key_algorithm = spki.element(der::SEQUENCE);
    let key_algorithm = Algorithm::read(
        key_algorithm.ok_or(fault("x509: malformed public key algorithm identifier"))?,
    )?;
    let key = spki.bits().ok_or(fault("x509: malformed subjectPublicKey"))?;
    let extensions = if version > 0 { extensions(&mut tbs, version)? } else { Vec::new() };
    let signature = outer.bits().ok_or(fault("x509: malformed signature"))?.right_aligned();
    Ok(Certificate {
        to_be_signed,
        serial,
        algorithm,
        raw_issuer: issuer.raw,
        raw_subject: subject.raw,
        ous,
        not_before,
        not_after,
        key_algorithm,
        key,
        extensions,
        signature,
    })
}

/// The encoded version: 2 for version 3.
fn version(tbs: &mut Der<'_>) -> Result<i64, X509Fault> {
    let malformed = X509Fault::new("x509: malformed version");
    let Some(mut explicit) = tbs.enter_optional(der::group(0)).ok_or(malformed)? else {
        return Ok(0);
    };
    let version = explicit.integer().and_then(der::small).filter(|_| explicit.is_empty());
    match version.ok_or(malformed)? {
        ..0 => Err(malformed),
        version @ 0..=2 => Ok(version),
        3.. => Err(X509Fault::new("x509: invalid version")),
    }
}

/// Reads the fields after the key, which exist from version 2 on. Extensions need version 3.
fn extensions<'a>(tbs: &mut Der<'a>, version: i64) -> Result<Vec<Extension<'a>>, X509Fault> {
    let fault = X509Fault::new;
    for (number, text) in
        [(1, "x509: malformed issuerUniqueID"), (2, "x509: malformed subjectUniqueID")]
    {
        tbs.enter_optional(der::field(number)).ok_or(fault(text))?;
    }
    let malformed = fault("x509: malformed extensions");
    let mut extensions: Vec<Extension<'a>> = Vec::new();
    if version < 2 {
        return Ok(extensions);
    }
    let Some(mut explicit) = tbs.enter_optional(der::group(3)).ok_or(malformed)? else {
        return Ok(extensions);
    };
    let mut list = explicit.enter(der::SEQUENCE).ok_or(malformed)?;
    let mut seen = std::collections::HashSet::new();
    while !list.is_empty() {
        let mut parts = list.enter(der::SEQUENCE).ok_or(fault("x509: malformed extension"))?;
        let oid = parts.oid().ok_or(fault("x509: malformed extension OID field"))?;
        let mut is_critical = false;
        if parts.is_next(der::BOOLEAN) {
            let flag = parts.boolean();
            is_critical = flag.ok_or(fault("x509: malformed extension critical field"))?;
        }
        let value = parts.content(der::OCTET_STRING);
        let value = value.ok_or(fault("x509: malformed extension value field"))?;
        if !seen.insert(oid) {
            return Err(fault("x509: certificate contains duplicate extension"));
        }
        extensions.push(Extension { oid, is_critical, value });
    }
    Ok(extensions)
}

impl<'a> Algorithm<'a> {
    fn read(element: Element<'a>) -> Result<Self, X509Fault> {
        let mut parts = Der::new(element.content);
        let oid = parts.oid().ok_or(X509Fault::new("x509: malformed OID"))?;
        let parameters = match parts.is_empty() {
            true => None,
            false => Some(parts.any().ok_or(X509Fault::new("x509: malformed parameters"))?),
        };
        Ok(Self { raw: element.raw, oid, parameters })
    }
}

/// Returns the organizational units of a name (Go: `parseName`). All attributes must be
/// well-formed.
fn units(name: &[u8]) -> Result<Vec<String>, X509Fault> {
    let fault = X509Fault::new;
    let mut ous = Vec::new();
    let mut name = Der::new(name);
    while !name.is_empty() {
        let mut set = name.enter(der::SET).ok_or(fault("x509: invalid RDNSequence"))?;
        while !set.is_empty() {
            let attribute = set.enter(der::SEQUENCE);
            let mut attribute =
                attribute.ok_or(fault("x509: invalid RDNSequence: invalid attribute"))?;
            let kind = attribute.oid();
            let kind = kind.ok_or(fault("x509: invalid RDNSequence: invalid attribute type"))?;
            let text = attribute_text(&mut attribute)
                .ok_or(fault("x509: invalid RDNSequence: invalid attribute value"))?;
            if kind == ORGANIZATIONAL_UNIT {
                ous.extend(text);
            }
        }
    }
    Ok(ous)
}

/// Reads a value and returns its text, if it has one (Go: `readASN1Any`, `parseASN1String`).
fn attribute_text(attribute: &mut Der<'_>) -> Option<Option<String>> {
    const UTF8: u8 = 0x0c;
    const NUMERIC: u8 = 0x12;
    const PRINTABLE: u8 = 0x13;
    const T61: u8 = 0x14;
    const IA5: u8 = 0x16;
    const BMP: u8 = 0x1e;
    let Element { tag, raw, content } = attribute.any()?;
    let mut again = Der::new(raw);
    let of_bytes = |is_allowed: fn(&u8) -> bool| {
        let text = content.iter().all(is_allowed).then_some(content)?;
        String::from_utf8(text.to_vec()).ok()
    };
    let text = match tag {
        UTF8 => String::from_utf8(content.to_vec()).ok()?,
        // Go decodes it as Latin-1.
        T61 => content.iter().copied().map(char::from).collect(),
        PRINTABLE => of_bytes(is_printable)?,
        IA5 => of_bytes(u8::is_ascii)?,
        NUMERIC => of_bytes(|byte| byte.is_ascii_digit() || *byte == b' ')?,
        BMP => bmp(content)?,
        der::INTEGER => return again.integer().and_then(der::small).map(|_| None),
        der::BIT_STRING => return again.bits().map(|_| None),
        der::OID => return again.oid().map(|_| None),
        der::BOOLEAN => return again.boolean().map(|_| None),
        der::UTC_TIME | der::GENERALIZED_TIME => return time(&mut again).ok().map(|_| None),
        _ => return Some(None),
    };
    Some(Some(text))
}

/// True for a character of PrintableString, and for two more that Go accepts.
fn is_printable(byte: &u8) -> bool {
    byte.is_ascii_alphanumeric() || b"'()+,-./ :=?*&".contains(byte)
}

/// Decodes big endian characters of two bytes. Refuses surrogates and code points that Unicode
/// never assigns.
fn bmp(content: &[u8]) -> Option<String> {
    let content = match content.as_chunks::<2>() {
        ([chunks @ .., [0, 0]] | chunks, []) => chunks,
        _ => return None,
    };
    let character = |chunk: &[u8; 2]| match u16::from_be_bytes(*chunk) {
        0xfffe | 0xffff | 0xfdd0..=0xfdef => None,
        point => char::from_u32(u32::from(point)),
    };
    content.iter().map(character).collect()
}

/// Reads a time and returns it in seconds since 1970.
fn time(validity: &mut Der<'_>) -> Result<i64, X509Fault> {
    let (tag, text) = if validity.is_next(der::UTC_TIME) {
        (der::UTC_TIME, "x509: malformed UTCTime")
    } else if validity.is_next(der::GENERALIZED_TIME) {
        (der::GENERALIZED_TIME, "x509: malformed GeneralizedTime")
    } else {
        return Err(X509Fault::new("x509: unsupported time format"));
    };
    let seconds = validity.content(tag).and_then(|content| seconds(tag, content));
    seconds.ok_or(X509Fault::new(text))
}

/// Go reads these texts with `time.Parse` and accepts only the form that it would write. Seconds
/// may be missing in a UTCTime; the zone is Z or an offset other than zero.
fn seconds(tag: u8, content: &[u8]) -> Option<i64> {
    let number = |digits: &[u8]| -> Option<u8> {
        let &[tens, ones] = digits else { return None };
        let is_number = tens.is_ascii_digit() && ones.is_ascii_digit();
        is_number.then(|| (tens - b'0') * 10 + (ones - b'0'))
    };
    let digits = content.iter().take_while(|digit| digit.is_ascii_digit()).count();
    let (digits, zone) = content.split_at(digits);
    let pairs = digits.chunks(2).map(number).collect::<Option<Vec<u8>>>()?;
    let (year, rest) = match (tag, pairs.as_slice()) {
        (der::UTC_TIME, [year, rest @ ..]) => {
            (if *year < 50 { 2000 } else { 1900 } + i32::from(*year), rest)
        }
        (_, [century, year, rest @ ..]) if rest.len() == 5 => {
            (100 * i32::from(*century) + i32::from(*year), rest)
        }
        _ => return None,
    };
    let (month, day, hour, minute, second) = match *rest {
        [month, day, hour, minute, second] => (month, day, hour, minute, second),
        [month, day, hour, minute] => (month, day, hour, minute, 0),
        _ => return None,
    };
    let date = Date::from_calendar_date(year, Month::try_from(month).ok()?, day).ok()?;
    let at = date.with_time(Time::from_hms(hour, minute, second).ok()?).assume_utc();
    let offset = match zone {
        b"Z" => 0,
        [sign @ (b'+' | b'-'), hours @ .., tens, ones] => {
            let (hours, minutes) = (number(hours)?, number(&[*tens, *ones])?);
            let offset = 60 * (60 * i64::from(hours) + i64::from(minutes));
            if hours > 24 || minutes > 59 || offset == 0 {
                return None;
            }
            if *sign == b'+' { offset } else { -offset }
        }
        _ => return None,
    };
    Some(at.unix_timestamp() - offset)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_those_that_go_would_write() {
        let utc = |text: &str| seconds(der::UTC_TIME, text.as_bytes());
        let general = |text: &str| seconds(der::GENERALIZED_TIME, text.as_bytes());
        assert_eq!(utc("700101000000Z"), Some(0));
        assert_eq!(utc("7001010000Z"), Some(0));
        assert_eq!(utc("700101010000+0100"), Some(0));
        assert_eq!(utc("691231230000-0100"), Some(0));
        assert_eq!(utc("491231235959Z"), general("20491231235959Z"));
        assert_eq!(utc("500101000000Z"), general("19500101000000Z"));
        assert_eq!(general("19700101000000Z"), Some(0));
        for text in [
            "700101000000",
            "700101000000+0000",
            "700101000000-0000",
            "700101000000+2500",
            "700101000000+0160",
            "700101000000z",
            "700101000060Z",
            "700101240000Z",
            "700229000000Z",
            "701301000000Z",
            "70010100000Z",
            "19700101000000Z",
            "700101000000.5Z",
        ] {
            assert_eq!(utc(text), None, "{text}");
        }
        assert_eq!(general("700101000000Z"), None);
        assert_eq!(general("197001010000Z"), None);
    }

    #[test]
    fn texts_of_every_kind_are_units() {
        let read = |tag: u8, content: &[u8]| {
            let value = [&[tag, content.len() as u8], content].concat();
            attribute_text(&mut Der::new(&value))
        };
        let text = |text: &str| Some(Some(text.to_owned()));
        assert_eq!(read(0x14, b"f\xfcr"), text("für"));
        assert_eq!(read(0x1e, &[0, b'a', 0x20, 0xac]), text("a€"));
        assert_eq!(read(0x1e, &[0, b'a', 0, 0]), text("a"));
        assert_eq!(read(0x13, b"a*b&"), text("a*b&"));
        assert_eq!(read(0x16, b"a_b@"), text("a_b@"));
        assert_eq!(read(0x12, b"1 2"), text("1 2"));
        // Go has no text for these types: UniversalString, VisibleString, NULL, INTEGER.
        for (tag, content) in
            [(0x1c, b"\0\0\0a".as_slice()), (0x1a, b"a"), (der::NULL, b""), (der::INTEGER, b"\x05")]
        {
            assert_eq!(read(tag, content), Some(None));
        }
        let bad: [(u8, &[u8]); 8] = [
            (0x0c, b"\xff"),
            (0x13, b"a_b"),
            (0x16, b"\x80"),
            (0x12, b"a"),
            (0x1e, b"a"),
            (0x1e, &[0xd8, 0]),
            (0x1e, &[0xff, 0xfe]),
            (der::INTEGER, b""),
        ];
        for (tag, content) in bad {
            assert_eq!(read(tag, content), None, "{tag:#x} {content:?}");
        }
    }
}
