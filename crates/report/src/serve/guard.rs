//! Decides which requests are answered.
//!
//! A page of another site must not read this one through the user's browser, neither by a request
//! across origins nor under a name that it resolves to this machine (DNS rebinding). On the
//! loopback interface only local names are allowed. On any other address the token decides: a page
//! that rebinds its name does not have it, so any name is allowed there.

use std::net::{IpAddr, SocketAddr};

use axum::http::header::{ACCEPT, AUTHORIZATION, COOKIE, HOST, ORIGIN};
use axum::http::uri::Authority;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Uri};
use sha2::{Digest, Sha256};

/// What a request must contain.
#[derive(Debug)]
pub struct Guard {
    /// Host name of the server.
    host: String,
    /// SHA-256 of the token. The time to compare digests reveals nothing about the token.
    token: Option<[u8; 32]>,
    /// Cookie name. It contains the port, because all ports of a host share their cookies.
    cookie: String,
    is_loopback: bool,
}

/// How to answer a request.
#[derive(Debug, PartialEq, Eq)]
pub enum Decision {
    Allow,
    /// The address contains the token: redirect to the address without it and set this cookie.
    SetCookie(String),
    /// Answer with this status and reason.
    Deny(StatusCode, &'static str),
}

const FOREIGN_NAME: &str = "this server answers to localhost, 127.0.0.1 and [::1] only; \
                            to serve other machines, restart it with --host ADDRESS\n";
const FOREIGN_PAGE: &str = "this server does not answer pages of other sites\n";
const NO_TOKEN: &str = "missing or wrong token; open the address that the server printed\n";

impl Guard {
    /// Guards a server at `address`, to which `host` resolved.
    pub fn new(host: &str, address: SocketAddr, token: Option<&str>) -> Self {
        Self {
            host: host.to_ascii_lowercase(),
            token: token.map(|token| Sha256::digest(token).into()),
            cookie: format!("candle_sweep_{}", address.port()),
            is_loopback: address.ip().is_loopback(),
        }
    }

    /// Decides by the address and headers of a request.
    pub fn authorize(&self, uri: &Uri, headers: &HeaderMap) -> Decision {
        if self.is_loopback && !self.has_local_name(uri, headers) {
            return Decision::Deny(StatusCode::FORBIDDEN, FOREIGN_NAME);
        }
        if is_from_other_site(headers) {
            return Decision::Deny(StatusCode::FORBIDDEN, FOREIGN_PAGE);
        }
        let Some(expected) = self.token else { return Decision::Allow };
        let matches = |token: &&str| <[u8; 32]>::from(Sha256::digest(token)) == expected;
        let header = |name| headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok());
        let mut parameters = uri.query().into_iter().flat_map(|query| query.split('&'));
        if let Some(token) = parameters.find_map(|pair| pair.strip_prefix("token=")).filter(matches)
        {
            // The cookie keeps the token out of the browser's address bar and history. Programs
            // such as curl need no cookie.
            return match header(ACCEPT).is_some_and(|accepted| accepted.contains("text/html")) {
                true => Decision::SetCookie(format!(
                    "{}={token}; HttpOnly; SameSite=Lax; Path=/",
                    self.cookie
                )),
                false => Decision::Allow,
            };
        }
        let bearer = header(AUTHORIZATION).and_then(|value| value.split_once(' '));
        if bearer
            .is_some_and(|(scheme, token)| scheme.eq_ignore_ascii_case("bearer") && matches(&token))
        {
            return Decision::Allow;
        }
        let cookies = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
        let mut cookies = cookies
            .flat_map(|value| value.split(';'))
            .filter_map(|pair| pair.trim().split_once('='));
        match cookies.any(|(name, token)| name == self.cookie && matches(&token)) {
            true => Decision::Allow,
            false => Decision::Deny(StatusCode::UNAUTHORIZED, NO_TOKEN),
        }
    }

    /// Whether the request names this server exactly once, and only by names of this machine.
    fn has_local_name(&self, uri: &Uri, headers: &HeaderMap) -> bool {
        let hosts: Vec<Option<Authority>> =
            headers.get_all(HOST).iter().map(|value| value.to_str().ok()?.parse().ok()).collect();
        let is_local = |name: &Authority| {
            let bare =
                name.host().trim_start_matches('[').trim_end_matches(']').to_ascii_lowercase();
            let is_here = bare == "localhost"
                || bare == self.host
                || bare.parse().is_ok_and(|ip: IpAddr| ip.is_loopback());
            is_here && !name.as_str().contains('@')
        };
        // The port may differ: an SSH tunnel has its own.
        matches!(&hosts[..], [Some(host)] if is_local(host)) && uri.authority().is_none_or(is_local)
    }
}

