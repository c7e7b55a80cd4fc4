//! The page, served: one thread answers, another one reads the store for all ([`watch`]). Nothing is written.

pub mod guard;
mod pace;
mod parts;
mod turns;
pub mod watch;

use std::convert::Infallible;
use std::net::TcpListener;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use axum::Router;
use axum::extract::{Path, RawQuery, Request, State};
use axum::http::header::{
    CACHE_CONTROL, CONNECTION, CONTENT_TYPE, ETAG, HeaderName, HeaderValue, IF_NONE_MATCH,
    LOCATION, REFERRER_POLICY, SET_COOKIE, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use futures_util::Stream;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::sync::Semaphore;
use tokio::sync::watch::Receiver;
use tokio_io_timeout::TimeoutStream;

use guard::{Guard, Verdict};
use turns::{Place, Turns};
use watch::{Snapshot, Watch};

/// Connections at a time: more wait, so that files are left for the store.
const CONNECTIONS: usize = 512;
/// How long a request may take to come, a connection wait for one, and who asked take nothing of the answer.
const PATIENCE: Duration = Duration::from_secs(10);
/// Longest head of a request, in bytes.
const LONGEST_HEAD: usize = 16 * 1024;
/// Between two signs of life to who follows.
const SIGN_OF_LIFE: Duration = Duration::from_secs(15);

/// The connection that all pages of a browser share.
const FOLLOW: &str = include_str!("follow.js");

/// What answers are made from.
#[derive(Clone)]
struct Served {
    watch: Watch,
    turns: Arc<Turns>,
}

/// Answers until SIGINT or SIGTERM.
pub fn until_stopped(listener: TcpListener, guard: Guard, watch: Watch) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let router = Router::new()
        .route("/", get(page))
        .route("/parts/{names}", get(parts))
        .route("/events", get(events))
        .route("/turn", get(turn))
        .route("/follow.js", get(follow))
        .with_state(Served { watch, turns: Arc::new(Turns::new()) })
        .layer(middleware::from_fn_with_state(Arc::new(guard), guarded));
    runtime.block_on(async {
        listener.set_nonblocking(true)?;
        let listener = tokio::net::TcpListener::from_std(listener)?;
        tokio::select! {
            () = answer(listener, router) => Ok(()),
            stopped = stopped() => stopped,
        }
    })?;
    // Who still follows is let go.
    runtime.shutdown_background();
    Ok(())
}

#[cfg(unix)]
async fn stopped() -> Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminated = signal(SignalKind::terminate())?;
    tokio::select! {
        stopped = tokio::signal::ctrl_c() => Ok(stopped?),
        _ = terminated.recv() => Ok(()),
    }
}

#[cfg(not(unix))]
async fn stopped() -> Result<()> {
    Ok(tokio::signal::ctrl_c().await?)
}

/// Takes connections, each for as long as it behaves.
async fn answer(listener: tokio::net::TcpListener, router: Router) {
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(PATIENCE).max_buf_size(LONGEST_HEAD);
    let places = Arc::new(Semaphore::new(CONNECTIONS));
    while let Ok(place) = Arc::clone(&places).acquire_owned().await {
        let Ok((stream, _)) = listener.accept().await else {
            // Mostly for want of files, which others give back.
            tokio::time::sleep(Duration::from_millis(100)).await;
            continue;
        };
        // What is small is sent at once.
        let _ = stream.set_nodelay(true);
        let mut stream = TimeoutStream::new(stream);
        stream.set_write_timeout(Some(PATIENCE));
        let connection = http.serve_connection(
            TokioIo::new(Box::pin(stream)),
            TowerToHyperService::new(router.clone()),
        );
        tokio::spawn(async move {
            // A connection that breaks is the other side's.
            let _ = connection.await;
            drop(place);
        });
    }
}

