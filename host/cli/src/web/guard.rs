//! Admits requests of local clients and of the page itself; refuses requests that a web site makes
//! a browser send.
//!
//! Any web site can make a browser send requests. The browser names the site in `Origin` and
//! `Sec-Fetch-Site`, and the name of this address in `Host`. A site can resolve a name of its own
//! to this machine (DNS rebinding), but it cannot change `Host`.
//!
//! Invariant: requests that change something carry the page's token, which only the page can read.

use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::web::failure::Failure;

/// The header with the token.
pub(super) const TOKEN: &str = "x-wasmcc-token";

/// Headers of every answer. Scripts and styles come from this address only, and scripts cannot turn
/// text into markup.
const HEADERS: [(&str, &str); 6] = [
    (
        "content-security-policy",
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; \
         connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; \
         require-trusted-types-for 'script'; trusted-types 'none'",
    ),
    ("x-content-type-options", "nosniff"),
    ("x-frame-options", "DENY"),
    ("referrer-policy", "no-referrer"),
    ("cross-origin-resource-policy", "same-origin"),
    ("cross-origin-opener-policy", "same-origin"),
];

/// The checks of requests.
#[derive(Debug)]
pub(super) struct Guard {
    /// The host name or IP address of the configured address.
    pub(super) name: String,
    /// True if other machines can reach the address.
    pub(super) is_remote: bool,
    /// The token that calls must carry; None if calls are not allowed.
    pub(super) token: Option<String>,
}

/// Refuses a request or forwards it, and adds the headers for browsers to the answer.
pub(super) async fn admit(
    State(guard): State<Arc<Guard>>,
    request: Request,
    next: Next,
) -> Response {
    let mut answer = match guard.check(&request) {
        Ok(()) => next.run(request).await,
        Err(refused) => refused.into_response(),
    };
    let headers = answer.headers_mut();
    for (name, value) in HEADERS {
        headers.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
    }
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    answer
}

impl Guard {
    fn check(&self, request: &Request) -> Result<(), Failure> {
        let headers = request.headers();
        let host = one(headers, &header::HOST)?.unwrap_or_default();
        if !self.is_own_name(host) {
            let host: String = host.chars().take(100).collect();
            return Err(Failure::forbidden(format!(
                "this address is not for the name {host:?}: open it as localhost or by IP address"
            )));
        }
        let origin = one(headers, &header::ORIGIN)?;
        let is_own = |origin: &str| origin.strip_prefix("http://") == Some(host);
        let is_of_a_site = origin.is_some_and(|origin| !is_own(origin));
        if is_of_a_site || !is_fetched_here(request)? {
            return Err(Failure::forbidden("this address is not for web sites"));
        }
        match *request.method() {
            Method::GET | Method::HEAD => Ok(()),
            Method::POST => self.check_change(headers, origin),
            _ => Ok(()),
        }
    }

    /// True if the host is localhost, the configured name, or an IP address of this machine. Other
    /// names are resolved by DNS, which a site may control.
    fn is_own_name(&self, host: &str) -> bool {
        let name = name_of(host);
        match name.parse::<IpAddr>() {
            Ok(address) => self.is_remote || address.is_loopback() || name == self.name,
            Err(_) => {
                name.eq_ignore_ascii_case("localhost") || name.eq_ignore_ascii_case(&self.name)
            }
        }
    }

    fn check_change(&self, headers: &HeaderMap, origin: Option<&str>) -> Result<(), Failure> {
        let Some(token) = &self.token else {
            return Err(Failure::forbidden(
                "this page is read-only: only that of `wasmcc dev` calls chaincodes",
            ));
        };
        if origin.is_none() {
            return Err(Failure::forbidden("a call needs the header Origin with this address"));
        }
        let kind = one(headers, &header::CONTENT_TYPE)?.unwrap_or_default();
        let kind = kind.split(';').next().unwrap_or_default().trim();
        if !kind.eq_ignore_ascii_case("application/json") {
            return Err(Failure::with(
                axum::http::StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "a call is of the type application/json",
            ));
        }
        match one(headers, &HeaderName::from_static(TOKEN))? {
            Some(given) if given == token => Ok(()),
            _ => Err(Failure::forbidden(format!(
                "a call needs the header {TOKEN} with the token of /api/about: reload the page"
            ))),
        }
    }
}

/// Returns the host name or IP address of `NAME:PORT`.
pub(super) fn name_of(address: &str) -> &str {
    let name = match address.strip_prefix('[') {
        Some(rest) => rest.split(']').next(),
        None => address.rsplit_once(':').map(|(name, _)| name).or(Some(address)),
    };
    name.unwrap_or_default()
}

