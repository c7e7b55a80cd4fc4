//! Serves the page and its progress over HTTP. Never writes to the store.
//!
//! Clients poll. A visible tab asks for the progress every 2 s and for the page every 10 s, or every
//! 30 s while something runs. It sends the page's ETag and receives 304 while the page is unchanged.
//! A hidden tab asks nothing. One thread ([`poller`]) reads the store for all clients: at most once
//! a second, and never without a request.
//!
//! One visible page takes about 1.1 % of the processor time of two cores beside a sweep of 8 s
//! (1.05 to 1.17 % in four rounds, browser included). The sweep took 1.7 % longer in the median,
//! from −2.4 to +6.6 %: the machine was busy with other work, so the spread exceeds the effect.
//! `node crates/report/tests/page/slowdown.mjs MODULES CHROMIUM RUNNER REPORT SWEEP.toml 4 1`
//! measures it, with `experiments/batch_sweep.toml` extended to 12 seeds.

mod connections;
mod file_stamp;
pub mod guard;
pub mod poller;
mod snapshot;
pub mod store_watch;

use std::net::TcpListener;
use std::sync::Arc;

use anyhow::Result;
use axum::Router;
use axum::extract::{Request, State};
use axum::http::header::{
    CACHE_CONTROL, CONNECTION, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, HeaderName,
    HeaderValue, IF_NONE_MATCH, LOCATION, REFERRER_POLICY, SET_COOKIE, X_CONTENT_TYPE_OPTIONS,
    X_FRAME_OPTIONS,
};
use axum::http::{HeaderMap, StatusCode};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::get;

use guard::{Decision, Guard};
use poller::{Needs, Poller};

const HTML: &str = "text/html; charset=utf-8";

/// Answers requests until SIGINT or SIGTERM.
pub fn run(listener: TcpListener, guard: Guard, poller: Poller) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let router = Router::new()
        .route("/", get(page))
        .route("/progress", get(progress))
        .with_state(poller)
        .layer(middleware::from_fn_with_state(Arc::new(guard), authorize));
    runtime.block_on(async {
        listener.set_nonblocking(true)?;
        let listener = tokio::net::TcpListener::from_std(listener)?;
        tokio::select! {
            () = connections::accept(listener, router) => Ok(()),
            stopped = stop_signal() => stopped,
        }
    })?;
    // Open connections do not delay the exit.
    runtime.shutdown_background();
    Ok(())
}

#[cfg(unix)]
async fn stop_signal() -> Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        interrupted = tokio::signal::ctrl_c() => Ok(interrupted?),
        _ = terminate.recv() => Ok(()),
    }
}

#[cfg(not(unix))]
async fn stop_signal() -> Result<()> {
    Ok(tokio::signal::ctrl_c().await?)
}

/// Asks the [`Guard`] and adds the security headers to every response.
async fn authorize(State(guard): State<Arc<Guard>>, request: Request, next: Next) -> Response {
    let mut response = match guard.authorize(request.uri(), request.headers()) {
        Decision::Allow => next.run(request).await,
        Decision::SetCookie(cookie) => {
            (StatusCode::SEE_OTHER, [(LOCATION, "/".to_owned()), (SET_COOKIE, cookie)])
                .into_response()
        }
        // Closing frees the connection for a client that is allowed.
        Decision::Deny(status, reason) => (status, [(CONNECTION, "close")], reason).into_response(),
    };
    let same_origin = HeaderValue::from_static("same-origin");
    let headers = [
        (CACHE_CONTROL, HeaderValue::from_static("no-store")),
        (X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
        (X_FRAME_OPTIONS, HeaderValue::from_static("DENY")),
        (REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
        // The page itself holds the rest of its policy, which names its scripts by digest.
        (CONTENT_SECURITY_POLICY, HeaderValue::from_static("frame-ancestors 'none'")),
        (HeaderName::from_static("cross-origin-opener-policy"), same_origin.clone()),
        (HeaderName::from_static("cross-origin-resource-policy"), same_origin),
    ];
    response.headers_mut().extend(headers);
    response
}

/// The whole page, or 304 if the client has its current results.
async fn page(State(poller): State<Poller>, headers: HeaderMap) -> Response {
    let snapshot = poller.snapshot(Needs::Page).await;
    let known = headers.get(IF_NONE_MATCH).and_then(|tags| tags.to_str().ok()).unwrap_or_default();
    let etag = [(ETAG, snapshot.page.etag.clone())];
    if known.split(',').any(|tag| tag.trim() == snapshot.page.etag) {
        return (StatusCode::NOT_MODIFIED, etag).into_response();
    }
    (etag, [(CONTENT_TYPE, HTML)], snapshot.page_html()).into_response()
}

/// The progress section of the page.
async fn progress(State(poller): State<Poller>) -> Response {
    let snapshot = poller.snapshot(Needs::Progress).await;
    ([(CONTENT_TYPE, HTML)], snapshot.progress.clone()).into_response()
}
