//! Checks texts as Go's `net/url` parses a URI (url.go, `Parse`). Go refuses a certificate if a URI
//! in its alternative names does not parse.
//!
//! Does not return the parts of a URI.

use std::net::Ipv6Addr;

/// The part of a URI that may have escaped bytes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Host,
    Zone,
    Elsewhere,
}

/// True if Go accepts this ASCII text as a URI, and its host, if any, as a domain name
/// (crypto/x509, `parseSANExtension`).
pub(crate) fn is_valid(text: &str) -> bool {
    let (text, fragment) = text.split_once('#').unwrap_or((text, ""));
    if text.bytes().any(|byte| byte.is_ascii_control()) {
        return false;
    }
    unescaped(fragment, Place::Elsewhere).is_some() && (text == "*" || parts_are_valid(text))
}

fn parts_are_valid(text: &str) -> bool {
    let Some(scheme) = scheme(text) else { return false };
    let rest = text.get(scheme.len()..).unwrap_or_default();
    let rest = if scheme.is_empty() { rest } else { &rest[1..] };
    let rest = rest.split_once('?').map_or(rest, |(rest, _)| rest);
    if rest.starts_with('/') {
        return hierarchy_is_valid(scheme, rest);
    }
    // Go does not check an opaque part. Without a scheme, a colon in the first segment would look
    // like one.
    let first = rest.split_once('/').map_or(rest, |(first, _)| first);
    !scheme.is_empty() || (!first.contains(':') && unescaped(rest, Place::Elsewhere).is_some())
}

/// Returns the scheme without its colon; empty if there is none; None if a colon comes first.
fn scheme(text: &str) -> Option<&str> {
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b':' if at == 0 => return None,
            b':' => return Some(&text[..at]),
            b'a'..=b'z' | b'A'..=b'Z' => {}
            b'0'..=b'9' | b'+' | b'-' | b'.' if at > 0 => {}
            _ => break,
        }
    }
    Some("")
}

/// True for a valid path, which may have an authority before it.
fn hierarchy_is_valid(scheme: &str, rest: &str) -> bool {
    let authority = rest.strip_prefix("//");
    let authority = authority.filter(|rest| !scheme.is_empty() || !rest.starts_with('/'));
    let Some(authority) = authority else { return unescaped(rest, Place::Elsewhere).is_some() };
    let length = authority.find('/').unwrap_or(authority.len());
    let (authority, path) = authority.split_at(length);
    let (user, host) = match authority.rsplit_once('@') {
        Some((user, host)) => (user, host),
        None => ("", authority),
    };
    let is_user = |byte: u8| byte.is_ascii_alphanumeric() || b"-._:~!$&'()*+,;=%@".contains(&byte);
    let Some(host) = host_name(scheme, host) else { return false };
    user.bytes().all(is_user)
        && unescaped(user, Place::Elsewhere).is_some()
        && (host.is_empty() || is_domain(&host, false))
        && unescaped(path, Place::Elsewhere).is_some()
}

/// Returns the host with its port, without escapes (Go: `parseHost`).
fn host_name(scheme: &str, host: &str) -> Option<Vec<u8>> {
    let Some(open) = host.rfind('[') else {
        if let Some(first) = host.find(':') {
            let is_strict = ["http", "https"].iter().any(|it| scheme.eq_ignore_ascii_case(it));
            let colon = if is_strict { Some(first) } else { host.rfind(':') };
            colon.filter(|&colon| is_port(&host[colon..]))?;
        }
        return unescaped(host, Place::Host);
    };
    let inner = host.strip_prefix('[').filter(|_| open == 0)?;
    let (address, port) = inner.rsplit_once(']')?;
    if !is_port(port) {
        return None;
    }
    let mut name = match address.find("%25") {
        Some(zone) => {
            let mut name = unescaped(&address[..zone], Place::Host)?;
            name.extend(unescaped(&address[zone..], Place::Zone)?);
            name
        }
        None => unescaped(address, Place::Host)?,
    };
    let split = name.iter().position(|&byte| byte == b'%').unwrap_or(name.len());
    let number = std::str::from_utf8(&name[..split]).ok()?.parse::<Ipv6Addr>();
    if number.is_err() || split + 1 == name.len() {
        return None;
    }
    name.insert(0, b'[');
    name.push(b']');
    name.extend(port.bytes());
    Some(name)
}

fn is_port(text: &str) -> bool {
    match text.strip_prefix(':') {
        Some(digits) => digits.bytes().all(|digit| digit.is_ascii_digit()),
        None => text.is_empty(),
    }
}

/// Decodes escapes (Go: `unescape`).
fn unescaped(text: &str, place: Place) -> Option<Vec<u8>> {
    let mut bytes = text.bytes();
    let mut result = Vec::with_capacity(text.len());
    while let Some(byte) = bytes.next() {
        if byte != b'%' {
            let is_host = place != Place::Elsewhere;
            if is_host && byte.is_ascii() && !is_host_byte(byte) {
                return None;
            }
            result.push(byte);
            continue;
        }
        let mut digit = || char::from(bytes.next()?).to_digit(16);
        let value = (digit()? << 4 | digit()?) as u8;
        let may_be_escaped = match place {
            Place::Host => value >= 0x80 || value == b'%',
            Place::Zone => matches!(value, b'%' | b' ') || is_host_byte(value),
            Place::Elsewhere => true,
        };
        if !may_be_escaped {
            return None;
        }
        result.push(value);
    }
    Some(result)
}

fn is_host_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-_.~!$&'()*+,;=:[]<>\"".contains(&byte)
}

/// True for a name that Go accepts as a domain (crypto/x509, `domainNameValid`).
pub(crate) fn is_domain(name: &[u8], is_constraint: bool) -> bool {
    let labels = match name.strip_prefix(b".") {
        Some(rest) if is_constraint => rest,
        _ => name,
    };
    let is_label =
        |label: &[u8]| !label.is_empty() && label.iter().all(|byte| (33..=126).contains(byte));
    name.is_empty() || labels.split(|&byte| byte == b'.').all(is_label)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_uris_as_in_go() {
        let good = [
            "",
            "*",
            "a/b",
            "http://a/b",
            "spiffe://a/b?c#d",
            "urn:%zz",
            "http://u:p@a:80/",
            "http://[::1]:80/",
            "http://[fe80::1%25en0]/",
            "/a%20b",
            "?a b",
            "ldap://a:b:80",
            "http://a",
        ];
        for text in good {
            assert!(is_valid(text), "{text}");
        }
        let bad = [
            ":a",
            "a b:c",
            "http://[a",
            "http://a b/",
            "http://a:b/",
            "http://a:1:80/",
            "http://a%41/",
            "http://a./",
            "http://.a/",
            "http://[1.2.3.4]/",
            "http://[::1%25]/",
            "http://[::1]a/",
            "http://a[::1]/",
            "http://u\"@a/",
            "/%4",
            "/#%4",
            "a\nb",
            "a\x7f",
        ];
        for text in bad {
            assert!(!is_valid(text), "{text}");
        }
    }

    #[test]
    fn domains_have_no_empty_labels() {
        for name in ["", "a", "a.b", "*.b_c"] {
            assert!(is_domain(name.as_bytes(), false), "{name}");
        }
        for name in [".", "a.", "a..b", ".a", "a b", "\u{fc}"] {
            assert!(!is_domain(name.as_bytes(), false), "{name}");
        }
        assert!(is_domain(b".a", true) && !is_domain(b"..a", true));
    }
}
