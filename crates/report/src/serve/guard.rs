//! Who is answered. A page of some other site must not read this one through the reader's browser: not by asking across origins, and
//! not by calling itself by a name that leads here (DNS rebinding). Beyond this machine only who knows the token is answered: a page
//! that rebinds its name does not have it, so that any name is good there.

use std::net::{IpAddr, SocketAddr};

use axum::http::header::{ACCEPT, AUTHORIZATION, COOKIE, HOST, ORIGIN};
use axum::http::uri::Authority;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Uri};
use sha2::{Digest, Sha256};

/// What a request must have.
#[derive(Debug)]
pub struct Guard {
    /// The name it is served at.
    host: String,
    /// Digest of the token, where there is one: comparing digests takes a time that tells nothing of it.
    token: Option<[u8; 32]>,
    /// Cookies are shared by all ports of a host.
    cookie: String,
    /// Names are looked at.
    loopback: bool,
}

/// What becomes of a request.
#[derive(Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is answered.
    Welcome,
    /// It brought the token in its address: it goes on without, with this cookie.
    Enter(String),
    /// It is not answered, and why.
    Refused(StatusCode, &'static str),
}

const FOREIGN_NAME: &str = "This server answers to localhost, 127.0.0.1 and [::1] only: a request for another name is none of its own. \
                            To serve it to other machines: report serve --host ADDRESS\n";
const FOREIGN_PAGE: &str = "Pages of other sites are not answered.\n";
const NO_TOKEN: &str = "A token is needed: open the address that report serve printed.\n";

impl Guard {
    /// For a server at `address`, which `host` led to.
    pub fn new(host: &str, address: SocketAddr, token: Option<&str>) -> Self {
        Self {
            host: host.to_ascii_lowercase(),
            token: token.map(|token| Sha256::digest(token).into()),
            cookie: format!("candle_sweep_{}", address.port()),
            loopback: address.ip().is_loopback(),
        }
    }

    /// Judges a request by its address and headers.
    pub fn judge(&self, uri: &Uri, headers: &HeaderMap) -> Verdict {
        if self.loopback && !self.is_ours(uri, headers) {
            return Verdict::Refused(StatusCode::FORBIDDEN, FOREIGN_NAME);
        }
        if is_of_another_page(headers) {
            return Verdict::Refused(StatusCode::FORBIDDEN, FOREIGN_PAGE);
        }
        let Some(expected) = self.token else { return Verdict::Welcome };
        let fits = |token: &&str| <[u8; 32]>::from(Sha256::digest(token)) == expected;
        let said = |name| headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok());
        let mut parameters = uri.query().into_iter().flat_map(|query| query.split('&'));
        if let Some(token) = parameters.find_map(|it| it.strip_prefix("token=")).filter(fits) {
            // A browser forgets the address for a cookie, which it sends along to links of other pages too; a program such as curl
            // has no use for one.
            return match said(ACCEPT).is_some_and(|accepted| accepted.contains("text/html")) {
                true => Verdict::Enter(format!(
                    "{}={token}; HttpOnly; SameSite=Lax; Path=/",
                    self.cookie
                )),
                false => Verdict::Welcome,
            };
        }
        let bearer = said(AUTHORIZATION).and_then(|it| it.split_once(' '));
        if bearer
            .is_some_and(|(scheme, token)| scheme.eq_ignore_ascii_case("bearer") && fits(&token))
        {
            return Verdict::Welcome;
        }
        let cookies = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
        let mut cookies =
            cookies.flat_map(|it| it.split(';')).filter_map(|it| it.trim().split_once('='));
        match cookies.any(|(name, token)| name == self.cookie && fits(&token)) {
            true => Verdict::Welcome,
            false => Verdict::Refused(StatusCode::UNAUTHORIZED, NO_TOKEN),
        }
    }

    /// Whether every name that the request has for this server is one of this machine, and it has one.
    fn is_ours(&self, uri: &Uri, headers: &HeaderMap) -> bool {
        let hosts: Vec<Option<Authority>> =
            headers.get_all(HOST).iter().map(|value| value.to_str().ok()?.parse().ok()).collect();
        let ours = |name: &Authority| {
            let bare =
                name.host().trim_start_matches('[').trim_end_matches(']').to_ascii_lowercase();
            let here = bare == "localhost"
                || bare == self.host
                || bare.parse().is_ok_and(|it: IpAddr| it.is_loopback());
            here && !name.as_str().contains('@')
        };
        // The port is none of this: a tunnel has another.
        matches!(&hosts[..], [Some(host)] if ours(host)) && uri.authority().is_none_or(ours)
    }
}

