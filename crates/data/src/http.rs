//! One request for a file, or for the rest of it, that answers in bounded time.

use std::io::Read;
use std::sync::mpsc;
use std::time::Duration;

use ureq::http::header::{CONTENT_LENGTH, CONTENT_RANGE, LOCATION};
use ureq::http::{HeaderMap, Response, StatusCode, Uri};
use ureq::{Agent, Body};

/// Longest silence in the middle of a body.
const STALL: Duration = Duration::from_secs(20);
/// Longest time for one body; what came is kept, and the next attempt goes on from there.
const LONGEST_BODY: Duration = Duration::from_secs(600);

/// Most redirects of one request.
const MOST_REDIRECTS: u32 = 4;

/// What a server said.
pub(crate) enum Answer {
    /// Bytes that follow those there are.
    Body {
        /// Where they begin: 0, or what was asked for.
        from: u64,
        /// Size of the whole file, if the server says.
        total: Option<u64>,
        /// The bytes.
        bytes: Box<dyn Read>,
    },
    /// There are no such bytes.
    OutOfRange,
}

/// Asks for `url` from byte `from` on; the answer must begin within `patience`.
pub(crate) fn get(url: &str, from: u64, patience: Duration) -> Result<Answer, String> {
    let response = within(patience, {
        let url = url.to_owned();
        move || request(&url, from, patience)
    })?;
    let (status, headers) = (response.status(), response.headers());
    let length = number(headers.get(CONTENT_LENGTH).and_then(|it| it.to_str().ok()));
    let (from, total) = match status {
        StatusCode::OK => (0, length),
        StatusCode::PARTIAL_CONTENT => match content_range(headers) {
            Some((start, total)) if start == from => {
                (from, total.or(length.map(|length| from + length)))
            }
            // Other bytes than those asked for are of no use.
            _ => return Ok(Answer::OutOfRange),
        },
        StatusCode::RANGE_NOT_SATISFIABLE if from > 0 => return Ok(Answer::OutOfRange),
        _ => return Err(format!("the server answered {status}")),
    };
    Ok(Answer::Body { from, total, bytes: Box::new(response.into_body().into_reader()) })
}

/// Runs `request` in a thread of its own and stops waiting for it after `patience`: resolving a name, connecting and each
/// redirect have time limits of their own, and it is their sum that a person waits for.
fn within<T: Send + 'static>(
    patience: Duration,
    request: impl FnOnce() -> Result<T, String> + Send + 'static,
) -> Result<T, String> {
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || {
        // Nobody may be waiting any more.
        let _ = sender.send(request());
    });
    receiver
        .recv_timeout(patience)
        .unwrap_or_else(|_| Err(format!("no answer within {patience:.1?}")))
}

/// Redirects to the mirror itself are followed; those to anywhere else are not: only configured mirrors are asked.
fn request(url: &str, from: u64, patience: Duration) -> Result<Response<Body>, String> {
    let mut url = url.to_owned();
    for _ in 0..=MOST_REDIRECTS {
        let response = request_once(&url, from, patience)?;
        let location = response.headers().get(LOCATION).and_then(|location| location.to_str().ok());
        let Some(location) = location.filter(|_| response.status().is_redirection()) else {
            return Ok(response);
        };
        let next = resolved(&url, location)?;
        if host(&next) != host(&url) {
            return Err(format!("it redirects to {next}, which is no configured mirror"));
        }
        url = next;
    }
    Err("it redirects again and again".to_owned())
}

/// Where a redirect leads: a whole address, or a path of the same server.
fn resolved(url: &str, location: &str) -> Result<String, String> {
    let broken = || format!("it redirects to '{location}', which is no address");
    if location.starts_with("http://") || location.starts_with("https://") {
        return Ok(location.to_owned());
    }
    let path =
        location.strip_prefix('/').filter(|path| !path.starts_with('/')).ok_or_else(broken)?;
    let uri: Uri = url.parse().map_err(|_| broken())?;
    let (scheme, authority) = uri.scheme_str().zip(uri.authority()).ok_or_else(broken)?;
    Ok(format!("{scheme}://{authority}/{path}"))
}

/// The server of an address, and the door if it is not the usual one.
fn host(url: &str) -> Option<(String, Option<u16>)> {
    let uri: Uri = url.parse().ok()?;
    Some((uri.host()?.to_ascii_lowercase(), uri.port_u16()))
}

fn request_once(url: &str, from: u64, patience: Duration) -> Result<Response<Body>, String> {
    let mut config = Agent::config_builder()
        .http_status_as_error(false)
        // Followed below, where it is looked at where they lead.
        .max_redirects(0)
        .timeout_resolve(Some(patience))
        .timeout_connect(Some(patience))
        .timeout_recv_response(Some(patience))
        .timeout_per_read(Some(STALL))
        .timeout_recv_body(Some(LONGEST_BODY))
        // Ranges count the bytes of the file as it is stored.
        .accept_encoding("identity")
        .user_agent(concat!("candle-sweep/", env!("CARGO_PKG_VERSION")));
    if is_this_machine(url) {
        config = config.proxy(None);
    }
    let mut request = Agent::new_with_config(config.build()).get(url);
    if from > 0 {
        request = request.header("Range", format!("bytes={from}-"));
    }
    request.call().map_err(|error| error.to_string())
}

/// No proxy leads to oneself.
fn is_this_machine(url: &str) -> bool {
    let host = url.parse::<Uri>().ok().and_then(|uri| uri.host().map(str::to_owned));
    host.is_some_and(|host| matches!(host.as_str(), "localhost" | "127.0.0.1" | "[::1]"))
}

/// `bytes 100-199/200`: where it begins, and the whole's size.
fn content_range(headers: &HeaderMap) -> Option<(u64, Option<u64>)> {
    let (range, total) =
        headers.get(CONTENT_RANGE)?.to_str().ok()?.strip_prefix("bytes ")?.split_once('/')?;
    Some((number(range.split('-').next())?, number(Some(total))))
}

fn number(text: Option<&str>) -> Option<u64> {
    text?.trim().parse().ok()
}
