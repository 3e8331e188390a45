//! The extensions of a certificate, read as Go's `crypto/x509` reads them (parser.go,
//! `processExtensions`), with its texts. Does not check what Go does not check.

use std::collections::HashSet;
use std::net::{IpAddr, Ipv6Addr};

use crate::certificate::Usage;
use crate::der::{self, Der};
use crate::error::X509Fault;
use crate::uri;
use crate::x509::Extension;

/// `id-ce`, 2.5.29; one more number completes each identifier.
const COMMON: [u8; 2] = [0x55, 0x1d];
/// `id-pe-authorityInfoAccess`, 1.3.6.1.5.5.7.1.1.
const AUTHORITY_INFO_ACCESS: &[u8] = &[0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x01, 0x01];
/// `anyExtendedKeyUsage`, 2.5.29.37.0.
const ANY_USAGE: &[u8] = &[0x55, 0x1d, 0x25, 0x00];
/// `id-kp-serverAuth`, 1.3.6.1.5.5.7.3.1.
const SERVER_AUTH: &[u8] = &[0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x01];
/// `anyPolicy`, 2.5.29.32.0.
const ANY_POLICY: &[u8] = &[0x55, 0x1d, 0x20, 0x00];

const KEY_CERT_SIGN: usize = 5;
/// Number of bits of a key usage.
const KEY_USAGES: usize = 9;

/// Why a certificate cannot be used.
pub(crate) enum UsageFault {
    /// Go cannot parse it.
    Malformed(X509Fault),
    /// Go can parse it, but it is either refused everywhere or uses a feature that is not supported
    /// here.
    Unsupported(&'static str),
}

type Verdict<T> = Result<T, X509Fault>;

impl From<X509Fault> for UsageFault {
    fn from(fault: X509Fault) -> Self {
        Self::Malformed(fault)
    }
}

impl Usage {
    pub(crate) fn of(extensions: &[Extension<'_>]) -> Result<Self, UsageFault> {
        let mut usage = Self {
            is_ca: false,
            path_length: None,
            cert_sign: true,
            server_auth: true,
            key_id: None,
        };
        let mut policies = Policies::default();
        let (mut has_names, mut is_understood) = (false, true);
        for extension in extensions {
            let value = Der::new(extension.value);
            let was_read = match extension.oid {
                [a, b, number @ 0..=0x7f] if [*a, *b] == COMMON => match *number {
                    14 => read_key_id(&mut usage, extension).map(|()| true),
                    15 => read_key_usage(&mut usage, value).map(|()| true),
                    17 => alternative_names(value),
                    19 => read_constraints(&mut usage, value).map(|()| true),
                    30 => {
                        has_names = true;
                        name_constraints(value)
                    }
                    31 => distribution_points(value).map(|()| true),
                    32 => policies.read(value).map(|()| true),
                    33 => policies.read_mappings(value).map(|()| true),
                    35 => authority_key_id(extension).map(|()| true),
                    36 => policies.read_constraints(value).map(|()| true),
                    37 => read_extended(&mut usage, value).map(|()| true),
                    54 => inhibit_any_policy(value).map(|()| true),
                    _ => Ok(false),
                },
                AUTHORITY_INFO_ACCESS => authority_info(extension).map(|()| true),
                _ => Ok(false),
            };
            is_understood &= was_read? || !extension.is_critical;
        }
        let obstacle = match usage.is_ca {
            _ if !is_understood => Some("has a critical extension that is not understood"),
            true if has_names => Some("has name constraints, which are not supported"),
            true => policies.obstacle_of_authority(),
            false => policies.obstacle(),
        };
        obstacle.map_or(Ok(usage), |what| Err(UsageFault::Unsupported(what)))
    }
}

/// The parts of a certificate that Go's policy checks read (verify.go, `policiesValid`). Fabric
/// requires no policies, so the checks fail only if a certificate itself requires one.
#[derive(Default)]
struct Policies {
    has_some: bool,
    maps_any: bool,
    explicit: Option<i64>,
}

impl Policies {
    fn read(&mut self, mut value: Der<'_>) -> Verdict<()> {
        let fault = X509Fault::new("x509: invalid certificate policies");
        let mut list = value.enter(der::SEQUENCE).ok_or(fault)?;
        let mut seen = HashSet::new();
        while !list.is_empty() {
            let policy = list.enter(der::SEQUENCE).and_then(|mut policy| policy.content(der::OID));
            policy.filter(|oid| is_oid(oid) && seen.insert(*oid)).ok_or(fault)?;
        }
        self.has_some = !seen.is_empty();
        Ok(())
    }