/// Whether a browser asks because another page said so, but for links to here.
fn is_of_another_page(headers: &HeaderMap) -> bool {
    let said = |name: HeaderName| headers.get(name).map(|value| value.to_str().unwrap_or("?"));
    let host = said(HOST).unwrap_or_default();
    let elsewhere = said(ORIGIN).is_some_and(|origin| origin.strip_prefix("http://") != Some(host));
    let fetch = |name: &'static str| said(HeaderName::from_static(name));
    let across =
        fetch("sec-fetch-site").is_some_and(|site| site != "same-origin" && site != "none");
    let link =
        fetch("sec-fetch-mode") == Some("navigate") && fetch("sec-fetch-dest") == Some("document");
    elsewhere || (across && !link)
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

    fn judged(guard: &Guard, uri: &str, headers: &[(&'static str, &str)]) -> Verdict {
        let pairs = headers
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), value.parse().unwrap()));
        guard.judge(
            &uri.parse().unwrap(),
            &pairs.fold(HeaderMap::new(), |mut map, (name, value)| {
                map.append(name, value);
                map
            }),
        )
    }

    #[test]
    fn only_names_of_this_machine_are_answered() {
        let guard = guard("127.0.0.1", None);
        for host in [
            "127.0.0.1:8642",
            "localhost:8642",
            "LocalHost",
            "[::1]:8642",
            "127.0.0.1:9000",
            "127.9.9.9",
        ] {
            assert_eq!(judged(&guard, "/", &[("host", host)]), Verdict::Welcome, "{host}");
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
            let refused = Verdict::Refused(StatusCode::FORBIDDEN, FOREIGN_NAME);
            assert_eq!(judged(&guard, "/", &[("host", host)]), refused, "{host}");
        }
    }

    #[test]
    fn one_name_and_no_other_in_the_address() {
        let guard = guard("127.0.0.1", None);
        let refused = Verdict::Refused(StatusCode::FORBIDDEN, FOREIGN_NAME);
        assert_eq!(judged(&guard, "/", &[]), refused);
        assert_eq!(
            judged(&guard, "/", &[("host", "localhost"), ("host", "evil.example")]),
            refused
        );
        assert_eq!(judged(&guard, "http://evil.example/", &[("host", "localhost")]), refused);
        assert_eq!(judged(&guard, "http://localhost/", &[("host", "localhost")]), Verdict::Welcome);
    }

    #[test]
    fn other_pages_are_not_answered_but_may_link_here() {
        let guard = guard("127.0.0.1", None);
        let from = |headers: &[(&'static str, &str)]| {
            judged(&guard, "/", &[&[("host", "localhost:8642")], headers].concat())
        };
        let refused = Verdict::Refused(StatusCode::FORBIDDEN, FOREIGN_PAGE);
        assert_eq!(from(&[("origin", "http://evil.example")]), refused);
        assert_eq!(from(&[("origin", "null")]), refused);
        assert_eq!(from(&[("origin", "http://localhost:3000")]), refused);
        assert_eq!(from(&[("origin", "http://localhost:8642")]), Verdict::Welcome);
        for site in ["cross-site", "same-site"] {
            assert_eq!(from(&[("sec-fetch-site", site), ("sec-fetch-mode", "no-cors")]), refused);
            let link = [
                ("sec-fetch-site", site),
                ("sec-fetch-mode", "navigate"),
                ("sec-fetch-dest", "document"),
            ];
            assert_eq!(from(&link), Verdict::Welcome);
            assert_eq!(from(&[link[0], link[1], ("sec-fetch-dest", "iframe")]), refused);
        }
        assert_eq!(from(&[("sec-fetch-site", "same-origin")]), Verdict::Welcome);
    }

    #[test]
    fn beyond_this_machine_the_token_is_all_that_counts() {
        let guard = guard("0.0.0.0", Some("0123456789abcdef"));
        let refused = Verdict::Refused(StatusCode::UNAUTHORIZED, NO_TOKEN);
        let host = ("host", "gpu.example:8642");
        assert_eq!(judged(&guard, "/", &[host]), refused);
        assert_eq!(judged(&guard, "/?token=", &[host]), refused);
        assert_eq!(judged(&guard, "/?token=0123456789abcde", &[host]), refused);
        assert_eq!(
            judged(&guard, "/", &[host, ("cookie", "candle_sweep_8643=0123456789abcdef")]),
            refused
        );
        assert_eq!(
            judged(&guard, "/", &[host, ("authorization", "Bearer 0123456789abcdee")]),
            refused
        );
        assert_eq!(
            judged(&guard, "/", &[host, ("authorization", "Bearer 0123456789abcdef")]),
            Verdict::Welcome
        );
        assert_eq!(
            judged(&guard, "/", &[host, ("authorization", "bearer 0123456789abcdef")]),
            Verdict::Welcome
        );
        assert_eq!(
            judged(&guard, "/?token=0123456789abcdef", &[host, ("accept", "*/*")]),
            Verdict::Welcome
        );
        let entered = judged(
            &guard,
            "/?a=b&token=0123456789abcdef",
            &[host, ("accept", "text/html,*/*;q=0.8")],
        );
        let cookie = "candle_sweep_8642=0123456789abcdef; HttpOnly; SameSite=Lax; Path=/";
        assert_eq!(entered, Verdict::Enter(cookie.into()));
        let with = [host, ("cookie", "theme=dark; candle_sweep_8642=0123456789abcdef")];
        assert_eq!(judged(&guard, "/", &with), Verdict::Welcome);
    }

    #[test]
    fn a_token_on_this_machine_opens_no_other_names() {
        let guard = guard("localhost", Some("0123456789abcdef"));
        let refused = Verdict::Refused(StatusCode::FORBIDDEN, FOREIGN_NAME);
        assert_eq!(
            judged(&guard, "/?token=0123456789abcdef", &[("host", "evil.example")]),
            refused
        );
    }
}