/// Lets the [`Guard`] judge, and gives every answer the headers that keep it to who asked.
async fn guarded(State(guard): State<Arc<Guard>>, request: Request, next: Next) -> Response {
    let mut response = match guard.judge(request.uri(), request.headers()) {
        Verdict::Welcome => next.run(request).await,
        Verdict::Enter(cookie) => {
            (StatusCode::SEE_OTHER, [(LOCATION, "/".to_owned()), (SET_COOKIE, cookie)])
                .into_response()
        }
        // His place is another's.
        Verdict::Refused(status, why) => (status, [(CONNECTION, "close")], why).into_response(),
    };
    let same_origin = HeaderValue::from_static("same-origin");
    let always = [
        (CACHE_CONTROL, HeaderValue::from_static("no-store")),
        (X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
        (X_FRAME_OPTIONS, HeaderValue::from_static("DENY")),
        (REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
        // What a page may do beyond this it says itself, where it names its scripts.
        (header::CONTENT_SECURITY_POLICY, HeaderValue::from_static("frame-ancestors 'none'")),
        (HeaderName::from_static("cross-origin-opener-policy"), same_origin.clone()),
        (HeaderName::from_static("cross-origin-resource-policy"), same_origin),
    ];
    response.headers_mut().extend(always);
    response
}

/// The page as it is now; nothing where the asker has it.
async fn page(State(Served { watch, .. }): State<Served>, headers: HeaderMap) -> Response {
    // A script that follows does not open it.
    let follows = headers.get("sec-fetch-dest").is_some_and(|it| it == "empty");
    let now = if follows { watch.now().await } else { watch.newest().await };
    let known = headers.get(IF_NONE_MATCH).is_some_and(|etag| *etag == *now.etag);
    let etag = [(ETAG, now.etag.clone())];
    match known {
        true => (StatusCode::NOT_MODIFIED, etag).into_response(),
        false => {
            (etag, [(CONTENT_TYPE, "text/html; charset=utf-8")], now.page.clone()).into_response()
        }
    }
}

/// Parts of the page, by name, with commas between.
async fn parts(State(Served { watch, .. }): State<Served>, Path(names): Path<String>) -> Response {
    let parts = watch.now().await.parts.some(&names);
    ([(CONTENT_TYPE, "application/json")], parts).into_response()
}

/// What becomes of the page, as it becomes. Browsers on this machine, which say that they are `here`, are told whether they are the first
/// ones; while there is much to paint beside a sweep, the others are told in turns.
async fn events(
    State(Served { watch, turns }): State<Served>,
    RawQuery(query): RawQuery,
) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let place = (query.as_deref() == Some("here")).then(|| turns.join());
    let follower =
        Follower { following: watch.follow().await, owed: false, place, is_first: true, turns };
    let events = futures_util::stream::unfold(follower, |mut follower| async {
        let event = follower.next().await?;
        Some((Ok(event), follower))
    });
    // An event, for a page is not told of comments.
    let alive = Event::default().event("alive").data("1");
    Sse::new(events).keep_alive(KeepAlive::new().interval(SIGN_OF_LIFE).event(alive))
}

/// Somebody who is told.
struct Follower {
    following: Receiver<Arc<Snapshot>>,
    /// There is something that was not told.
    owed: bool,
    place: Option<Place>,
    is_first: bool,
    turns: Arc<Turns>,
}

impl Follower {
    /// What he is told next, when that is: at once, or when it is his turn.
    async fn next(&mut self) -> Option<Event> {
        let turns = Arc::clone(&self.turns);
        let mut turn = pin!(turns.come());
        while !self.owed || !self.is_first && self.following.borrow().busy {
            tokio::select! {
                changed = self.following.changed() => {
                    changed.ok()?;
                    self.owed = true;
                }
                is_first = Place::first(&mut self.place) => if is_first != self.is_first {
                    self.is_first = is_first;
                    return Some(Event::default().event("first").data(is_first.to_string()));
                },
                () = &mut turn, if self.owed => break,
            }
        }
        self.owed = false;
        let now = self.following.borrow();
        let event = if now.rests { Event::default().event("rests") } else { Event::default() };
        Some(event.data(&now.event))
    }
}

/// Nothing, when the asker may paint a page that is not the first.
async fn turn(State(Served { watch, turns }): State<Served>) -> StatusCode {
    tokio::select! {
        () = turns.come() => {}
        () = watch.calm() => {}
    }
    StatusCode::NO_CONTENT
}

async fn follow() -> Response {
    ([(CONTENT_TYPE, "text/javascript; charset=utf-8")], FOLLOW).into_response()
}
