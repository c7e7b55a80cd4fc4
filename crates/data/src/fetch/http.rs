//! Requests a file, or the rest of it, and answers in bounded time.

use std::io::Read;
use std::sync::mpsc;
use std::time::Duration;

use ureq::http::header::{CONTENT_LENGTH, CONTENT_RANGE, LOCATION};
use ureq::http::{HeaderMap, Response, StatusCode, Uri};
use ureq::{Agent, Body};

/// Longest pause within a body.
const READ_TIMEOUT: Duration = Duration::from_secs(20);
/// Longest time for one body. The next attempt resumes after the received bytes.
const BODY_TIMEOUT: Duration = Duration::from_secs(600);
/// Redirects that one request follows.
const MAX_REDIRECTS: u32 = 4;

/// The answer of a server.
pub(crate) enum Answer {
    /// The file, or the requested range of it.
    Body {
        /// Position of the first byte: the requested one, or 0 if the server ignored the range.
        from: u64,
        /// Size of the whole file in bytes, if the server reports it.
        total: Option<u64>,
        /// The content.
        bytes: Box<dyn Read>,
    },
    /// The server does not have the requested range, or sent another one.
    OutOfRange,
}

/// Requests `url` from byte `from` on. The answer must begin within `timeout`.
pub(crate) fn get(url: &str, from: u64, timeout: Duration) -> Result<Answer, String> {
    let response = run_with_timeout(timeout, {
        let url = url.to_owned();
        move || request(&url, from, timeout)
    })?;
    let (status, headers) = (response.status(), response.headers());
    let length = parse_number(headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()));
    let (from, total) = match status {
        StatusCode::OK => (0, length),
        StatusCode::PARTIAL_CONTENT => match content_range(headers) {
            Some((start, total)) if start == from => {
                (from, total.or(length.map(|length| from + length)))
            }
            _ => return Ok(Answer::OutOfRange),
        },
        StatusCode::RANGE_NOT_SATISFIABLE if from > 0 => return Ok(Answer::OutOfRange),
        _ => return Err(format!("the server answered {status}")),
    };
    Ok(Answer::Body { from, total, bytes: Box::new(response.into_body().into_reader()) })
}

/// Runs `request` in a new thread and returns an error after `timeout`. The phases of a request
/// (name resolution, connection, each redirect) have separate time limits, so their sum needs one.
fn run_with_timeout<T: Send + 'static>(
    timeout: Duration,
    request: impl FnOnce() -> Result<T, String> + Send + 'static,
) -> Result<T, String> {
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || {
        // After the timeout there is no receiver.
        let _ = sender.send(request());
    });
    receiver
        .recv_timeout(timeout)
        .unwrap_or_else(|_| Err(format!("no answer within {timeout:.1?}")))
}

/// Sends a request and follows redirects within the mirror. Refuses redirects to other servers,
/// because only configured mirrors may be used.
fn request(url: &str, from: u64, timeout: Duration) -> Result<Response<Body>, String> {
    let mut url = url.to_owned();
    for _ in 0..=MAX_REDIRECTS {
        let response = request_once(&url, from, timeout)?;
        let location = response.headers().get(LOCATION).and_then(|location| location.to_str().ok());
        let Some(location) = location.filter(|_| response.status().is_redirection()) else {
            return Ok(response);
        };
        let next = resolve_redirect(&url, location)?;
        if host_and_port(&next) != host_and_port(&url) {
            return Err(format!(
                "the server redirects to {next}, which is not a configured mirror"
            ));
        }
        url = next;
    }
    Err(format!("the server redirects more than {MAX_REDIRECTS} times"))
}

/// The target of a redirect. `location` is a URL, or a path on the same server.
fn resolve_redirect(url: &str, location: &str) -> Result<String, String> {
    let invalid = || format!("the server redirects to '{location}', which is not a valid address");
    if location.starts_with("http://") || location.starts_with("https://") {
        return Ok(location.to_owned());
    }
    let path =
        location.strip_prefix('/').filter(|path| !path.starts_with('/')).ok_or_else(invalid)?;
    let uri: Uri = url.parse().map_err(|_| invalid())?;
    let (scheme, authority) = uri.scheme_str().zip(uri.authority()).ok_or_else(invalid)?;
    Ok(format!("{scheme}://{authority}/{path}"))
}

/// The host of a URL, and its port if it has one.
fn host_and_port(url: &str) -> Option<(String, Option<u16>)> {
    let uri: Uri = url.parse().ok()?;
    Some((uri.host()?.to_ascii_lowercase(), uri.port_u16()))
}

fn request_once(url: &str, from: u64, timeout: Duration) -> Result<Response<Body>, String> {
    let mut config = Agent::config_builder()
        .http_status_as_error(false)
        // `request` follows redirects, after it has checked their targets.
        .max_redirects(0)
        .timeout_resolve(Some(timeout))
        .timeout_connect(Some(timeout))
        .timeout_recv_response(Some(timeout))
        .timeout_per_read(Some(READ_TIMEOUT))
        .timeout_recv_body(Some(BODY_TIMEOUT))
        // Byte ranges refer to the stored file, so the transfer must not be compressed.
        .accept_encoding("identity")
        .user_agent(concat!("candle-sweep/", env!("CARGO_PKG_VERSION")));
    if is_loopback(url) {
        config = config.proxy(None);
    }
    let mut request = Agent::new_with_config(config.build()).get(url);
    if from > 0 {
        request = request.header("Range", format!("bytes={from}-"));
    }
    request.call().map_err(|error| error.to_string())
}

/// Returns whether the URL names this machine, which a proxy cannot reach.
fn is_loopback(url: &str) -> bool {
    let host = url.parse::<Uri>().ok().and_then(|uri| uri.host().map(str::to_owned));
    host.is_some_and(|host| matches!(host.as_str(), "localhost" | "127.0.0.1" | "[::1]"))
}

/// Start and total size of a range such as `bytes 100-199/200`.
fn content_range(headers: &HeaderMap) -> Option<(u64, Option<u64>)> {
    let (range, total) =
        headers.get(CONTENT_RANGE)?.to_str().ok()?.strip_prefix("bytes ")?.split_once('/')?;
    Some((parse_number(range.split('-').next())?, parse_number(Some(total))))
}

fn parse_number(text: Option<&str>) -> Option<u64> {
    text?.trim().parse().ok()
}
