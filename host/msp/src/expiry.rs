//! The end of a certificate's validity.

use std::fmt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use time::OffsetDateTime;
use x509_parser::certificate::X509Certificate;
use x509_parser::pem::Pem;
use x509_parser::prelude::FromDer;

/// The last second of a certificate's validity. Its text form is a date and time in UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Expiry(i64);

impl Expiry {
    /// In seconds since 1970.
    pub(crate) fn new(seconds: i64) -> Self {
        Self(seconds)
    }

    /// Returns the expiry of the first certificate in a PEM text; None if no certificate can be
    /// read. Does not check the certificate.
    pub fn of_pem(pem: &[u8]) -> Option<Self> {
        let mut blocks = Pem::iter_from_buffer(pem).map_while(Result::ok);
        let block = blocks.find(|block| block.label == "CERTIFICATE")?;
        let (_, certificate) = X509Certificate::from_der(&block.contents).ok()?;
        Some(Self(certificate.validity().not_after.timestamp()))
    }

    /// Returns how long the certificate is still valid; None if it has expired.
    pub fn left(self, now: SystemTime) -> Option<Duration> {
        let now = now.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
        let left = self.0.checked_sub(i64::try_from(now).ok()?)?;
        u64::try_from(left).ok().map(Duration::from_secs)
    }
}

impl fmt::Display for Expiry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Ok(at) = OffsetDateTime::from_unix_timestamp(self.0) else {
            return write!(f, "second {} of Unix time", self.0);
        };
        let (year, month, day) = (at.year(), u8::from(at.month()), at.day());
        let (hour, minute, second) = at.to_hms();
        write!(f, "{year}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02} UTC")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Network, NetworkSpec};

    #[test]
    fn a_certificate_is_valid_up_to_its_last_second() {
        let expiry = Expiry::new(1_609_459_200);
        let at = |seconds| UNIX_EPOCH + Duration::from_secs(seconds);
        assert_eq!(expiry.to_string(), "2021-01-01 00:00:00 UTC");
        assert_eq!(expiry.left(at(1_609_459_140)), Some(Duration::from_secs(60)));
        assert_eq!(expiry.left(at(1_609_459_200)), Some(Duration::ZERO));
        assert_eq!(expiry.left(at(1_609_459_201)), None);
    }

    #[test]
    fn the_first_certificate_of_a_text_counts() {
        let network = Network::in_memory(&NetworkSpec::default()).unwrap();
        let org = network.org("Org1MSP").unwrap();
        let peer = org.identity("peer0").unwrap();
        let expiry = org.peer().unwrap().expiry();
        assert_eq!(Expiry::of_pem(peer.certificate.as_bytes()), Some(expiry));
        let with_key = format!("{}{}", peer.key, peer.certificate);
        assert_eq!(Expiry::of_pem(with_key.as_bytes()), Some(expiry));
        assert_eq!(Expiry::of_pem(peer.key.as_bytes()), None);
    }
}