    fn read_mappings(&mut self, mut value: Der<'_>) -> Verdict<()> {
        let fault = X509Fault::new("x509: invalid policy mappings extension");
        let mut list = value.enter(der::SEQUENCE).ok_or(fault)?;
        while !list.is_empty() {
            let mut pair = list.enter(der::SEQUENCE).ok_or(fault)?;
            for _ in 0..2 {
                self.maps_any |= pair.content(der::OID).ok_or(fault)? == ANY_POLICY;
            }
        }
        Ok(())
    }

    fn read_constraints(&mut self, mut value: Der<'_>) -> Verdict<()> {
        let fault = X509Fault::new("x509: invalid policy constraints extension");
        let mut fields = value.enter(der::SEQUENCE).ok_or(fault)?;
        for number in [0, 1] {
            let tag = der::field(number);
            if fields.is_next(tag) {
                let value = fields.integer_as(tag).and_then(der::small).ok_or(fault)?;
                if number == 0 {
                    self.explicit = Some(value);
                }
            }
        }
        Ok(())
    }

    fn obstacle_of_authority(&self) -> Option<&'static str> {
        let is_demanding = self.maps_any || self.explicit.is_some_and(|skipped| skipped >= 0);
        is_demanding.then_some("has constraints or mappings of policies, which are not supported")
    }

    fn obstacle(&self) -> Option<&'static str> {
        let is_invalid = self.explicit == Some(0) && !self.has_some;
        is_invalid.then_some("requires a policy and has none")
    }
}

/// True for an identifier with minimal numbers of any length (oid.go, `newOIDFromDER`).
fn is_oid(content: &[u8]) -> bool {
    let mut is_start = true;
    let is_minimal = content.iter().all(|&digit| {
        let was_start = std::mem::replace(&mut is_start, digit < 0x80);
        !(was_start && digit == 0x80)
    });
    !content.is_empty() && is_minimal && is_start
}

fn read_key_id(usage: &mut Usage, extension: &Extension<'_>) -> Verdict<()> {
    if extension.is_critical {
        return Err(X509Fault::new("x509: subject key identifier incorrectly marked critical"));
    }
    let id = Der::new(extension.value).content(der::OCTET_STRING);
    usage.key_id = Some(id.ok_or(X509Fault::new("x509: invalid subject key identifier"))?.to_vec());
    Ok(())
}

fn read_key_usage(usage: &mut Usage, mut value: Der<'_>) -> Verdict<()> {
    let bits = value.bits().ok_or(X509Fault::new("x509: invalid key usage"))?;
    let has_some = (0..KEY_USAGES).any(|index| bits.is_set(index));
    usage.cert_sign = !has_some || bits.is_set(KEY_CERT_SIGN);
    Ok(())
}

fn read_constraints(usage: &mut Usage, mut value: Der<'_>) -> Verdict<()> {
    let fault = X509Fault::new("x509: invalid basic constraints");
    let mut fields = value.enter(der::SEQUENCE).ok_or(fault)?;
    if fields.is_next(der::BOOLEAN) {
        usage.is_ca = fields.boolean().ok_or(fault)?;
    }
    if fields.is_next(der::INTEGER) {
        let length = fields.integer().and_then(der::small);
        let length = length.and_then(|length| u64::try_from(length).ok()).ok_or(fault)?;
        usage.path_length = Some(u32::try_from(length).unwrap_or(u32::MAX));
    }
    Ok(())
}

