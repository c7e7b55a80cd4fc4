//! `report serve`: the page of `report html`, in a browser, following a sweep while it runs.

use std::io::{ErrorKind, Write};
use std::net::{SocketAddr, TcpListener, ToSocketAddrs};
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use tracking::{Process, Reader};

use crate::cli::{ComparisonArgs, ServeArgs};
use crate::error;
use crate::filter::Condition;
use crate::query::compare_runs;
use crate::serve::{self, guard::Guard, watch::Watch};

/// A token for those who want to choose it, or to need one on a machine that they share with others.
const TOKEN: &str = "CANDLE_SWEEP_TOKEN";
/// A shorter one could be guessed.
const SHORTEST_TOKEN: usize = 16;

/// Serves until it is stopped.
pub fn serve(results: &Path, args: &ServeArgs) -> Result<ExitCode> {
    for condition in &args.comparison.conditions {
        Condition::parse(condition)?;
    }
    let listener = listen(&args.host, args.port)?;
    let address = listener.local_addr()?;
    let token = token(args.token.as_deref(), address)?;
    let url = url(&args.host, address, token.as_deref());
    let guard = Guard::new(&args.host, address, token.as_deref());
    // What is asked may come to be right later, with the runs that it is about.
    if let (true, Ok(reader)) =
        (args.comparison != ComparisonArgs::default(), Reader::open(results))
        && let Err(error) = compare_runs(&reader, results, &args.comparison)
    {
        anstream::eprintln!(
            "warning: nothing to show as long as this is so: {}",
            error::message(&error)
        );
    }
    let watch = Watch::begin(results, &args.comparison)
        .context("cannot begin to watch the results folder")?;
    let mut out = anstream::stdout().lock();
    writeln!(
        out,
        "{url} follows {}; Ctrl-C ends it",
        tracking::printable(&results.display().to_string())
    )?;
    out.flush()?;
    drop(out);
    serve::until_stopped(listener, guard, watch)?;
    Ok(ExitCode::SUCCESS)
}

fn listen(host: &str, port: u16) -> Result<TcpListener> {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    let addresses: Vec<SocketAddr> = (bare, port)
        .to_socket_addrs()
        .with_context(|| {
            format!("--host {host} is no address: expected a name or number of this machine, as 0.0.0.0 for all of them; --port has the port")
        })?
        .collect();
    match TcpListener::bind(&addresses[..]) {
        Err(error) if error.kind() == ErrorKind::AddrInUse => {
            bail!(
                "port {port} is taken, perhaps by another report serve: choose one with --port N, or any with --port 0"
            )
        }
        Err(error) if error.kind() == ErrorKind::AddrNotAvailable => {
            bail!("--host {host} is no address of this machine: 0.0.0.0 is all that it has")
        }
        Err(error) => Err(error).with_context(|| format!("cannot serve at {host}, port {port}")),
        Ok(listener) => Ok(listener),
    }
}

/// What who asks must know: nothing on this machine, unless it is wished.
fn token(asked: Option<&str>, address: SocketAddr) -> Result<Option<String>> {
    let chosen = match (asked, std::env::var(TOKEN)) {
        (Some(token), _) => Some(token.to_owned()),
        (None, Ok(token)) => Some(token),
        (None, Err(std::env::VarError::NotPresent)) => None,
        (None, Err(error)) => bail!("{TOKEN}: {error}"),
    };
    match chosen {
        Some(token)
            if token.len() < SHORTEST_TOKEN
                || !token.bytes().all(|byte| byte.is_ascii_alphanumeric()) =>
        {
            bail!(
                "the token (--token or {TOKEN}) must be letters and digits, {SHORTEST_TOKEN} at least, such as openssl rand -hex 16 makes"
            )
        }
        Some(token) => Ok(Some(token)),
        None if address.ip().is_loopback() => Ok(None),
        None => {
            let mut bytes = [0; 16];
            getrandom::fill(&mut bytes)
                .map_err(|error| anyhow::anyhow!("no random numbers for a token: {error}"))?;
            Ok(Some(bytes.iter().map(|byte| format!("{byte:02x}")).collect()))
        }
    }
}

/// Where a browser finds it.
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
