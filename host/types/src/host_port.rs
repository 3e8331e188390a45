//! Addresses that can be dialed.

use std::net::Ipv6Addr;

/// Returns whether a text is HOST:PORT. The host is a name, an IPv4 address, or an IPv6 address in
/// brackets; the port is not 0.
pub fn is_host_port(text: &str) -> bool {
    let Some((host, port)) = text.rsplit_once(':') else { return false };
    let is_port = port.parse::<u16>().is_ok_and(|port| port > 0);
    let in_brackets = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
    let is_host = match in_brackets {
        Some(ip) => ip.parse::<Ipv6Addr>().is_ok(),
        None => {
            let is_part = |c: u8| c.is_ascii_alphanumeric() || b"-._".contains(&c);
            !host.is_empty() && host.bytes().all(is_part)
        }
    };
    is_host && is_port
}