/// Whether a page of another site caused the request. A link that the user follows is allowed.
fn is_from_other_site(headers: &HeaderMap) -> bool {
    let header = |name: HeaderName| headers.get(name).map(|value| value.to_str().unwrap_or("?"));
    let host = header(HOST).unwrap_or_default();
    let is_foreign =
        header(ORIGIN).is_some_and(|origin| origin.strip_prefix("http://") != Some(host));
    let fetch = |name: &'static str| header(HeaderName::from_static(name));
    let is_cross_site =
        fetch("sec-fetch-site").is_some_and(|site| site != "same-origin" && site != "none");
    let is_link =
        fetch("sec-fetch-mode") == Some("navigate") && fetch("sec-fetch-dest") == Some("document");
    is_foreign || (is_cross_site && !is_link)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn guard(host: &str, token: Option<&str>) -> Guard {
        let ip: IpAddr =
            if host == "localhost" { [127, 0, 0, 1].into() } else { host.parse().unwrap() };
        Guard::new(host, (ip, 8642).into(), token)
    }

    fn decide(guard: &Guard, uri: &str, headers: &[(&'static str, &str)]) -> Decision {
        let pairs = headers
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), value.parse().unwrap()));
        guard.authorize(
            &uri.parse().unwrap(),
            &pairs.fold(HeaderMap::new(), |mut map, (name, value)| {
                map.append(name, value);
                map
            }),
        )
    }

    #[test]
    fn loopback_server_allows_local_names_only() {
        let guard = guard("127.0.0.1", None);
        for host in [
            "127.0.0.1:8642",
            "localhost:8642",
            "LocalHost",
            "[::1]:8642",
            "127.0.0.1:9000",
            "127.9.9.9",
        ] {
            assert_eq!(decide(&guard, "/", &[("host", host)]), Decision::Allow, "{host}");
        }
        let names = [
            "evil.example",
            "127.0.0.1.evil.example:8642",
            "localhost.evil.example",
            "10.0.0.1:8642",
            "0.0.0.0:8642",
        ];
        for host in names.into_iter().chain([
            "a@127.0.0.1",
            "",
            "localhost:8642, evil.example",
            "[::2]:8642",
        ]) {
            let denied = Decision::Deny(StatusCode::FORBIDDEN, FOREIGN_NAME);
            assert_eq!(decide(&guard, "/", &[("host", host)]), denied, "{host}");
        }
    }

    #[test]
    fn request_must_name_one_local_host() {
        let guard = guard("127.0.0.1", None);
        let denied = Decision::Deny(StatusCode::FORBIDDEN, FOREIGN_NAME);
        assert_eq!(decide(&guard, "/", &[]), denied);
        assert_eq!(decide(&guard, "/", &[("host", "localhost"), ("host", "evil.example")]), denied);
        assert_eq!(decide(&guard, "http://evil.example/", &[("host", "localhost")]), denied);
        assert_eq!(decide(&guard, "http://localhost/", &[("host", "localhost")]), Decision::Allow);
    }

    #[test]
    fn other_sites_may_link_here_but_not_read() {
        let guard = guard("127.0.0.1", None);
        let from = |headers: &[(&'static str, &str)]| {
            decide(&guard, "/", &[&[("host", "localhost:8642")], headers].concat())
        };
        let denied = Decision::Deny(StatusCode::FORBIDDEN, FOREIGN_PAGE);
        assert_eq!(from(&[("origin", "http://evil.example")]), denied);
        assert_eq!(from(&[("origin", "null")]), denied);
        assert_eq!(from(&[("origin", "http://localhost:3000")]), denied);
        assert_eq!(from(&[("origin", "http://localhost:8642")]), Decision::Allow);
        for site in ["cross-site", "same-site"] {
            assert_eq!(from(&[("sec-fetch-site", site), ("sec-fetch-mode", "no-cors")]), denied);
            let link = [
                ("sec-fetch-site", site),
                ("sec-fetch-mode", "navigate"),
                ("sec-fetch-dest", "document"),
            ];
            assert_eq!(from(&link), Decision::Allow);
            assert_eq!(from(&[link[0], link[1], ("sec-fetch-dest", "iframe")]), denied);
        }
        assert_eq!(from(&[("sec-fetch-site", "same-origin")]), Decision::Allow);
    }

    #[test]
    fn public_server_requires_the_token_only() {
        let guard = guard("0.0.0.0", Some("0123456789abcdef"));
        let denied = Decision::Deny(StatusCode::UNAUTHORIZED, NO_TOKEN);
        let host = ("host", "gpu.example:8642");
        assert_eq!(decide(&guard, "/", &[host]), denied);
        assert_eq!(decide(&guard, "/?token=", &[host]), denied);
        assert_eq!(decide(&guard, "/?token=0123456789abcde", &[host]), denied);
        assert_eq!(
            decide(&guard, "/", &[host, ("cookie", "candle_sweep_8643=0123456789abcdef")]),
            denied
        );
        assert_eq!(
            decide(&guard, "/", &[host, ("authorization", "Bearer 0123456789abcdee")]),
            denied
        );
        assert_eq!(
            decide(&guard, "/", &[host, ("authorization", "Bearer 0123456789abcdef")]),
            Decision::Allow
        );
        assert_eq!(
            decide(&guard, "/", &[host, ("authorization", "bearer 0123456789abcdef")]),
            Decision::Allow
        );
        assert_eq!(
            decide(&guard, "/?token=0123456789abcdef", &[host, ("accept", "*/*")]),
            Decision::Allow
        );
        let decision = decide(
            &guard,
            "/?a=b&token=0123456789abcdef",
            &[host, ("accept", "text/html,*/*;q=0.8")],
        );
        let cookie = "candle_sweep_8642=0123456789abcdef; HttpOnly; SameSite=Lax; Path=/";
        assert_eq!(decision, Decision::SetCookie(cookie.into()));
        let with = [host, ("cookie", "theme=dark; candle_sweep_8642=0123456789abcdef")];
        assert_eq!(decide(&guard, "/", &with), Decision::Allow);
    }

    #[test]
    fn token_does_not_allow_foreign_names_on_loopback() {
        let guard = guard("localhost", Some("0123456789abcdef"));
        let denied = Decision::Deny(StatusCode::FORBIDDEN, FOREIGN_NAME);
        assert_eq!(decide(&guard, "/?token=0123456789abcdef", &[("host", "evil.example")]), denied);
    }
}
