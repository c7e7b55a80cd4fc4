//! `report serve`: the page of `report html` in a browser, kept current while a sweep runs.

use std::io::{ErrorKind, Write};
use std::net::{SocketAddr, TcpListener, ToSocketAddrs};
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use tracking::{Process, Reader};

use crate::cli::{ComparisonArgs, ServeArgs};
use crate::error;
use crate::query::{compare_runs, parse_conditions};
use crate::serve::{self, guard::Guard, poller::Poller, store_watch::StoreWatch};

/// Environment variable with the token.
const TOKEN: &str = "CANDLE_SWEEP_TOKEN";
/// Shortest token, in characters. A shorter one could be guessed.
const MIN_TOKEN: usize = 16;

/// Serves the page until SIGINT or SIGTERM.
pub fn serve(results: &Path, args: &ServeArgs) -> Result<ExitCode> {
    parse_conditions(&args.comparison)?;
    let listener = listen(&args.host, args.port)?;
    let address = listener.local_addr()?;
    let token = token(args.token.as_deref(), address)?;
    let url = url(&args.host, address, token.as_deref());
    let guard = Guard::new(&args.host, address, token.as_deref());
    // Only a warning: runs that are recorded later may make the request valid.
    if let (true, Ok(reader)) =
        (args.comparison != ComparisonArgs::default(), Reader::open(results))
        && let Err(error) = compare_runs(&reader, results, &args.comparison)
    {
        anstream::eprintln!(
            "warning: the page stays empty until this is resolved: {}",
            error::message(&error)
        );
    }
    let mut watch = StoreWatch::new(results, &args.comparison);
    let poller = Poller::start(move |needs| watch.read(needs))
        .context("cannot start the thread that reads the store")?;
    let mut out = anstream::stdout().lock();
    writeln!(
        out,
        "{url} follows {}; press Ctrl-C to stop",
        tracking::printable(&results.display().to_string())
    )?;
    out.flush()?;
    drop(out);
    serve::run(listener, guard, poller)?;
    Ok(ExitCode::SUCCESS)
}

fn listen(host: &str, port: u16) -> Result<TcpListener> {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    let addresses: Vec<SocketAddr> = (bare, port)
        .to_socket_addrs()
        .with_context(|| {
            format!(
                "--host {host} is not an address: expected a host name or IP address of this \
                 machine without a port, such as 0.0.0.0 for all addresses"
            )
        })?
        .collect();
    match TcpListener::bind(&addresses[..]) {
        Err(error) if error.kind() == ErrorKind::AddrInUse => {
            bail!(
                "port {port} is in use, perhaps by another server of this program: choose another with --port N \
                 or a free one with --port 0"
            )
        }
        Err(error) if error.kind() == ErrorKind::AddrNotAvailable => {
            bail!(
                "--host {host} is not an address of this machine: use 0.0.0.0 for all its addresses"
            )
        }
        Err(error) => Err(error).with_context(|| format!("cannot serve at {host}, port {port}")),
        Ok(listener) => Ok(listener),
    }
}

/// The chosen token, or a random one beyond the loopback interface, where a token is required.
fn token(option: Option<&str>, address: SocketAddr) -> Result<Option<String>> {
    let chosen = match (option, std::env::var(TOKEN)) {
        (Some(token), _) => Some(token.to_owned()),
        (None, Ok(token)) => Some(token),
        (None, Err(std::env::VarError::NotPresent)) => None,
        (None, Err(error)) => bail!("{TOKEN}: {error}"),
    };
    match chosen {
        Some(token)
            if token.len() < MIN_TOKEN
                || !token.bytes().all(|byte| byte.is_ascii_alphanumeric()) =>
        {
            bail!(
                "invalid token (--token or {TOKEN}): expected at least {MIN_TOKEN} letters and digits, \
                 for example the output of openssl rand -hex 16"
            )
        }
        Some(token) => Ok(Some(token)),
        None if address.ip().is_loopback() => Ok(None),
        None => {
            let mut bytes = [0; 16];
            getrandom::fill(&mut bytes)
                .map_err(|error| anyhow::anyhow!("cannot generate a random token: {error}"))?;
            Ok(Some(bytes.iter().map(|byte| format!("{byte:02x}")).collect()))
        }
    }
}

/// The address to open in a browser.
fn url(host: &str, address: SocketAddr, token: Option<&str>) -> String {
    let name = match address {
        _ if address.ip().is_unspecified() => Process::current().host.clone(),
        _ if host.parse::<std::net::IpAddr>().is_err() => host.to_owned(),
        SocketAddr::V4(address) => address.ip().to_string(),
        SocketAddr::V6(address) => format!("[{}]", address.ip()),
    };
    let token = token.map_or_else(String::new, |token| format!("?token={token}"));
    format!("http://{name}:{}/{token}", address.port())
}
