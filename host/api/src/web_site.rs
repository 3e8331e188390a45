//! Recognizes requests that a browser sends for a web site.

use std::net::IpAddr;

use tonic::codegen::http::{HeaderMap, header};

/// Returns whether a browser sends the request for a web site. A browser adds an origin to a page's
/// requests. If the DNS name of a site was pointed to this machine, that name is in the host
/// header. `is_local` means that only this machine can reach the address, so clients use no DNS
/// name for it.
pub fn is_of_a_web_site(headers: &HeaderMap, is_local: bool) -> bool {
    if headers.contains_key(header::ORIGIN) {
        return true;
    }
    // Every browser names the host.
    let Some(host) = headers.get(header::HOST) else { return false };
    let host = host.to_str().unwrap_or_default();
    let name = match host.strip_prefix('[') {
        Some(rest) => rest.split(']').next(),
        None => host.split(':').next(),
    };
    let name = name.unwrap_or_default();
    is_local && !name.eq_ignore_ascii_case("localhost") && name.parse::<IpAddr>().is_err()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(all: &[(header::HeaderName, &str)]) -> HeaderMap {
        all.iter().map(|(name, value)| (name.clone(), value.parse().unwrap())).collect()
    }

    #[test]
    fn pages_of_web_sites_are_recognized() {
        let host = |host| headers(&[(header::HOST, host)]);
        for own in ["127.0.0.1:9443", "localhost", "LOCALHOST:1", "[::1]:9443", "10.1.2.3"] {
            assert!(!is_of_a_web_site(&host(own), true), "{own}");
        }
        for foreign in ["example.com:9443", "", "localhost.example.com", "127.0.0.1.example.com"] {
            assert!(is_of_a_web_site(&host(foreign), true), "{foreign}");
        }
        assert!(!is_of_a_web_site(&HeaderMap::new(), true), "a probe");
        // In a cluster, the address is called by a DNS name.
        assert!(!is_of_a_web_site(&host("peer0:9443"), false));
        let page = headers(&[(header::HOST, "127.0.0.1"), (header::ORIGIN, "https://example.com")]);
        assert!(is_of_a_web_site(&page, true) && is_of_a_web_site(&page, false));
    }
}