/// Reads the extended key usage. An empty list allows everything, as in Go.
fn read_extended(usage: &mut Usage, mut value: Der<'_>) -> Verdict<()> {
    let fault = X509Fault::new("x509: invalid extended key usages");
    let mut list = value.enter(der::SEQUENCE).ok_or(fault)?;
    usage.server_auth = list.is_empty();
    while !list.is_empty() {
        let purpose = list.oid().ok_or(fault)?;
        usage.server_auth |= purpose == ANY_USAGE || purpose == SERVER_AUTH;
    }
    Ok(())
}

/// Returns false if the extension has no name of a kind that Go's crypto/x509 reads.
fn alternative_names(mut value: Der<'_>) -> Verdict<bool> {
    const EMAIL: u8 = der::field(1);
    const DNS: u8 = der::field(2);
    const URI: u8 = der::field(6);
    const IP: u8 = der::field(7);
    let fault = X509Fault::new;
    let mut list =
        value.enter(der::SEQUENCE).ok_or(fault("x509: invalid subject alternative names"))?;
    let mut is_known = false;
    while !list.is_empty() {
        let name = list.any().ok_or(fault("x509: invalid subject alternative name"))?;
        let text = std::str::from_utf8(name.content).ok().filter(|text| text.is_ascii());
        let problem = match name.tag {
            EMAIL if text.is_none() => Some("x509: SAN rfc822Name is malformed"),
            DNS if text.is_none() => Some("x509: SAN dNSName is malformed"),
            URI if text.is_none() => Some("x509: SAN uniformResourceIdentifier is malformed"),
            URI if !text.is_some_and(uri::is_valid) => Some("x509: cannot parse URI"),
            IP => ip_problem(name.content),
            _ => None,
        };
        if let Some(problem) = problem {
            return Err(fault(problem));
        }
        is_known |= matches!(name.tag, EMAIL | DNS | URI | IP);
    }
    Ok(is_known)
}

fn ip_problem(address: &[u8]) -> Option<&'static str> {
    match address.len() {
        4 => None,
        16 if is_mapped(address) => Some("x509: SAN iPAddress contains IPv4-mapped IPv6 address"),
        16 => None,
        _ => Some("x509: cannot parse IP address of this length"),
    }
}

fn is_mapped(address: &[u8]) -> bool {
    let address = <[u8; 16]>::try_from(address).ok().map(Ipv6Addr::from);
    address.is_some_and(|address| address.to_ipv4_mapped().is_some())
}

/// Returns false if there is a kind of name that Go does not know. The constraints apply only to
/// certificates below a CA, so for other certificates this form check is enough.
fn name_constraints(mut value: Der<'_>) -> Verdict<bool> {
    let fault = X509Fault::new("x509: invalid NameConstraints extension");
    let mut fields = value.enter(der::SEQUENCE).filter(|_| value.is_empty()).ok_or(fault)?;
    let lists = [0, 1].map(|number| fields.enter_optional(der::group(number)));
    if lists.iter().any(Option::is_none) || !fields.is_empty() {
        return Err(fault);
    }
    let lists = lists.map(Option::flatten);
    if lists.iter().flatten().all(Der::is_empty) {
        return Err(X509Fault::new("x509: empty name constraints extension"));
    }
    let mut is_known = true;
    for mut list in lists.into_iter().flatten() {
        while !list.is_empty() {
            let base = list.enter(der::SEQUENCE).and_then(|mut subtree| subtree.any());
            let base = base.ok_or(fault)?;
            is_known &= name_constraint(base.tag, base.content)?;
        }
    }
    Ok(is_known)
}