/// False if a site makes a browser fetch something. Links to the page are allowed.
fn is_fetched_here(request: &Request) -> Result<bool, Failure> {
    let header = |name: &'static str| one(request.headers(), &HeaderName::from_static(name));
    Ok(match header("sec-fetch-site")? {
        None | Some("same-origin" | "none") => true,
        Some(_) => {
            request.method() == Method::GET
                && request.uri().path() == "/"
                && header("sec-fetch-mode")? == Some("navigate")
        }
    })
}

/// Returns the value of a header; fails if there are several.
fn one<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Result<Option<&'a str>, Failure> {
    let mut values = headers.get_all(name).iter();
    let value = values.next();
    if values.next().is_some() {
        return Err(Failure::bad(format!("the header {name} is given twice")));
    }
    let text = value.map(|value| value.to_str());
    text.transpose().map_err(|_| Failure::bad(format!("the header {name} is not text")))
}

#[cfg(test)]
mod tests {
    use axum::body::Body;

    use super::*;

    fn request(method: &str, path: &str, headers: &[(&str, &str)]) -> Request {
        let request = Request::builder().method(method).uri(path);
        let request = headers.iter().fold(request, |it, (name, value)| it.header(*name, *value));
        request.body(Body::empty()).unwrap()
    }

    fn local(token: Option<&str>) -> Guard {
        Guard { name: "127.0.0.1".into(), is_remote: false, token: token.map(str::to_owned) }
    }

    #[test]
    fn only_own_names_are_served() {
        let asks = |guard: &Guard, host: &str| {
            guard.check(&request("GET", "/api/about", &[("host", host)])).is_ok()
        };
        for own in ["127.0.0.1:8080", "localhost:8080", "LOCALHOST", "[::1]:8080", "127.0.0.2:1"] {
            assert!(asks(&local(None), own), "{own}");
        }
        for other in ["", "example.com", "localhost.example.com", "10.0.0.1:8080", "127.0.0.1.x"] {
            assert!(!asks(&local(None), other), "{other}");
        }
        let remote = Guard { name: "peer0".into(), is_remote: true, token: None };
        assert!(asks(&remote, "peer0:8080") && asks(&remote, "10.0.0.1:8080"));
        assert!(!asks(&remote, "example.com:8080"));
        let two = [("host", "localhost"), ("host", "localhost")];
        assert!(local(None).check(&request("GET", "/", &two)).is_err());
    }

    #[test]
    fn no_web_site_reads_or_changes_anything() {
        let host = ("host", "localhost:8080");
        let own = ("origin", "http://localhost:8080");
        let get = |headers: &[(&str, &str)]| {
            local(None).check(&request("GET", "/api/about", &[&[host], headers].concat())).is_ok()
        };
        assert!(get(&[]) && get(&[own]) && get(&[("sec-fetch-site", "same-origin")]));
        for origin in ["http://localhost:8081", "https://localhost:8080", "null", ""] {
            assert!(!get(&[("origin", origin)]), "{origin}");
        }
        for site in ["cross-site", "same-site", "anything"] {
            assert!(!get(&[("sec-fetch-site", site), ("sec-fetch-mode", "no-cors")]), "{site}");
        }
        let link = [host, ("sec-fetch-site", "cross-site"), ("sec-fetch-mode", "navigate")];
        assert!(local(None).check(&request("GET", "/", &link)).is_ok());
        assert!(local(None).check(&request("GET", "/api/about", &link)).is_err());
    }

    #[test]
    fn a_call_needs_origin_type_and_token() {
        let all = [
            ("host", "localhost:8080"),
            ("origin", "http://localhost:8080"),
            ("content-type", "application/json; charset=utf-8"),
            (TOKEN, "t"),
        ];
        let post = |headers: &[(&str, &str)]| request("POST", "/api/submit", headers);
        assert!(local(Some("t")).check(&post(&all)).is_ok());
        for left_out in 0..all.len() {
            let mut some = all.to_vec();
            some.remove(left_out);
            assert!(local(Some("t")).check(&post(&some)).is_err(), "{some:?}");
        }
        assert!(local(Some("other")).check(&post(&all)).is_err());
        assert!(local(None).check(&post(&all)).is_err());
        let mut plain = all;
        plain[2].1 = "text/plain";
        assert!(local(Some("t")).check(&post(&plain)).is_err());
    }
}