fn name_constraint(tag: u8, content: &[u8]) -> Verdict<bool> {
    let text = std::str::from_utf8(content).ok().filter(|text| text.is_ascii());
    let is_domain = || uri::is_domain(content, true);
    let is_mailbox = |text: &str| match text.rsplit_once('@') {
        Some((local, domain)) => {
            is_local_part(local.as_bytes()) && uri::is_domain(domain.as_bytes(), false)
        }
        None => is_domain(),
    };
    let is_valid = match tag & !der::field(0) {
        _ if tag & 0xe0 != der::field(0) => return Ok(false),
        1 => text.is_some_and(is_mailbox),
        2 => text.is_some() && is_domain(),
        6 => text.is_some_and(|text| text.parse::<IpAddr>().is_err() && is_domain()),
        7 => {
            let (address, mask) = content.split_at(content.len() / 2);
            let ones = mask.iter().map(|byte| byte.leading_ones() as usize);
            let all = mask.iter().map(|byte| byte.count_ones() as usize).sum::<usize>();
            let length = ones.clone().take_while(|&ones| ones == 8).count() * 8
                + ones.clone().find(|&ones| ones < 8).unwrap_or(0);
            matches!(content.len(), 8 | 32) && all == length && !is_mapped(address)
        }
        _ => return Ok(false),
    };
    match is_valid {
        true => Ok(true),
        false => Err(X509Fault::new("x509: invalid constraint value")),
    }
}

/// True for the part of a mailbox before the @, in quotes or not (verify.go,
/// `parseRFC2821Mailbox`).
fn is_local_part(local: &[u8]) -> bool {
    let quoted = local.strip_prefix(b"\"");
    let mut rest = quoted.unwrap_or(local).iter();
    let mut text = Vec::new();
    while let Some(&byte) = rest.next() {
        let is_allowed = match (quoted, byte) {
            (Some(_), b'"') => return rest.as_slice().is_empty(),
            (_, b'\\') => {
                let Some(&escaped) = rest.next() else { return false };
                text.push(escaped);
                quoted.is_none() || !matches!(escaped, 0 | 10 | 13)
            }
            (Some(_), _) => !matches!(byte, 0 | 9 | 10 | 13),
            (None, _) => {
                text.push(byte);
                byte.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~.".contains(&byte)
            }
        };
        if !is_allowed {
            return false;
        }
    }
    let is_dotted = text.starts_with(b".") || text.ends_with(b".");
    quoted.is_none() && !text.is_empty() && !is_dotted && !text.windows(2).any(|two| two == b"..")
}

fn distribution_points(mut value: Der<'_>) -> Verdict<()> {
    let mut list = value
        .enter(der::SEQUENCE)
        .ok_or(X509Fault::new("x509: invalid CRL distribution points"))?;
    let fault = X509Fault::new("x509: invalid CRL distribution point");
    while !list.is_empty() {
        let mut point = list.enter(der::SEQUENCE).ok_or(fault)?;
        let Some(mut name) = point.enter_optional(der::group(0)).ok_or(fault)? else { continue };
        let mut names = name.enter(der::group(0)).ok_or(fault)?;
        while names.is_next(der::field(6)) {
            names.any().ok_or(fault)?;
        }
    }
    Ok(())
}

fn authority_key_id(extension: &Extension<'_>) -> Verdict<()> {
    if extension.is_critical {
        return Err(X509Fault::new("x509: authority key identifier incorrectly marked critical"));
    }
    let fault = X509Fault::new("x509: invalid authority key identifier");
    let mut fields = Der::new(extension.value).enter(der::SEQUENCE).ok_or(fault)?;
    fields.enter_optional(der::field(0)).ok_or(fault)?;
    Ok(())
}

fn inhibit_any_policy(mut value: Der<'_>) -> Verdict<()> {
    let skipped = value.integer().and_then(der::small);
    skipped.map(drop).ok_or(X509Fault::new("x509: invalid inhibit any policy extension"))
}

fn authority_info(extension: &Extension<'_>) -> Verdict<()> {
    if extension.is_critical {
        return Err(X509Fault::new("x509: authority info access incorrectly marked critical"));
    }
    let fault = X509Fault::new("x509: invalid authority info access");
    let mut list = Der::new(extension.value).enter(der::SEQUENCE).ok_or(fault)?;
    while !list.is_empty() {
        let mut access = list.enter(der::SEQUENCE).ok_or(fault)?;
        access.oid().ok_or(fault)?;
        access.enter_optional(der::field(6)).ok_or(fault)?;
    }
    Ok(())
}
